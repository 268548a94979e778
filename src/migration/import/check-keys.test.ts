import { describe, expect, it } from 'vitest';
import { openTestBench } from '../../../test/support/workbench-fixture.ts';
import type { AccountLookup, LookUpAccount } from '../../calls/account-lookup.ts';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { Store } from '../../store/store.ts';
import { checkKey, checkKeys, type KeyChecksOptions } from './check-keys.ts';

const found = (accountId: string, testAccount = false): AccountLookup => ({
  kind: 'found',
  account: { accountId, name: `Shop ${accountId}`, testAccount },
});
const keyOf = (customerId: string) => `pk_${customerId}0123456789abcdef`;

/** A bench whose keys answer what `lookups` says for their customer. */
async function open(lookups: Record<string, AccountLookup | Error> = {}) {
  const bench = await openTestBench();
  const asked: string[] = [];
  const lookUpAccount: LookUpAccount = async (credential) => {
    const customerId = /^pk_(.+)0123456789abcdef$/.exec(credential.reveal())?.[1] ?? '';
    asked.push(customerId);
    const lookup = lookups[customerId] ?? found('AAA111');
    if (lookup instanceof Error) throw lookup;
    return lookup;
  };
  const { store, machine } = bench;
  const options: KeyChecksOptions = { store, machine, lookUpAccount, actor: 'cli' };
  const add = (customerId: string, fields = {}) =>
    bench.add(customerId, { key: keyOf(customerId), ...fields });
  return { ...bench, asked, options, add };
}

describe('the check of a key', () => {
  it('finds a key that Klaviyo does not know', async () => {
    await using bench = await open({ acme: { kind: 'rejected' } });
    const check = await checkKey(await bench.add('acme'), bench.options);
    expect(check).toMatchObject({ verdict: 'key_invalid', connection: { stage: 'attention' } });
    expect(await bench.read('acme')).toMatchObject({
      stage: 'attention',
      attentionReason: 'key_invalid',
      attentionFrom: 'imported',
      accountId: undefined,
    });
    expect(await bench.auditOf('acme')).toEqual([
      'imported → attention, cli: Klaviyo rejects the private key',
    ]);
  });

  it('finds a key that may not read its account, and names what lacks', async () => {
    const forbidden = { kind: 'forbidden', missingScopes: ['accounts:read'] } as const;
    await using bench = await open({ acme: forbidden });
    const check = await checkKey(await bench.add('acme'), bench.options);
    expect(check).toMatchObject({ verdict: 'scope_missing' });
    expect(check.detail).toContain('accounts:read');
    expect(await bench.read('acme')).toMatchObject({ attentionReason: 'scope_missing' });
  });

  it('finds that there is no key, and changes nothing', async () => {
    await using bench = await open();
    const { id } = await bench.add('acme');
    await bench.store.privateKeys.destroy(id, bench.clock.now());
    const connection = await bench.read('acme');
    expect(await checkKey(connection, bench.options)).toMatchObject({ verdict: 'no_key' });
    expect(await bench.read('acme')).toEqual(connection);
    expect(bench.asked).toEqual([]);
  });

  it('changes nothing when Klaviyo gives no verdict', async () => {
    const outage = new KeyshiftError('upstream_unavailable', '/api/accounts answered 503.');
    await using bench = await open({ acme: outage });
    const connection = await bench.add('acme');
    expect(await checkKey(connection, bench.options)).toMatchObject({
      verdict: 'unreachable',
      detail: '/api/accounts answered 503.',
    });
    expect(await bench.read('acme')).toEqual(connection);
    expect(await bench.auditOf('acme')).toEqual([]);
  });

  it('learns the account and its name', async () => {
    await using bench = await open({ acme: found('CCC333', true) });
    const check = await checkKey(await bench.add('acme'), bench.options);
    expect(check).toMatchObject({ verdict: 'checked', testAccount: true, detail: undefined });
    expect(await bench.read('acme')).toMatchObject({
      stage: 'checked',
      accountId: 'CCC333',
      accountName: 'Shop CCC333',
    });
    expect(await bench.auditOf('acme')).toEqual(['imported → checked, cli']);
  });
});

