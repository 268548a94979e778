import { describe, expect, it } from 'vitest';
import { createInvitations } from '../../src/migration/consent/invitations.ts';
import { createStageMachine } from '../../src/migration/stage-machine.ts';
import { createManualClock } from '../../src/runtime/clock.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { createVault } from '../../src/vault/create-vault.ts';
import { parseKeyring } from '../../src/vault/keyring.ts';
import {
  copyEarlierPostgres,
  copyEarlierSqlite,
  earlier,
} from '../fixtures/dafa1d9/earlier-database.ts';

const clock = createManualClock(earlier.nowMs);

function open(databaseUrl: string): Promise<Store> {
  const vault = createVault(parseKeyring(earlier.keyring), systemRandom);
  return openStore({ databaseUrl, vault, clock, random: systemRandom });
}

function invitationsOf(store: Store) {
  const sessionSecret = new Secret('session_secret', earlier.sessionSecret);
  const machine = createStageMachine(clock);
  return createInvitations({ store, machine, clock, random: systemRandom, sessionSecret });
}

describe.each([
  ['sqlite', copyEarlierSqlite],
  ['postgres', copyEarlierPostgres],
] as const)('a %s database of commit dafa1d9, opened by this version', (kind, copy) => {
  it('has every customer at the stage, on the route and with the key it had', async () => {
    await using database = await copy();
    const store = await open(database.url);
    for (const { privateKey, keyDestroyed, ...connection } of earlier.connections) {
      const found = await store.connections.findById(connection.id);
      const holds = privateKey === null ? 'none' : keyDestroyed ? 'destroyed' : 'held';
      // Without a key there is no way by key: that is said by the key alone, then as now.
      const route = holds === 'none' && connection.route === 'key' ? 'none' : connection.route;
      expect(JSON.parse(JSON.stringify(found))).toEqual({ ...connection, key: holds, route });
      const key = await store.privateKeys.open(connection.id);
      expect(key?.reveal() ?? null).toBe(keyDestroyed ? null : privateKey);
      if (privateKey === null) continue;
      const owners = await store.privateKeys.findConnectionIds(
        new Secret('private_key', privateKey),
      );
      expect(owners).toEqual([connection.id]);
    }
    const listed = await Array.fromAsync(store.connections.list());
    expect(listed).toHaveLength(earlier.connections.length);
    await store.close();
  });

  it('opens every token, knows each by its refresh token, and goes on from its generation', async () => {
    await using database = await copy();
    const store = await open(database.url);
    for (const { accessToken, refreshToken, previousRefreshToken, ...rest } of earlier.grants) {
      const grant = await store.grants.findById(rest.id);
      expect(grant).toMatchObject(rest);
      expect(grant?.accessToken.reveal()).toBe(accessToken);
      expect(grant?.refreshToken.reveal()).toBe(refreshToken);
      expect(grant?.previousRefreshToken?.reveal() ?? null).toBe(previousRefreshToken);
      if (rest.state === 'set_aside') continue;
      const byToken = await store.grants.findByRefreshToken(
        earlier.clientId,
        new Secret('refresh_token', refreshToken),
      );
      expect(byToken?.id).toBe(rest.id);
    }
    // What was due, and what a dead process left leased, is claimed.
    const claimed = await store.grants.claimDue({
      clientId: earlier.clientId,
      owner: 'sweeper',
      nowMs: earlier.nowMs,
      leaseExpiresAtMs: earlier.nowMs + 60_000,
      limit: 100,
    });
    const active = earlier.grants.filter(({ state }) => state === 'active');
    expect(claimed.map(({ id }) => id).toSorted()).toEqual(active.map(({ id }) => id).toSorted());
    await store.close();
  });

  it('finds every link that was sent, and shows those that are open again', async () => {
    await using database = await copy();
    const store = await open(database.url);
    const invitations = invitationsOf(store);
    for (const { link, state, ...invitation } of earlier.invitations) {
      const token = link.slice('/connect/'.length);
      const finding = invitations.find(token);
      if (state === 'revoked' || state === 'expired') {
        await expect(finding).rejects.toMatchObject({ code: `invitation_${state}` });
        continue;
      }
      const found = await finding;
      expect(JSON.parse(JSON.stringify(found.invitation))).toEqual(invitation);
      const shown = await invitations.findOpen(found.connection);
      expect(shown?.token.reveal()).toBe(state === 'open' ? token : undefined);
    }
    await store.close();
  });

  it('proves the audit log, what was written then and what is appended now', async () => {
    await using database = await copy();
    const store = await open(database.url);
    const entries = await Array.fromAsync(store.audit.list());
    expect(entries.map(({ seq, hash }) => ({ seq, hash }))).toEqual(earlier.audit[kind]);
    await store.audit.append({
      atMs: earlier.nowMs,
      actor: 'cli',
      action: 'connection.stage',
      connectionId: earlier.connections[0]?.id,
      fromStage: 'imported',
      toStage: 'checked',
      reason: undefined,
    });
    const verdict = await store.audit.verify();
    expect(verdict).toMatchObject({ entries: entries.length + 1, breaks: [] });
    await store.close();
  });

  it('keeps messages, opt-outs, switches, exceptions, sightings, comparisons and attempts', async () => {
    await using database = await copy();
    const store = await open(database.url);
    expect(await store.outbox.count()).toBe(earlier.counts.outbox);
    const states = new Set((await store.outbox.countByState()).map(({ state }) => state));
    expect(states).toEqual(new Set(['waiting', 'sending', 'sent', 'failed']));
    expect(await store.optOuts.has('NoMail@customer.example')).toBe(true);
    expect(await store.switches.get('route')).toBe('key');
    expect(await store.routeExceptions.list()).toHaveLength(1);
    expect(await store.keySightings.list(0)).toHaveLength(1);
    expect(await store.shadow.list()).toHaveLength(1);
    expect(await store.traffic.observedOperations(0)).not.toHaveLength(0);
    const attempts = await Promise.all(
      ['state 0', 'state 1'].map(async (state) => {
        const hash = await crypto.subtle.digest('SHA-256', Buffer.from(state));
        return store.authorizations.find(Buffer.from(hash).toString('base64url'));
      }),
    );
    for (const attempt of attempts) expect(attempt).toMatchObject({ result: undefined });
    const [mismatched] = earlier.connections.filter(
      ({ attentionReason }) => attentionReason === 'account_mismatch',
    );
    const foreign = await store.foreignConsents.listByConnection(mismatched?.id ?? '');
    expect(foreign).toMatchObject([{ grantId: 'grant-aside', accountName: 'Another account' }]);
    const retired = earlier.connections.find(({ stage }) => stage === 'retired');
    const { id } = retired ?? { id: '' };
    expect(await store.verifications.list(id)).toHaveLength(2);
    expect(await store.retirements.find(id)).toMatchObject({ connectionId: id });
    expect(await store.metricRecords.latestSnapshot(id)).toBeDefined();
    expect(await store.metricRecords.comparison(id)).toMatchObject({ verdict: 'same' });
    expect(await store.labels.of(id)).toMatchObject({ lang: 'en' });
    await store.close();
  });

  it('opens again, and by several processes at once', async () => {
    await using database = await copy();
    const stores = await Promise.all([1, 2, 3].map(() => open(database.url)));
    const counts = await Promise.all(stores.map((store) => store.connections.countByStage()));
    expect(counts[1]).toEqual(counts[0]);
    await Promise.all(stores.map((store) => store.close()));
    await (await open(database.url)).close();
  });
});
