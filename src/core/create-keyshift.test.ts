import { describe, expect, it } from 'vitest';
import { openTestKeyshift } from '../../test/support/keyshift-fixture.ts';

describe('closing a Keyshift', () => {
  it('closes the rest when one part fails, and says what failed', async () => {
    const bench = await openTestKeyshift();
    const { oauthHttp, store, traffic } = bench.keyshift;
    oauthHttp.close = () => Promise.reject(new Error('a connection is stuck'));
    await expect(bench.keyshift.close()).rejects.toThrow('a connection is stuck');
    await expect(store.connections.findById('any')).rejects.toThrow();
    expect(traffic.proxyHttp.dispatcher).toMatchObject({ closed: true });
    await bench.sandbox.close();
  });

  it('closes once, whoever asks', async () => {
    await using bench = await openTestKeyshift();
    await Promise.all([bench.keyshift.close(), bench.keyshift.close()]);
  });
});
