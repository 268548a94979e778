import type { SandboxData } from '../state/sandbox-data.ts';
import type { SandboxSeed } from './seed.ts';
import { SeededResources } from './seeded-resources.ts';

/**
 * Turns a seed into the sandbox's data. Ids of seeded metrics and profiles depend on the seed
 * only, so that they are the same after every start.
 */
export function seedData(seed: SandboxSeed, nowMs: number): SandboxData {
  return {
    accounts: seed.accounts.map(({ id, name, email, testAccount }) => ({
      id,
      name,
      email: email ?? `owner@${id.toLowerCase()}.example`,
      testAccount: testAccount ?? false,
    })),
    keys: seed.accounts.flatMap((account) =>
      account.keys.map(({ key, name, scopes, status }) => ({
        key,
        accountId: account.id,
        name,
        scopes,
        status: status ?? ('active' as const),
      })),
    ),
    apps: seed.apps.map((app) => ({
      ...app,
      ownerAccountId: app.ownerAccountId ?? seed.accounts[0]?.id,
    })),
    users: (seed.users ?? []).map(({ email, accounts, role }) => ({
      email,
      accountIds: accounts,
      role,
    })),
    installs: [],
    codes: [],
    resources: seed.accounts.map((account) => new SeededResources(account, nowMs)),
  };
}

/**
 * Lays a seed over data from an earlier run: accounts, keys, apps and users are as the seed says,
 * what happened since (installs, tokens, profiles, metrics, events) stays, and accounts and apps
 * that only the earlier run knew stay too.
 */
export function mergeSeed(earlier: SandboxData, seed: SandboxData): SandboxData {
  const known = new Set(earlier.resources.map(({ accountId }) => accountId));
  return {
    ...earlier,
    accounts: mergeBy(earlier.accounts, seed.accounts, ({ id }) => id),
    keys: mergeBy(earlier.keys, seed.keys, ({ key }) => key),
    apps: mergeBy(earlier.apps, seed.apps, ({ clientId }) => clientId),
    users: mergeBy(earlier.users, seed.users, ({ email }) => email),
    resources: [
      ...earlier.resources,
      ...seed.resources.filter(({ accountId }) => !known.has(accountId)),
    ],
  };
}

function mergeBy<Item>(
  earlier: readonly Item[],
  seed: readonly Item[],
  idOf: (item: Item) => string,
): Item[] {
  return [...new Map([...earlier, ...seed].map((item) => [idOf(item), item])).values()];
}
