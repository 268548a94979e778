import type { SandboxSeed, SeedAccount, SeedApp, SeedMetric } from './seed.ts';
import { createSeededRandom, type SeededRandom } from './seeded-random.ts';
import { shopNames } from './shop-names.ts';

/** What {@link createSampleSeed} takes. */
export interface SampleSeedOptions {
  /** How many accounts to make, each with one private key. */
  readonly customers: number;
  /** The same number gives the same seed. Default 1. */
  readonly seed?: number;
  /** Replaces parts of the sample app, such as `redirectUris`. */
  readonly app?: Partial<SeedApp>;
}

const limitedScopes = ['accounts:read', 'events:write', 'metrics:read', 'profiles:read'];

const appScopes = [
  'accounts:read',
  'events:read',
  'events:write',
  'lists:read',
  'lists:write',
  'metrics:read',
  'profiles:read',
  'profiles:write',
];

/**
 * Makes a seed of plausible shops, each with a private key (four in five full access, the others
 * with a few scopes, `accounts:read` always among them), and one OAuth app.
 *
 * @example
 * ```ts
 * const seed = createSampleSeed({ customers: 50 });
 * await using sandbox = await startSandbox({ seed });
 * ```
 */
export function createSampleSeed(options: SampleSeedOptions): SandboxSeed {
  const random = createSeededRandom(options.seed ?? 1);
  const app = { ...sampleApp(random), ...options.app };
  const ids = new Set<string>();
  const accounts: SeedAccount[] = [];
  while (accounts.length < options.customers) {
    const id = random.alphanumeric(6);
    if (ids.has(id)) continue;
    ids.add(id);
    accounts.push(sampleAccount(random, id, accounts.length));
  }
  return { accounts, apps: [app] };
}

function sampleApp(random: SeededRandom): SeedApp {
  const hex = (length: number) =>
    Array.from({ length }, () => Math.floor(random.fraction() * 16).toString(16)).join('');
  return {
    clientId: `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
    // Klaviyo's secrets hold - and _, which clients that percent-encode them get wrong.
    clientSecret: `${random.alphanumeric(40)}-${random.alphanumeric(20)}_${random.alphanumeric(24)}`,
    name: 'Sample Integration',
    redirectUris: ['http://localhost:5000/auth/callback'],
    scopes: appScopes,
  };
}

const sampleMetrics: readonly SeedMetric[] = [
  { name: 'Placed Order' },
  { name: 'Viewed Product' },
  { name: 'Received Email', integration: 'klaviyo' },
];

function sampleAccount(random: SeededRandom, id: string, index: number): SeedAccount {
  const name = `${random.pick(shopNames.first)} ${random.pick(shopNames.second)}`;
  const domain = `${name
    .toLowerCase()
    .replace(/[^a-z]+/g, '-')
    .replace(/-$/, '')}.example`;
  return {
    id,
    name,
    email: `hello@${domain}`,
    testAccount: false,
    keys: [
      {
        key: `pk_${random.alphanumeric(34)}`,
        name: 'Integration',
        scopes: index % 5 === 4 ? limitedScopes : 'full',
      },
    ],
    metrics: sampleMetrics,
    // Made when somebody looks: of a hundred thousand accounts, few are ever used.
    get profiles() {
      return [
        { email: `ada@${domain}`, first_name: 'Ada', last_name: 'Marsh' },
        { email: `ben@${domain}`, first_name: 'Ben', last_name: 'Okafor' },
      ];
    },
  };
}
