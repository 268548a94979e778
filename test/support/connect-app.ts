import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** A request as it travels through the app. */
export interface ConnectRequest extends IncomingMessage {
  originalUrl?: string;
  body?: unknown;
}

type Handler = (
  request: ConnectRequest,
  response: ServerResponse,
  next: (error?: Error) => void,
) => void;

/** An application in the manner of Express and Connect. */
export interface ConnectApp extends AsyncDisposable {
  use(handler: Handler): void;
  /** Mounts under a path, which is cut off `url` while the handler runs. */
  use(path: string, handler: Handler): void;
  /** Listens on a free port of this machine; answers the origin. */
  listen(): Promise<string>;
}

/**
 * Creates the app: handlers in turn until one does not call `next`; then 404 with the text
 * "nobody", or 500 with the message of the error that was passed on.
 */
export function createConnectApp(): ConnectApp {
  const layers: { readonly path: string; readonly handler: Handler }[] = [];
  const server = createServer((request: ConnectRequest, response) => {
    const url = request.url ?? '/';
    request.originalUrl = url;
    let index = 0;
    const next = (error?: Error): void => {
      request.url = url;
      const layer = error ? undefined : layers[index++];
      if (error) {
        answer(response, 500, error.message);
      } else if (!layer) {
        answer(response, 404, 'nobody');
      } else if (!isUnder(url, layer.path)) {
        next();
      } else {
        request.url = url.slice(layer.path.length).replace(/^(?!\/)/, '/');
        layer.handler(request, response, next);
      }
    };
    next();
  });
  return {
    use(...args: [Handler] | [string, Handler]) {
      const [path, handler] = args.length === 1 ? ['', args[0]] : args;
      layers.push({ path, handler });
    },
    async listen() {
      server.listen(0, 'localhost');
      await once(server, 'listening');
      return `http://localhost:${(server.address() as { port: number }).port}`;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function isUnder(url: string, path: string): boolean {
  return path === '' || (url.startsWith(path) && /^([/?]|$)/.test(url.slice(path.length)));
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(text);
}

/** A body parser: reads every body, and leaves in `body` what `parse` makes of its text. */
export function bodyParser(parse: (text: string) => unknown): Handler {
  return (request, _response, next) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      request.body = parse(Buffer.concat(chunks).toString());
      next();
    });
  };
}

/** As `express.json()` does; without a body there is an empty object, as in Express 4. */
export const jsonParser: Handler = bodyParser((text) =>
  text === '' ? {} : (JSON.parse(text) as unknown),
);
