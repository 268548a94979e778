import { AccountResources } from './account-resources.ts';
import type { Account, User } from './account.ts';
import type { ApiKey } from './api-key.ts';
import type { App } from './app.ts';
import type { AuthorizationCode, Install } from './install.ts';
import type { AccountResourcesData, SandboxData } from './sandbox-data.ts';

/** An install among those of its app. */
export interface NumberedInstall {
  readonly accountId: string;
  readonly number: number;
}

/** The sandbox's state with the look-ups it needs while it runs. */
export class SandboxState {
  readonly accounts: Map<string, Account>;
  readonly apps: Map<string, App>;
  readonly users: readonly User[];
  /** Private keys by their value. */
  readonly keys: Map<string, ApiKey>;
  readonly codes: Map<string, AuthorizationCode>;
  readonly #installs = new Map<string, Install>();
  /** When each install was first made, against the others: numbers that grow. */
  readonly #installNumbers = new Map<string, number>();
  readonly #installLists = new Map<string, readonly NumberedInstall[]>();
  #lastInstall = 0;
  readonly #installByAccessToken = new Map<string, string>();
  readonly #installByRefreshToken = new Map<string, string>();
  /** Plain data until somebody asks for it: most of a hundred thousand accounts are never used. */
  readonly #resources: Map<string, AccountResources | AccountResourcesData>;

  constructor(data: SandboxData) {
    this.accounts = new Map(data.accounts.map((account) => [account.id, account]));
    this.apps = new Map(data.apps.map((app) => [app.clientId, app]));
    this.users = data.users;
    this.keys = new Map(data.keys.map((key) => [key.key, key]));
    this.codes = new Map(data.codes.map((code) => [code.code, code]));
    this.#resources = new Map(data.resources.map((each) => [each.accountId, each]));
    for (const install of data.installs) this.putInstall(install);
  }

  /** The private keys of an account. A scan, for operations with a limit of one call a second. */
  keysOf(accountId: string): ApiKey[] {
    const own: ApiKey[] = [];
    for (const key of this.keys.values()) if (key.accountId === accountId) own.push(key);
    return own;
  }

  install(clientId: string, accountId: string): Install | undefined {
    return this.#installs.get(installKey(clientId, accountId));
  }

  installs(): Install[] {
    return [...this.#installs.values()];
  }

  installOfAccessToken(token: string): Install | undefined {
    return this.#installs.get(this.#installByAccessToken.get(token) ?? '');
  }

  installOfRefreshToken(token: string): Install | undefined {
    return this.#installs.get(this.#installByRefreshToken.get(token) ?? '');
  }

  /** Keeps an install in the place of the one for the same app and account. */
  putInstall(install: Install): void {
    const key = installKey(install.clientId, install.accountId);
    this.#forgetTokens(key);
    if (!this.#installNumbers.has(key)) {
      this.#installNumbers.set(key, ++this.#lastInstall);
      this.#installLists.delete(install.clientId);
    }
    this.#installs.set(key, install);
    for (const { token } of install.accessTokens) this.#installByAccessToken.set(token, key);
    for (const { token } of install.refreshTokens) this.#installByRefreshToken.set(token, key);
  }

  /** Forgets an install and all its tokens. */
  removeInstall({ clientId, accountId }: Pick<Install, 'clientId' | 'accountId'>): void {
    const key = installKey(clientId, accountId);
    this.#forgetTokens(key);
    this.#installs.delete(key);
    this.#installNumbers.delete(key);
    this.#installLists.delete(clientId);
  }

  /** The accounts an app is installed in, with the number of each install, newest first. */
  installsOfApp(clientId: string): readonly NumberedInstall[] {
    let list = this.#installLists.get(clientId);
    if (!list) {
      const found: NumberedInstall[] = [];
      for (const [key, number] of this.#installNumbers) {
        const install = this.#installs.get(key);
        if (install?.clientId === clientId) found.push({ accountId: install.accountId, number });
      }
      list = found.sort((one, other) => other.number - one.number);
      this.#installLists.set(clientId, list);
    }
    return list;
  }

  #forgetTokens(key: string): void {
    const install = this.#installs.get(key);
    for (const { token } of install?.accessTokens ?? []) this.#installByAccessToken.delete(token);
    for (const { token } of install?.refreshTokens ?? []) this.#installByRefreshToken.delete(token);
  }

  /** The resources of an account, empty at first. */
  resources(accountId: string): AccountResources {
    const known = this.#resources.get(accountId);
    if (known instanceof AccountResources) return known;
    const resources = new AccountResources(known);
    this.#resources.set(accountId, resources);
    return resources;
  }

  toData(): SandboxData {
    return {
      accounts: [...this.accounts.values()],
      keys: [...this.keys.values()],
      apps: [...this.apps.values()],
      users: this.users,
      installs: this.installs(),
      codes: [...this.codes.values()],
      resources: [...this.#resources].map(([accountId, resources]) => ({
        accountId,
        ...(resources instanceof AccountResources ? resources.toData() : plainData(resources)),
      })),
    };
  }
}

/** Named one by one: what is made only when asked for is no property of its own. */
function plainData(resources: AccountResourcesData): AccountResourcesData {
  const { profiles, metrics, events, others, memberships } = resources;
  return { profiles, metrics, events, others, memberships };
}

function installKey(clientId: string, accountId: string): string {
  return `${clientId}:${accountId}`;
}
