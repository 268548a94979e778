import type { Dispatcher } from 'undici';
import type { ApiCaller } from '../../src/calls/api-caller.ts';
import { ApiExchange } from '../../src/calls/api-exchange.ts';
import { ApiResponse } from '../../src/calls/api-response.ts';
import { CallStop } from '../../src/calls/call-stop.ts';

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
  const limits = { leftMs: 5_000, onTimeout: () => new Error('late'), signal: undefined };
  const head = { resolve: () => undefined, reject: () => undefined };
  const stop = new CallStop(limits);
  stop.end();
  const exchange = new ApiExchange(stop, head);
  const controller = {} as Dispatcher.DispatchController;
  exchange.onResponseStart(controller, status, {});
  exchange.onResponseData(controller, Buffer.from(JSON.stringify(json)));
  exchange.onResponseEnd();
  return new ApiResponse(exchange, 'oauth', limits);
}