describe('a round of checks', () => {
  it('asks about every key that was imported, once, and about no other', async () => {
    await using bench = await open();
    for (let index = 0; index < 30; index += 1) await bench.add(`c${index}`);
    await bench.add('done', { stage: 'checked', accountId: 'AAA111' });
    await bench.add('live', { stage: 'live', accountId: 'AAA111' });
    const counts = await checkKeys({ ...bench.options, concurrency: 8 });
    expect(counts).toEqual(new Map([['checked', 30]]));
    expect(bench.asked.sort()).toEqual(Array.from({ length: 30 }, (_, i) => `c${i}`).sort());
    expect(await checkKeys(bench.options)).toEqual(new Map());
  });

  it('counts every verdict and tells each, and can be run again for what had none', async () => {
    const lookups: Record<string, AccountLookup | Error> = {
      bad: { kind: 'rejected' },
      poor: { kind: 'forbidden', missingScopes: [] },
      away: new KeyshiftError('upstream_timeout', 'no answer'),
    };
    await using bench = await open(lookups);
    for (const customerId of ['bad', 'poor', 'away', 'good']) await bench.add(customerId);
    const told: string[] = [];
    const counts = await checkKeys({
      ...bench.options,
      onChecked: ({ connection, verdict }) => told.push(`${connection.customerId}: ${verdict}`),
    });
    expect(Object.fromEntries(counts)).toEqual({
      key_invalid: 1,
      scope_missing: 1,
      unreachable: 1,
      checked: 1,
    });
    expect(told.sort()).toEqual([
      'away: unreachable',
      'bad: key_invalid',
      'good: checked',
      'poor: scope_missing',
    ]);
    lookups['away'] = found('BBB222');
    expect(Object.fromEntries(await checkKeys(bench.options))).toEqual({ checked: 1 });
  });

  it('gives up on all the rest when Klaviyo cannot be reached, and changes nothing', async () => {
    await using bench = await open();
    for (let index = 0; index < 100; index += 1) await bench.add(`c${index}`);
    let asked = 0;
    const lookUpAccount: LookUpAccount = () => {
      asked += 1;
      return Promise.reject(new KeyshiftError('upstream_unreachable', 'no answer'));
    };
    const counts = await checkKeys({ ...bench.options, lookUpAccount });
    expect(counts).toEqual(new Map([['unreachable', asked]]));
    expect(asked).toBeGreaterThan(1);
    expect(asked).toBeLessThan(50);
    expect(Object.fromEntries(await checkKeys(bench.options))).toEqual({ checked: 100 });
  });

  it('keeps to its concurrency', async () => {
    await using bench = await open();
    for (let index = 0; index < 20; index += 1) await bench.add(`c${index}`);
    let running = 0;
    let most = 0;
    const lookUpAccount: LookUpAccount = async () => {
      most = Math.max(most, (running += 1));
      await new Promise((resolve) => setTimeout(resolve, 2));
      running -= 1;
      return found('AAA111');
    };
    await checkKeys({ ...bench.options, lookUpAccount, concurrency: 3 });
    expect(most).toBe(3);
  });

  it('is not stopped by a connection that someone else changed in the meantime', async () => {
    await using bench = await open();
    for (const customerId of ['a', 'b', 'c']) await bench.add(customerId);
    const lookUpAccount: LookUpAccount = async (credential) => {
      if (credential.reveal() === keyOf('a')) {
        const current = await bench.read('a');
        await bench.store.connections.update(current, { name: 'New' }, bench.clock.now());
      }
      return found('AAA111');
    };
    await checkKeys({ ...bench.options, lookUpAccount, concurrency: 1 });
    expect(await bench.read('b')).toMatchObject({ stage: 'checked' });
    expect(await bench.read('c')).toMatchObject({ stage: 'checked' });
  });

  it('is not stopped by a key that does not open', async () => {
    await using bench = await open();
    for (const customerId of ['a', 'b']) await bench.add(customerId);
    const { privateKeys } = bench.store;
    const store: Store = {
      ...bench.store,
      privateKeys: {
        ...privateKeys,
        open: (id) =>
          id === 'connection-a'
            ? Promise.reject(new KeyshiftError('seal_invalid', 'The value was altered.'))
            : privateKeys.open(id),
      },
    };
    await checkKeys({ ...bench.options, store, concurrency: 1 });
    expect(await bench.read('b')).toMatchObject({ stage: 'checked' });
    expect(await bench.read('a')).toMatchObject({ stage: 'imported' });
  });

  it('that is interrupted keeps what it found and says how much that is', async () => {
    await using bench = await open();
    for (const customerId of ['a', 'b', 'c', 'd']) await bench.add(customerId);
    const abort = new AbortController();
    // As the real lookup does: a call under way ends with the reason of the signal.
    const lookUpAccount: LookUpAccount = async (credential, signal) => {
      if (credential.reveal() === keyOf('b')) abort.abort(new Error('interrupted'));
      signal?.throwIfAborted();
      return found('AAA111');
    };
    const { signal } = abort;
    const counts = await checkKeys({ ...bench.options, lookUpAccount, signal, concurrency: 1 });
    expect(counts.get('checked')).toBe(1);
    expect(await bench.read('a')).toMatchObject({ stage: 'checked' });
    expect(await bench.read('b')).toMatchObject({ stage: 'imported' });
    expect(Object.fromEntries(await checkKeys(bench.options))).toEqual({ checked: 3 });
  });
});
