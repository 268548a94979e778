import { abortable } from '../runtime/abortable.ts';
import type { Clock } from '../runtime/clock.ts';
import type { HttpClient, WholeReply } from '../runtime/http-client.ts';
import type { Random } from '../runtime/random.ts';
import { isFromEdge, type CallFacts } from '../model/call-policy.ts';
import {
  drive,
  failedBy,
  type CredentialSource,
  type Outcome,
  type OutgoingCall,
  type SentRequest,
  type Transport,
  type Waiter,
} from './driver.ts';
import { openGate } from './window-gate.ts';

/** What {@link createAsk} works with. */
export interface AskOptions {
  readonly http: HttpClient;
  readonly apiUrl: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** A question to Klaviyo's API. */
export interface Question extends Partial<
  Pick<CallFacts, 'attempts' | 'firstPauseMs' | 'longestPauseMs'>
> {
  /** With its query. */
  readonly path: string;
  /** Names and values in turn, `revision` among them; the credential is not. */
  readonly headers: readonly string[];
  /** Milliseconds for one attempt, from connecting to the last byte. */
  readonly deadlineMs: number;
  readonly maxReplyBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks Klaviyo's API by `GET` and reads the answer whole, whatever its status.
 *
 * @throws KeyshiftError `upstream_*` when no attempt brought an answer; or the signal's reason
 */
export type Ask = (source: CredentialSource, question: Question) => Promise<WholeReply>;

/**
 * Creates the face of {@link drive} for Keyshift's own small reads. An answer that breaks off is an
 * attempt that failed. Windows are not kept: these reads come one at a time and obey a 429.
 */
export function createAsk({ http, apiUrl, clock, random }: AskOptions): Ask {
  return (source, { path, headers, deadlineMs, maxReplyBytes, signal, ...limits }) => {
    const call: OutgoingCall = {
      method: 'GET',
      path,
      headers: {},
      body: null,
      operation: undefined,
      sentHeaders: headers,
      repeatable: true,
      idempotent: true,
      patientUntilMs: Infinity,
      limits,
    };
    const transport: Transport<WholeReply> = {
      send: (request) => sendOnce(request),
    };
    return drive(call, {
      ...{ source, gate: openGate, transport, clock, random },
      waiter: waiterOf(signal),
    });

    async function sendOnce(request: SentRequest): Promise<Outcome<WholeReply>> {
      const url = apiUrl + request.path;
      const sentAtMs = clock.now();
      try {
        const answer = await http.send({
          method: request.method,
          url,
          headers: toRecord(request.headers),
          deadlineMs,
          signal,
          ...(maxReplyBytes === undefined ? {} : { maxReplyBytes }),
        });
        const { status, headers: replied, bytes: held } = answer;
        const edge = isFromEdge(status, replied['content-type'], 'cf-mitigated' in replied);
        const tookMs = clock.now() - sentAtMs;
        return { kind: 'answered', head: { status, headers: replied, edge, tookMs }, answer, held };
      } catch (error) {
        return failedBy(error as Error, url, clock.now() - sentAtMs);
      }
    }
  };
}

function toRecord(headers: readonly string[]): Record<string, string> {
  const record: Record<string, string> = {};
  for (let at = 0; at < headers.length; at += 2) record[headers[at] ?? ''] = headers[at + 1] ?? '';
  return record;
}

function waiterOf(signal: AbortSignal | undefined): Waiter {
  return {
    signal,
    throwIfGone: () => signal?.throwIfAborted(),
    within: (work) => abortable(work, signal),
  };
}
