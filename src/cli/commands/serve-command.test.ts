import { connect } from 'node:net';
import { expect, it, vi } from 'vitest';
import { findFreePort } from '../../runtime/free-port.ts';
import { openCliBench } from '../../../test/support/cli-fixture.ts';

vi.mock('../print-welcome.ts', () => ({
  printWelcome: () => {
    throw new Error('the terminal is gone');
  },
}));

it('closes a server that listens already when the rest of the start fails', async () => {
  const port = await findFreePort();
  await using bench = await openCliBench({
    PORT: String(port),
    REDIRECT_URI: `http://localhost:${port}/auth/callback`,
    LOG_LEVEL: 'silent',
  });
  const { code, stderr } = await bench.run('serve');
  expect(code, stderr).toBe(70);
  expect(await isListening(port)).toBe(false);
});

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, 'localhost');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
