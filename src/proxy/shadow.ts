import type { IncomingHttpHeaders } from 'node:http';
import type { Ask } from '../calls/ask.ts';
import { fixedSource, grantSource } from '../calls/credential-source.ts';
import type { Credentials, KeyCredential } from '../calls/credentials.ts';
import type { CredentialSource, OutgoingCall } from '../calls/driver.ts';
import type { TrafficMeter } from '../calls/traffic-meter.ts';
import type { WriteBehind } from '../calls/write-behind.ts';
import { isKeyshiftError } from '../errors/keyshift-error.ts';
import type { Connection } from '../model/connection.ts';
import { isLive } from '../model/route-policy.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Random } from '../runtime/random.ts';
import type { Store } from '../store/store.ts';
import { compareAnswers, type ComparedAnswer } from './compare-answers.ts';
import type { ProxyTarget } from './proxy-caller.ts';
import { createShadowResults } from './shadow-results.ts';
import type { StreamedAnswer } from './upstream-call.ts';

/** Repeats a share of the reads by OAuth, behind the caller's back, and compares. */
export interface Shadow {
  /** Something to watch the answer with, for the calls of the share; undefined for all others. */
  begin(call: OutgoingCall, target: ProxyTarget): ShadowCopy | undefined;
}

/** The answer to one read by key, as it passes. */
export interface ShadowCopy {
  readonly onChunk: (chunk: Buffer) => void;
  /** Begins the comparison, once the caller has its answer. */
  finish(answer: StreamedAnswer): void;
}

/** What {@link createShadow} works with. */
export interface ShadowOptions {
  readonly store: Store;
  readonly credentials: Credentials;
  readonly ask: Ask;
  readonly meter: TrafficMeter;
  readonly writeBehind: WriteBehind;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Reads that are compared at one time; while so many are, others pass without being copied. */
const mostAtOnce = 4;
const largestBytes = 256 * 1024;
const deadlineMs = 30_000;

/** Creates the shadow; results are written through `writeBehind`. */
export function createShadow(options: ShadowOptions): Shadow {
  const { credentials, ask, meter, random, logger } = options;
  const results = createShadowResults(options);
  let atWork = 0;

  async function repeat(
    { path, operation, sentHeaders }: OutgoingCall,
    connection: Connection,
    source: CredentialSource,
  ): Promise<ComparedAnswer> {
    const reply = await ask(
      {
        ...source,
        record: (_call, { credential, ...attempt }) => {
          const { route } = credential;
          const operationId = operation?.id;
          meter.record({ connectionId: connection.id, route, operationId, ...attempt });
        },
      },
      { path, headers: sentHeaders, attempts: 1, deadlineMs, maxReplyBytes: 2 * largestBytes },
    );
    const { status, bytes: body } = reply;
    return { status, contentEncoding: encodingOf(reply.headers), body };
  }

  async function compare(
    call: OutgoingCall,
    connection: Connection,
    byKey: ComparedAnswer,
    credential: KeyCredential,
  ): Promise<void> {
    const { accountId } = credential;
    // A key that was not checked yet has no grant to be compared with.
    if (accountId === undefined || accountId !== connection.accountId) return;
    const key = fixedSource(credential);
    const grant = grantSource(credentials, accountId);
    let difference = compareAnswers(byKey, await repeat(call, connection, grant));
    // What changed between the two reads is no difference: only one that stays is reported.
    if (difference !== undefined) {
      const again = [repeat(call, connection, key), repeat(call, connection, grant)] as const;
      difference = compareAnswers(...(await Promise.all(again)));
    }
    results.record(connection.id, call.operation?.id ?? 'unknown', difference);
  }

  return {
    begin(call, target) {
      const { method, operation } = call;
      if (target.kind !== 'connection' || method !== 'GET' || !operation) return undefined;
      const { connection } = target;
      const percent = connection.shadowPercent ?? 0;
      if (percent <= 0 || isLive(connection) || atWork >= mostAtOnce) return undefined;
      if (random.fraction() * 100 >= percent) return undefined;
      const chunks: Buffer[] = [];
      let size = 0;
      return {
        onChunk(chunk) {
          size += chunk.length;
          if (size <= largestBytes) chunks.push(chunk);
          else chunks.length = 0;
        },
        finish({ credential, head, isWhole }) {
          if (credential.route !== 'key' || credential.quota === undefined) return;
          if (head.edge || !isWhole || size > largestBytes) return;
          const { status, headers } = head;
          const contentEncoding = encodingOf(headers);
          const byKey = { status, contentEncoding, body: Buffer.concat(chunks) };
          atWork += 1;
          compare(call, connection, byKey, credential)
            .catch((error: unknown) => {
              // Without a grant there is nothing to compare with.
              if (isKeyshiftError(error, 'grant_not_found')) return;
              logger.warn({ err: error, operation: operation.id }, 'a shadow read failed');
            })
            .finally(() => {
              atWork -= 1;
            });
        },
      };
    },
  };
}

function encodingOf(headers: IncomingHttpHeaders): string | undefined {
  const encoding = headers['content-encoding'];
  return typeof encoding === 'string' ? encoding.toLowerCase() : undefined;
}
