import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { openTestKeyshift } from '../../test/support/keyshift-fixture.ts';
import { newConnection } from '../model/connection.ts';
import { partsOf } from './create-keyshift.ts';
import type { Keyshift } from './keyshift.ts';

describe('what an application holds', () => {
  it('shows what it may rely on, and none of the parts', async () => {
    await using bench = await openTestKeyshift();
    const { face } = bench.keyshift;
    const members = ['close', 'connection', 'invitations', 'tokens', 'work'];
    expect(Object.keys(face).toSorted()).toEqual(members);
    expect(inspect(face, { depth: 5 })).not.toContain('store');
    expect(partsOf(face).store).toBe(bench.keyshift.store);
  });

  it('is told from what another installation made', () => {
    expect(() => partsOf({} as Keyshift)).toThrow(TypeError);
  });
});

describe('links for customers', () => {
  it('are made once, shown again, and open the page of their customer until they are revoked', async () => {
    await using bench = await openTestKeyshift();
    const { face, store, invitations, clock, random } = bench.keyshift;
    await store.connections.insert({
      ...newConnection({ clock, random }, { customerId: 'acme', stage: 'checked', route: 'key' }),
      accountId: 'AAA111',
    });
    const made = await face.invitations.issue('acme', { validForDays: 7 });
    expect(made).toMatchObject({ fresh: true, expiresAtMs: clock.now() + 7 * 86_400_000 });
    expect(await face.invitations.issue('acme')).toEqual({ ...made, fresh: false });
    const token = made.url.split('/connect/')[1] ?? '';
    expect((await invitations.find(token)).connection.customerId).toBe('acme');
    expect(await face.invitations.revoke('acme')).toBe(1);
    await expect(invitations.find(token)).rejects.toMatchObject({ code: 'invitation_revoked' });
  });

  it('are not made for a customer that Keyshift does not know', async () => {
    await using bench = await openTestKeyshift();
    const { invitations } = bench.keyshift.face;
    const code = 'connection_not_found';
    await expect(invitations.issue('nobody')).rejects.toMatchObject({ code });
    await expect(invitations.revoke('nobody')).rejects.toMatchObject({ code });
  });
});

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
