import { stableShortId, stableUlid } from '../ids.ts';
import { apiIntegration, klaviyoIntegration } from '../integrations.ts';
import type { AccountResourcesData } from '../state/account-resources.ts';
import type { Metric, Profile, StoredEvent } from '../state/records.ts';
import type { SandboxData } from '../state/sandbox-state.ts';
import type { SandboxSeed, SeedAccount } from './seed.ts';

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
    apps: seed.apps,
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

/** The resources of a seeded account, made when somebody asks: most accounts are never used. */
class SeededResources implements AccountResourcesData {
  readonly #account: SeedAccount;
  readonly #nowMs: number;

  constructor(account: SeedAccount, nowMs: number) {
    this.#account = account;
    this.#nowMs = nowMs;
  }

  get accountId(): string {
    return this.#account.id;
  }

  get metrics(): readonly Metric[] {
    const { id: accountId, metrics = [] } = this.#account;
    return metrics.map(({ name, integration = 'api' }, index) => ({
      seq: index + 1,
      id: stableShortId(`metric:${accountId}:${integration}:${name}`),
      name,
      integration: integration === 'api' ? apiIntegration : klaviyoIntegration,
      createdMs: this.#nowMs,
      updatedMs: this.#nowMs,
    }));
  }

  get profiles(): readonly Profile[] {
    const { id: accountId, profiles = [] } = this.#account;
    return profiles.map((attributes, index) => ({
      seq: index + 1,
      id: stableUlid(`profile:${accountId}:${index}`),
      attributes,
      createdMs: this.#nowMs,
      updatedMs: this.#nowMs,
      lastEventMs: null,
    }));
  }

  get events(): readonly StoredEvent[] {
    return [];
  }
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
