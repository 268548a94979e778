import type { KeyshiftConfig } from '../../core/config.ts';
import { openKeyshift, type KeyshiftParts } from '../../core/create-keyshift.ts';
import { readConfig } from '../../core/read-config.ts';
import { createApp } from '../../http/create-app.tsx';
import { startServer } from '../../http/start-server.ts';
import { checkKeys } from '../../migration/import/check-keys.ts';
import { readCustomers } from '../../migration/import/customer-file.ts';
import { defaultRetirePolicy } from '../../migration/cutover/retire.ts';
import { importCustomers } from '../../migration/import/import-customers.ts';
import { withDeadline } from '../../runtime/abortable.ts';
import { systemClock } from '../../runtime/clock.ts';
import { findFreePort } from '../../runtime/free-port.ts';
import { createLogger } from '../../runtime/logger.ts';
import { randomToken, systemRandom } from '../../runtime/random.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { startSandbox } from '../../sandbox/sandbox.ts';
import { createSampleSeed } from '../../sandbox/seed/sample-seed.ts';
import type { SandboxSeed } from '../../sandbox/seed/seed.ts';
import { generateKeyringEntry } from '../../vault/keyring.ts';
import { forEachConcurrently } from '../../runtime/concurrently.ts';
import type { Terminal } from '../terminal.ts';
import type { DemoDatabase } from './demo-database.ts';
import { followInvitation } from './person.ts';

