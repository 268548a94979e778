import { Readable } from 'node:stream';
import type { ApiCaller } from '../../src/calls/api-caller.ts';
import { ApiResponse } from '../../src/calls/api-response.ts';

const { signal } = new AbortController();

/** A call as it was asked for. */
export interface CannedCall {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly body: unknown;
}

/** An API that answers from a list, or by a function of the call. */
export interface CannedApi {
  readonly call: ApiCaller;
  readonly calls: readonly CannedCall[];
}

/** An answer that is no success. */
export class Refusal {
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, body: unknown = {}) {
    this.status = status;
    this.body = body;
  }
}

/** Creates the API. Bodies are answered as JSON with status 200; a {@link Refusal} with its own. */
export function answerWith(
  answers: readonly unknown[] | ((call: CannedCall) => unknown),
): CannedApi {
  const calls: CannedCall[] = [];
  return {
    calls,
    call: (_source, target, init = {}) => {
      const path = String(target);
      const body: unknown = typeof init.body === 'string' ? JSON.parse(init.body) : undefined;
      const headers = init.headers as CannedCall['headers'];
      const call = { method: init.method ?? 'GET', path, headers, body };
      calls.push(call);
      const answer = typeof answers === 'function' ? answers(call) : answers[calls.length - 1];
      if (answer === undefined) throw new Error(`no answer for ${call.method} ${path}`);
      return Promise.resolve(
        answer instanceof Refusal ? reply(answer.status, answer.body) : reply(200, answer),
      );
    },
  };
}

function reply(status: number, json: unknown): ApiResponse {
  const text = JSON.stringify(json);
  const body = Object.assign(Readable.from([text]), {
    text: () => Promise.resolve(text),
    dump: () => Promise.resolve(),
  }) as never;
  return new ApiResponse({ statusCode: status, headers: {}, body }, 'oauth', signal);
}
