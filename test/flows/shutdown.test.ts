import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { send } from '../support/answer.ts';
import { startFlow } from '../support/flow-fixture.ts';

describe('stopping the server', () => {
  it('does not wait for connections that never asked for anything, as browsers keep them', async () => {
    const fixture = await startFlow();
    const silent = connect(fixture.port, 'localhost');
    await once(silent, 'connect');
    await send(`${fixture.url}/healthz`);
    const startedMs = performance.now();
    await fixture[Symbol.asyncDispose]();
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    silent.destroy();
  });

  it('lets a request under way finish, and waits for nothing after its answer', async () => {
    const fixture = await startFlow({ environment: { SHUTDOWN_TIMEOUT_SEC: '5' } });
    fixture.sandbox.addFault({ kind: 'delay', delayMs: 300, match: { path: '/api/accounts' } });
    const headers = { authorization: 'Bearer some-token' };
    const answer = send(`${fixture.url}/whoami`, { headers });
    while (fixture.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const startedMs = performance.now();
    const [{ status }] = await Promise.all([answer, fixture[Symbol.asyncDispose]()]);
    expect(status).toBe(401);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });
});
