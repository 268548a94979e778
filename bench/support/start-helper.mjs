import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/**
 * Starts a program of this folder in a process of its own, so that its CPU is not counted. It ends
 * when this process does.
 *
 * @returns {Promise<{ ready: unknown, ask: (question: string) => Promise<unknown>, stop: () => void }>}
 *   `ready` is its first message, `ask` sends it a word and answers its next message
 */
export async function startHelper(name, args = []) {
  const program = fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
  const child = fork(program, args, { execArgv: [] });
  const [ready] = await once(child, 'message');
  const ask = async (question) => {
    const answer = once(child, 'message');
    child.send(question);
    return (await answer)[0];
  };
  return { ready, ask, stop: () => child.disconnect() };
}
