import { Readable } from 'node:stream';
import { Dispatcher } from 'undici';
import type { EmbeddedSandbox } from '../../sandbox/embedded-sandbox.ts';

/** How an exchange between two sides of the rehearsal is told of: by this the clock sees work. */
export type OnExchange = () => void;

/**
 * Carries calls to an embedded sandbox instead of a network: what is above it, from the API
 * caller to the proxy, is the same as in production.
 */
export class SandboxDispatcher extends Dispatcher {
  readonly #sandbox: EmbeddedSandbox;
  readonly #onExchange: OnExchange;

  constructor(sandbox: EmbeddedSandbox, onExchange: OnExchange) {
    super();
    this.#sandbox = sandbox;
    this.#onExchange = onExchange;
  }

  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    const controller = new ExchangeController();
    this.#exchange(options, handler, controller).catch((error: unknown) => {
      handler.onResponseError?.(controller, error as Error);
    });
    return true;
  }

  // The signature that the base class has for a callback is never used here.
  override close(): Promise<void>;
  override close(callback: () => void): void;
  override close(callback?: () => void): Promise<void> | undefined {
    if (!callback) return Promise.resolve();
    callback();
    return undefined;
  }

  async #exchange(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
    controller: ExchangeController,
  ): Promise<void> {
    handler.onRequestStart?.(controller, {});
    const body = await readBody(options.body);
    controller.throwIfAborted();
    const reply = await answerBySandbox(this.#sandbox, {
      method: options.method,
      url: new URL(options.path, this.#sandbox.origin),
      headers: flattenHeaders(options.headers),
      body,
    });
    this.#onExchange();
    controller.throwIfAborted();
    if (!reply) throw Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' });
    const answer = Buffer.from(await reply.arrayBuffer());
    handler.onResponseStart?.(controller, reply.status, Object.fromEntries(reply.headers), '');
    await controller.whenResumed();
    if (answer.length > 0) handler.onResponseData?.(controller, answer);
    await controller.whenResumed();
    handler.onResponseEnd?.(controller, {});
  }
}

class ExchangeController implements Dispatcher.DispatchController {
  aborted = false;
  paused = false;
  reason: Error | null = null;
  #resume: () => void = () => undefined;

  abort(reason: Error): void {
    this.aborted = true;
    this.reason = reason;
    this.resume();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.#resume();
  }

  async whenResumed(): Promise<void> {
    if (this.paused) await new Promise<void>((resolve) => (this.#resume = resolve));
    this.throwIfAborted();
  }

  throwIfAborted(): void {
    if (this.reason) throw this.reason;
  }
}

/** A request of either side, with its body read. */
export interface PlainRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Asks an embedded sandbox. */
export function answerBySandbox(
  sandbox: EmbeddedSandbox,
  { method, url, headers, body }: PlainRequest,
): Promise<Response | undefined> {
  return sandbox.answer(
    new Request(url, {
      method,
      headers: { host: url.host, ...headers },
      body: body.length === 0 ? null : new Uint8Array(body),
    }),
  );
}

async function readBody(body: Dispatcher.DispatchOptions['body']): Promise<Buffer> {
  if (body === undefined || body === null) return Buffer.alloc(0);
  if (typeof body === 'string' || body instanceof Uint8Array) return Buffer.from(body);
  if (body instanceof Readable) {
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(Buffer.from(chunk as Uint8Array));
    return Buffer.concat(chunks);
  }
  throw new TypeError('a rehearsal sends no forms with files');
}

function flattenHeaders(headers: Dispatcher.DispatchOptions['headers']): Record<string, string> {
  const flat: Record<string, string> = {};
  const add = (name: string, value: string | number | readonly string[] | undefined) => {
    if (value !== undefined)
      flat[name.toLowerCase()] = typeof value === 'object' ? value.join(', ') : String(value);
  };
  if (Array.isArray(headers)) {
    for (let at = 0; at < headers.length; at += 2) add(headers[at] ?? '', headers[at + 1]);
  } else if (headers && Symbol.iterator in headers) {
    for (const [name, value] of headers) add(name, value);
  } else {
    for (const [name, value] of Object.entries(headers ?? {})) add(name, value);
  }
  return flat;
}
