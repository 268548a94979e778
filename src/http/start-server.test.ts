import { Agent, request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { send } from '../../test/support/answer.ts';
import { startFlow } from '../../test/support/flow-fixture.ts';

const shutdown = (delaySec: string, timeoutSec: string) => ({
  environment: { SHUTDOWN_DELAY_SEC: delaySec, SHUTDOWN_TIMEOUT_SEC: timeoutSec },
});

it('serves on after it has turned red, so that a balancer can look away first', async () => {
  await using flow = await startFlow(shutdown('1', '5'));
  const closed = flow.server.close();
  const ready = await send(`${flow.url}/readyz`);
  expect([ready.status, ready.body]).toEqual([503, '{"status":"draining"}']);
  const served = await send(`${flow.url}/healthz`);
  expect(served.status).toBe(200);
  expect(served.headers.get('connection'), 'the next one goes elsewhere').toBe('close');
  await closed;
  await expect(send(`${flow.url}/healthz`)).rejects.toThrow('fetch failed');
});

it('answers what is under way, however many callers ask while it stops', async () => {
  await using flow = await startFlow(shutdown('0', '5'));
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  const get = () =>
    new Promise<string>((resolve, reject) => {
      const onAnswer = (answer: IncomingMessage) => void text(answer).then(resolve, reject);
      request(`${flow.url}/readyz`, { agent }, onAnswer).once('error', reject).end();
    });
  await Promise.all(Array.from({ length: 20 }, get));
  const callers = Array.from({ length: 20 }, async () => {
    // Each asks over its connection until it is told to take another one.
    for (;;) if ((await get()) === '{"status":"draining"}') return;
  });
  const closed = flow.server.close();
  await Promise.all(callers);
  agent.destroy();
  await closed;
});

it('cuts off a call that takes longer than the time it was given', async () => {
  await using flow = await startFlow(shutdown('0', '1'));
  const upload = new Promise((_resolve, reject) => {
    const half = request(`${flow.url}/auth/refresh`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': '100' },
    });
    half.once('error', reject);
    half.write('{');
  });
  upload.catch(() => undefined);
  await send(`${flow.url}/healthz`);
  const startedMs = performance.now();
  await flow.server.close();
  expect(performance.now() - startedMs).toBeGreaterThan(900);
  await expect(upload).rejects.toThrow('socket hang up');
});

it('ends at once when nobody asks for anything', async () => {
  await using flow = await startFlow(shutdown('0', '20'));
  const idle = new Agent({ keepAlive: true });
  await new Promise((resolve) => {
    const socket = idle.createConnection({ port: flow.port, host: 'localhost' });
    socket?.once('connect', resolve);
  });
  const startedMs = performance.now();
  await flow.server.close();
  expect(performance.now() - startedMs).toBeLessThan(900);
});
