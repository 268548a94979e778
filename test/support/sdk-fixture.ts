import { createRequire } from 'node:module';
import type { Grant } from '../../src/model/grant.ts';
import { startFlow, type FlowFixture, type FlowOptions } from './flow-fixture.ts';
import { accountOf, migrateToLive } from './migration-steps.ts';

/** The one axios that the SDK uses, for what it says of itself. */
export interface Axios {
  isAxiosError(error: unknown): boolean;
  getUri(config: { url: string; params: unknown }): string;
}

/** Loads it from where the SDK finds it. */
export function loadAxios(): Axios {
  const require = createRequire(createRequire(import.meta.url).resolve('klaviyo-api'));
  return require('axios') as Axios;
}

/** A Keyshift with the customer `acme` on OAuth, and an account in the sandbox behind it. */
export interface SdkFixture extends FlowFixture {
  readonly accountId: string;
  /** The grant as it is stored now. */
  grant(): Promise<Grant>;
  /** Refreshes that the sandbox has granted so far. */
  refreshes(): number;
  /** Events that the account holds. */
  events(): Promise<number>;
}

/** Starts it; two minutes have passed since the consent, so that a 401 counts as one. */
export async function startSdkFlow(options: FlowOptions = {}): Promise<SdkFixture> {
  const fixture = await startFlow({
    ...options,
    environment: {
      KLAVIYO_SCOPES: 'accounts:read profiles:read profiles:write events:read events:write',
      ...options.environment,
    },
  });
  await migrateToLive(fixture, 'acme', 0);
  const accountId = accountOf(fixture, 0);
  fixture.clock.skip(120_000);
  const { keyshift, sandbox } = fixture;
  return {
    ...fixture,
    accountId,
    async grant() {
      const grant = await keyshift.store.grants.find({
        clientId: keyshift.oauth.clientId,
        accountId,
      });
      if (grant) return grant;
      throw new Error('the account has no grant');
    },
    refreshes: () => sandbox.statistics().refreshes,
    async events() {
      const reply = await keyshift.connection({ accountId }).fetch('/api/events');
      const { data } = (await (await reply.orThrow()).json()) as { data: unknown[] };
      return data.length;
    },
    [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose](),
  };
}
