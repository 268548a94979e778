import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { Secret } from '../../../src/runtime/secret.ts';
import {
  sampleAuthorization,
  sampleConnection,
  sampleInvitation,
  samplePair,
  t0,
  type ContractTest,
} from './contract-test.ts';

/** Promises about what a record shows when it is printed. */
export const secrecyCases = {
  async 'secrets: no record shows one to JSON.stringify or util.inspect'(store) {
    const connection = await store.connections.insert(sampleConnection('acme'));
    await store.privateKeys.put(connection.id, new Secret('private_key', 'pk_secret_value'), t0);
    await store.authorizations.consume(sampleAuthorization('state'));
    await store.invitations.insert(sampleInvitation('inv', connection.id));
    const key = { clientId: 'client', accountId: 'AbC123' };
    await store.grants.saveConsent({ ...key, id: 'g1' }, samplePair('1'));
    const records: unknown[] = [
      connection,
      await Array.fromAsync(store.connections.list()),
      await store.privateKeys.open(connection.id),
      await store.privateKeys.info(connection.id),
      await store.authorizations.find('state'),
      await store.invitations.findById('inv'),
      await store.grants.saveRefreshed('g1', 1, samplePair('2')),
      await store.grants.saveConsent({ ...key, id: 'g1' }, samplePair('3')),
      await store.grants.find(key),
      await store.grants.readLease('g1'),
      await store.grants.setAside({ ...key, id: 'g2' }, samplePair('4')),
    ];
    const secrets = /pk_secret_value|access-token-|refresh-token-/;
    assert.match(samplePair('1').accessToken.reveal(), secrets);
    for (const record of records) {
      assert.ok(record);
      const shown = [
        JSON.stringify(record),
        inspect(record, { depth: 9, showHidden: true }),
        inspect(new Error('log line', { cause: record }), { depth: 9 }),
      ];
      for (const text of shown) assert.doesNotMatch(text, secrets);
    }
  },
} as const satisfies Record<string, ContractTest>;
