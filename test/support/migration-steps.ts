import { checkKeys } from '../../src/migration/import/check-keys.ts';
import { readCustomers } from '../../src/migration/import/customer-file.ts';
import { importCustomers } from '../../src/migration/import/import-customers.ts';
import { defaultRetirePolicy } from '../../src/migration/cutover/retire.ts';
import type { Connection } from '../../src/model/connection.ts';
import type { FlowFixture } from './flow-fixture.ts';

/** A customer of a test: its id, and the private key it once pasted. */
export interface Customer {
  readonly customerId: string;
  readonly key: string;
}

/** The private key of an account of the sandbox, by its place in the seed. */
export function keyOf({ seed }: FlowFixture, index: number): string {
  return seed.accounts[index]!.keys[0]!.key;
}

/** The id of an account of the sandbox, by its place in the seed. */
export function accountOf({ seed }: FlowFixture, index: number): string {
  return seed.accounts[index]!.id;
}

/** Imports customers from CSV, as the command does. */
export async function importOnly(
  { keyshift }: FlowFixture,
  customers: readonly Customer[],
): Promise<void> {
  const { store, machine, clock, random } = keyshift;
  const rows = customers.map(({ customerId, key }) => `${customerId},${key}`);
  const csv = ['customer_id,private_key', ...rows].join('\n');
  await importCustomers(readCustomers(csv), { store, machine, clock, random, actor: 'cli' });
}

/** Imports customers from CSV and checks their keys, as the two commands do. */
export async function importAndCheck(
  fixture: FlowFixture,
  customers: readonly Customer[],
): Promise<void> {
  const { store, machine, lookUpAccount } = fixture.keyshift;
  await importOnly(fixture, customers);
  await checkKeys({ store, machine, lookUpAccount, actor: 'cli' });
}

/** Invites a customer; answers its link. */
export async function invite(fixture: FlowFixture, customerId: string): Promise<string> {
  const connection = await connectionOf(fixture, customerId);
  const { token } = await fixture.keyshift.invitations.issue(connection, 86_400_000, 'cli');
  return `${fixture.url}/connect/${token.reveal()}`;
}

/** The connection of a customer as it is now. */
export async function connectionOf(
  { keyshift }: FlowFixture,
  customerId: string,
): Promise<Connection> {
  const connection = await keyshift.store.connections.findByCustomer(customerId);
  if (connection) return connection;
  throw new Error(`there is no customer ${customerId}`);
}

/** Imports, checks, invites and lets the customer of account `index` consent to it. */
export async function migrateToVerified(
  fixture: FlowFixture,
  customerId: string,
  index: number,
): Promise<Connection> {
  await importAndCheck(fixture, [{ customerId, key: keyOf(fixture, index) }]);
  const link = await invite(fixture, customerId);
  const account = accountOf(fixture, index);
  const answer = await fixture.newBrowser().signIn(`${link}/start`, { account });
  if (answer.status !== 200) throw new Error(`the callback answered ${answer.status}`);
  return connectionOf(fixture, customerId);
}

/** {@link migrateToVerified}, and moves the traffic to OAuth. */
export async function migrateToLive(
  fixture: FlowFixture,
  customerId: string,
  index: number,
): Promise<Connection> {
  const connection = await migrateToVerified(fixture, customerId, index);
  return fixture.keyshift.cutover.cutOver(connection, 'cli');
}

/** Destroys the stored key of a live connection at once, without quiet days and without proof. */
export async function retireNow({ keyshift }: FlowFixture, live: Connection): Promise<Connection> {
  const { connection } = await keyshift.retire.retire(live, {
    policy: { ...defaultRetirePolicy, quietMs: 0 },
    demand: { kind: 'none', reason: 'a test' },
    actor: 'cli',
  });
  return connection;
}