/** What {@link runDemo} is told. */
export interface DemoOptions {
  readonly customers: number;
  readonly seed: number;
  readonly database: DemoDatabase;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** What became of the customers: outcomes add up to `customers`. */
export interface DemoReport {
  readonly customers: number;
  readonly steps: Readonly<
    Record<'imported' | 'checked' | 'invited' | 'cutOver' | 'retired', number>
  >;
  readonly outcomes: Readonly<Record<DemoOutcome, number>>;
  /** Calls that the customers' old keys sent through the proxy after the cutover, by route. */
  readonly calls: Readonly<Record<'oauth' | 'key' | 'failed', number>>;
}

/** How the journey of one customer ended. */
export type DemoOutcome =
  'moved_to_oauth' | 'declined' | 'wrong_account' | 'key_invalid' | 'unfinished';

const invalidKey = `pk_${'0'.repeat(34)}`;

/**
 * Plays the whole journey against a sandbox: a file of keys goes in, people click real links over
 * HTTP, and every customer ends in exactly one outcome. One person declines, one chooses the wrong
 * account, and one key is rejected by Klaviyo.
 */
export async function runDemo(options: DemoOptions): Promise<DemoReport> {
  const port = await findFreePort();
  const app = {
    clientId: 'demo-app',
    clientSecret: randomToken(systemRandom),
    redirectUris: [`http://localhost:${port}/auth/callback`],
  };
  const seed = createSampleSeed({ customers: options.customers, seed: options.seed, app });
  const sandbox = await startSandbox({ seed, settings: { consistency: 'immediate' } });
  try {
    const config = demoConfig(port, sandbox.url, app, options.database);
    const logger = createLogger({ level: 'silent' });
    const keyshift = await openKeyshift(config, { logger });
    try {
      const server = await startServer(keyshift.face, createApp(keyshift.face));
      try {
        return await playJourney(keyshift, { sandbox, seed }, server.url, options);
      } finally {
        await server.close();
      }
    } finally {
      await keyshift.close();
    }
  } finally {
    await sandbox.close();
  }
}

async function playJourney(
  keyshift: KeyshiftParts,
  { sandbox, seed }: { readonly sandbox: Sandbox; readonly seed: SandboxSeed },
  serverUrl: string,
  options: DemoOptions,
): Promise<DemoReport> {
  const { store, machine, clock, random, lookUpAccount, cutover, retire } = keyshift;
  const roles = assignRoles(seed);
  const batch = { store, machine, clock, random, actor: 'demo', signal: options.signal };

  const imported = await importCustomers(readCustomers(toCsv(seed, roles)), batch);

  const checking = options.terminal.progress('checking keys', seed.accounts.length);
  let checked = 0;
  const verdicts = await checkKeys({
    ...batch,
    lookUpAccount,
    onChecked: () => {
      checking.update((checked += 1));
    },
  });
  checking.stop();

  const links = new Map<string, string>();
  for await (const connection of store.connections.list({ stages: ['checked'] })) {
    const { token } = await keyshift.invitations.issue(connection, 86_400_000, 'demo');
    links.set(connection.customerId, `${serverUrl}/connect/${token.reveal()}`);
  }

  const consenting = options.terminal.progress('customers consenting', links.size);
  let followed = 0;
  await forEachConcurrently([...links], 8, async ([customerId, link]) => {
    if (options.signal.aborted) return;
    const role = roles.get(customerId);
    if (role) await followInvitation(link, role.behaviour, fetchInTime);
    consenting.update((followed += 1));
  });
  consenting.stop();

  let cutOver = 0;
  for await (const connection of store.connections.list({ stages: ['verified'] })) {
    await cutover.cutOver(connection, 'demo');
    cutOver += 1;
  }

  const calls = { oauth: 0, key: 0, failed: 0 };
  const live: string[] = [];
  for await (const { customerId } of store.connections.list({ stages: ['live'] })) {
    live.push(customerId);
  }
  const calling = options.terminal.progress('calls with the old keys', live.length);
  await forEachConcurrently(live, 8, async (customerId) => {
    calls[await callWithOldKey(serverUrl, roles.get(customerId)?.key ?? '')] += 1;
    calling.update(calls.oauth + calls.key + calls.failed);
  });
  calling.stop();

  let retired = 0;
  for await (const connection of store.connections.list({ stages: ['live'] })) {
    const policy = { ...defaultRetirePolicy, quietMs: 0 };
    // The customer deletes the key at Klaviyo, whose 401 proves it.
    sandbox.deleteKey(roles.get(connection.customerId)?.key ?? '');
    const request = { policy, demand: { kind: 'probe' }, actor: 'demo' } as const;
    const { outcome } = await retire.retire(connection, request);
    if (outcome === 'retired') retired += 1;
  }
  return {
    customers: options.customers,
    steps: {
      imported: imported.verdicts.imported,
      checked: verdicts.get('checked') ?? 0,
      invited: links.size,
      cutOver,
      retired,
    },
    outcomes: await countOutcomes(keyshift),
    calls,
  };
}

interface Role {
  readonly key: string;
  readonly behaviour: { readonly decision: 'allow' | 'deny'; readonly account: string };
}

/** The second customer declines, the third chooses the first one's account, the last key is dead. */
function assignRoles(seed: SandboxSeed): ReadonlyMap<string, Role> {
  const { accounts } = seed;
  return new Map(
    accounts.map((account, index) => {
      const last = index === accounts.length - 1;
      const wrong = index === 2 ? accounts[0] : undefined;
      const role: Role = {
        key: last ? invalidKey : (account.keys[0]?.key ?? invalidKey),
        behaviour: {
          decision: index === 1 ? 'deny' : 'allow',
          account: (wrong ?? account).id,
        },
      };
      return [customerIdOf(index), role];
    }),
  );
}

function customerIdOf(index: number): string {
  return `customer-${String(index + 1).padStart(3, '0')}`;
}

function toCsv(seed: SandboxSeed, roles: ReadonlyMap<string, Role>): string {
  const rows = seed.accounts.map((account, index) => {
    const customerId = customerIdOf(index);
    return `${customerId},${roles.get(customerId)?.key ?? ''},"${account.name.replaceAll('"', '""')}"`;
  });
  return ['customer_id,private_key,name', ...rows].join('\n');
}

/** What has not come whole in half a minute never comes: the demo fails, and does not hang. */
const fetchInTime: typeof fetch = (target, init) =>
  withDeadline(systemClock, 30_000, async (signal) => {
    const response = await fetch(target, { ...init, signal });
    return new Response(await response.arrayBuffer(), response);
  });

async function callWithOldKey(serverUrl: string, key: string): Promise<'oauth' | 'key' | 'failed'> {
  const response = await fetchInTime(`${serverUrl}/api/profiles`, {
    headers: { authorization: `Klaviyo-API-Key ${key}`, revision: '2026-07-15' },
  });
  if (!response.ok) return 'failed';
  return response.headers.get('keyshift-route') === 'oauth' ? 'oauth' : 'key';
}

async function countOutcomes({ store }: KeyshiftParts): Promise<Record<DemoOutcome, number>> {
  const outcomes = {
    moved_to_oauth: 0,
    declined: 0,
    wrong_account: 0,
    key_invalid: 0,
    unfinished: 0,
  };
  for (const { stage, attentionReason, count } of await store.connections.countByStage()) {
    if (stage === 'retired') outcomes.moved_to_oauth += count;
    else if (attentionReason === 'consent_denied') outcomes.declined += count;
    else if (attentionReason === 'account_mismatch') outcomes.wrong_account += count;
    else if (attentionReason === 'key_invalid') outcomes.key_invalid += count;
    else outcomes.unfinished += count;
  }
  return outcomes;
}

function demoConfig(
  port: number,
  sandboxUrl: string,
  app: { readonly clientId: string; readonly clientSecret: string },
  database: DemoDatabase,
): KeyshiftConfig {
  const environment = {
    PORT: String(port),
    CLIENT_ID: app.clientId,
    CLIENT_SECRET: app.clientSecret,
    KLAVIYO_AUTHORIZE_URL: `${sandboxUrl}/oauth/authorize`,
    KLAVIYO_TOKEN_URL: `${sandboxUrl}/oauth/token`,
    KLAVIYO_REVOKE_URL: `${sandboxUrl}/oauth/revoke`,
    KLAVIYO_API_URL: sandboxUrl,
    DATABASE_URL: database.url,
    KEYSHIFT_KEYS: generateKeyringEntry(systemRandom),
    SESSION_SECRET: randomToken(systemRandom),
    KEYSHIFT_ADMIN_PASSWORD: randomToken(systemRandom),
    KEYSHIFT_SERVICE_TOKENS: `demo:${randomToken(systemRandom)}`,
  };
  return readConfig(environment, {
    generate: () => {
      throw new Error('the demo sets every secret itself');
    },
  });
}
