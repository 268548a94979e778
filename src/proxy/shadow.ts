import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { authorizationHeader } from '../calls/account-lookup.ts';
import type { Credentials, RoutedCredential } from '../calls/credentials.ts';
import { isLive } from '../model/route-policy.ts';
import type { TrafficMeter } from '../calls/traffic-meter.ts';
import type { WriteBehind } from '../calls/write-behind.ts';
import { isKeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Random } from '../runtime/random.ts';
import { WholeReply, type WholeAnswer } from '../runtime/whole-reply.ts';
import type { Connection } from '../model/connection.ts';
import type { Store } from '../store/store.ts';
import { compareAnswers, type ComparedAnswer } from './compare-answers.ts';
import type { ExchangeCall } from './exchange.ts';
import { forwardedRequestHeaders } from './proxy-headers.ts';
import type { Sent } from './sender.ts';
import { createShadowResults } from './shadow-results.ts';

/** Repeats a share of the reads by OAuth, behind the caller's back, and compares. */
export interface Shadow {
  /** Something to watch the answer with, for the calls of the share; undefined for all others. */
  begin(call: ExchangeCall): ShadowCopy | undefined;
}

/** The answer to one read by key, as it passes. */
export interface ShadowCopy {
  readonly onChunk: (chunk: Buffer) => void;
  /** Begins the comparison, once the caller has its answer. */
  finish(sent: Sent | undefined): void;
}

/** What {@link createShadow} works with. */
export interface ShadowOptions {
  readonly store: Store;
  readonly credentials: Credentials;
  readonly dispatcher: Dispatcher;
  readonly apiUrl: string;
  readonly revision: string;
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
  const { credentials, meter, clock, random, logger } = options;
  const results = createShadowResults(options);
  let atWork = 0;

  async function repeat(call: ExchangeCall, credential: RoutedCredential): Promise<ComparedAnswer> {
    const { dispatcher, apiUrl: origin, revision } = options;
    const { path, operation, target } = call;
    const sentAtMs = clock.now();
    const headers = forwardedRequestHeaders(
      call.headers as IncomingHttpHeaders,
      authorizationHeader(credential.secret),
      revision,
    );
    const reply = await readWhole(dispatcher, { origin, path, method: 'GET', headers });
    meter.record({
      connectionId: target.kind === 'connection' ? target.connection.id : undefined,
      ...{ route: credential.route, operationId: operation?.id, status: reply.status },
      ...{ edge: false, tookMs: clock.now() - sentAtMs },
    });
    const { status, bytes: body } = reply;
    return { status, contentEncoding: encodingOf(reply.headers), body };
  }

  async function compare(
    call: ExchangeCall,
    connection: Connection,
    byKey: ComparedAnswer,
    key: RoutedCredential,
  ): Promise<void> {
    const { accountId } = connection;
    if (accountId === undefined) return;
    const grant = await credentials.forAccount(accountId);
    let difference = compareAnswers(byKey, await repeat(call, grant));
    // What changed between the two reads is no difference: only one that stays is reported.
    if (difference !== undefined) {
      const again = await Promise.all([repeat(call, key), repeat(call, grant)]);
      difference = compareAnswers(...again);
    }
    results.record(connection.id, call.operation?.id ?? 'unknown', difference);
  }

  return {
    begin(call) {
      const { target, method, operation } = call;
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
        finish(sent) {
          if (sent?.credential.route !== 'key' || sent.head.edge || size > largestBytes) return;
          const { status, headers } = sent.head;
          const body = Buffer.concat(chunks);
          atWork += 1;
          compare(
            call,
            connection,
            { status, contentEncoding: encodingOf(headers), body },
            sent.credential,
          )
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

/** Rejects past the deadline, and for an answer far larger than the one it is compared with. */
async function readWhole(
  dispatcher: Dispatcher,
  call: Dispatcher.DispatchOptions,
): Promise<WholeAnswer> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<WholeAnswer>((resolve, reject) => {
      const reply = new WholeReply(2 * largestBytes, { resolve, reject });
      timer = setTimeout(() => {
        reply.abort(new Error(`no answer within ${deadlineMs} ms`));
      }, deadlineMs);
      dispatcher.dispatch(call, reply);
    });
  } finally {
    clearTimeout(timer);
  }
}

function encodingOf(headers: IncomingHttpHeaders): string | undefined {
  const encoding = headers['content-encoding'];
  return typeof encoding === 'string' ? encoding.toLowerCase() : undefined;
}
