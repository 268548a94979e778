import { once } from 'node:events';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { followInvitation } from '../../src/cli/demo/person.ts';
import { createDocShell, type DocShell } from './doc-shell.ts';
import { root, type MarkdownPart } from './markdown.ts';
import { matchesTranscript, readTranscript } from './transcript.ts';

/** A command of a document that printed something else than the document says. */
export interface Mismatch {
  readonly line: number;
  readonly command: string;
  readonly expected: string;
  readonly actual: string;
}

/** A reader who follows a document from top to bottom, in an empty folder, on free ports. */
export interface DocSession extends AsyncDisposable {
  /**
   * Does one part of the document and answers the commands whose output is not what it says. A
   * directive does what the reader is asked to do outside of the terminal:
   * - `consent CUSTOMER [as OTHER]`, `decline CUSTOMER`: opens the link and decides at Klaviyo;
   * - `file NAME`: the next block becomes this file.
   */
  follow(part: MarkdownPart): Promise<Mismatch[]>;
}

/** Opens a session; `await using` ends its server and removes its folder. */
export async function startDocSession(): Promise<DocSession> {
  const folder = await mkdtemp(join(tmpdir(), 'keyshift-docs-'));
  for (const name of ['bin', 'scripts']) await symlink(join(root, name), join(folder, name));
  const shell = createDocShell(folder, await findFreePair());
  let fileName: string | undefined;

  async function obey(directive: string): Promise<void> {
    const [verb = '', first = '', , third = first] = directive.split(' ');
    if (verb === 'file') fileName = first;
    else if (verb === 'consent') await decide(shell, 'allow', first, third);
    else if (verb === 'decline') await decide(shell, 'deny', first, first);
    else throw new Error(`No such directive: ${directive}`);
  }

  return {
    async follow(part) {
      if (part.kind === 'directive') {
        await obey(part.text);
        return [];
      }
      if (fileName !== undefined) await writeFile(join(folder, fileName), part.text);
      fileName = undefined;
      const mismatches: Mismatch[] = [];
      const steps = part.language === 'console' ? readTranscript(part.text) : [];
      for (const { command, expected } of steps) {
        const actual = await shell.run(command, expected);
        if (matchesTranscript(expected, actual)) continue;
        mismatches.push({ line: part.line, command, expected, actual });
      }
      return mismatches;
    },
    async [Symbol.asyncDispose]() {
      await shell[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** What a customer does in a browser, choosing at Klaviyo the account of `asCustomer`. */
async function decide(
  shell: DocShell,
  decision: 'allow' | 'deny',
  customer: string,
  asCustomer: string,
): Promise<void> {
  const invited = await shell.run(
    `node bin/keyshift.mjs invite --print-links --json --customer ${customer}`,
  );
  const { link } = JSON.parse(shell.toHere(invited)) as { link: string };
  const shown = await shell.run(`node bin/keyshift.mjs status --json --customer ${asCustomer}`);
  const { connections } = JSON.parse(shown) as { connections: [{ account_id: string }] };
  await followInvitation(link, { decision, account: connections[0].account_id });
}

/** A port that is free together with the next one, where the sandbox listens. */
async function findFreePair(): Promise<number> {
  for (;;) {
    const port = await listenOnce(0);
    if (port !== undefined && (await listenOnce(port + 1)) !== undefined) return port;
  }
}

async function listenOnce(port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    await once(server.listen(port, 'localhost'), 'listening');
  } catch {
    return undefined;
  }
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : undefined;
}
