import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, dirname } from 'node:path';
import { approveConsent } from '../../src/sandbox.ts';
import { runCurl } from './curl.ts';
import { matchesTranscript } from './transcript.ts';

/**
 * Runs the commands of a document in one folder. What the document calls `localhost:5000` and
 * `localhost:5001` lies on `port` and the one after it.
 */
export interface DocShell extends AsyncDisposable {
  /**
   * Runs a command to its end and answers its output, both streams in one, in the words of the
   * document. `npm start` and `sandbox` go on in the background once they have printed what is
   * expected of them, until another one is started.
   */
  run(command: string, expected?: string): Promise<string>;
  /** Text of the document with the addresses of this shell. */
  toHere(text: string): string;
}

/** Creates the shell; `await using` ends its server. */
export function createDocShell(folder: string, port: number): DocShell {
  const env = {
    PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter),
    HOME: folder,
    PORT: String(port),
  };
  let server: ChildProcess | undefined;
  const stopServer = async () => {
    if (server?.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'close');
    server.kill('SIGTERM');
    await ended;
  };

  const toHere = (text: string) =>
    text
      .replaceAll('localhost:5000', `localhost:${port}`)
      .replaceAll('localhost:5001', `localhost:${port + 1}`);
  const toDocument = (text: string) =>
    text
      .replaceAll(`localhost:${port + 1}`, 'localhost:5001')
      .replaceAll(`PORT=${port} `, '')
      .replaceAll(`localhost:${port}`, 'localhost:5000')
      .replace(setupProgress, '');

  function launch(command: string): { child: ChildProcess; output: () => string } {
    const line = toHere(command)
      .replace(/^npm start$/, 'exec node bin/keyshift.mjs serve')
      .replace(/^node (bin\/keyshift\.mjs sandbox)(?=[^;]*$)/, `exec node $1 --port ${port + 1}`)
      .replace(/^npm run demo\b( --)?/, 'node bin/keyshift.mjs demo');
    const child = spawn('sh', ['-c', `{ ${line}\n} 2>&1`], { cwd: folder, env });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    return { child, output: () => toDocument(output) };
  }

  return {
    toHere,
    async run(command, expected = '') {
      if (command.startsWith('curl ')) {
        return toDocument(await runCurl(await withTokens(toHere(command), port)));
      }
      if (runsOn(command)) await stopServer();
      const { child, output } = launch(command);
      if (runsOn(command)) {
        server = child;
        await waitUntil(() => child.exitCode !== null || matchesTranscript(expected, output()));
      } else {
        await once(child, 'close');
      }
      return output();
    },
    [Symbol.asyncDispose]: stopServer,
  };
}

/** Whether a command goes on until it is stopped: the server, or a sandbox. */
function runsOn(command: string): boolean {
  return command === 'npm start' || /^node bin\/keyshift\.mjs sandbox[^;]*$/.test(command);
}

/** Lines about the set-up, which come and go with the state of the clone. */
const setupProgress =
  /^keyshift: (?:building|installing packages|fetching Node|waiting for another set-up).*\n/gm;

/** Puts real tokens of the first sample account where a reader would paste theirs. */
async function withTokens(command: string, port: number): Promise<string> {
  if (!/YOUR_(ACCESS|REFRESH)_TOKEN/.test(command)) return command;
  const tokens = await signIn(`http://localhost:${port}`);
  // The callback has asked /api/accounts, which Klaviyo allows once a second.
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  return command
    .replace('YOUR_REFRESH_TOKEN', tokens.refresh_token)
    .replace('YOUR_ACCESS_TOKEN', tokens.access_token);
}

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

/** `/auth/start`, consent and `/auth/callback`, as in a browser that asks for no page. */
async function signIn(serverUrl: string): Promise<Tokens> {
  const start = await fetch(`${serverUrl}/auth/start`, { redirect: 'manual' });
  const callbackUrl = await approveConsent(start.headers.get('location') ?? '');
  const cookie = start.headers.getSetCookie().map((each) => each.split(';', 1)[0]);
  const callback = await fetch(callbackUrl, { headers: { cookie: cookie.join('; ') } });
  return (await callback.json()) as Tokens;
}

async function waitUntil(isDone: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 60_000;
  while (!isDone() && performance.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
