import { openKeyshift, type OpenKeyshift } from '../../core/create-keyshift.ts';
import { readConfig } from '../../core/read-config.ts';
import { createApp } from '../../http/create-app.tsx';
import { createLogger } from '../../runtime/logger.ts';
import { randomToken, systemRandom } from '../../runtime/random.ts';
import { createEmbeddedSandbox, type EmbeddedSandbox } from '../../sandbox/embedded-sandbox.ts';
import { createSampleSeed } from '../../sandbox/seed/sample-seed.ts';
import type { SandboxSeed, SeedAccount } from '../../sandbox/seed/seed.ts';
import { createSweeper, type Sweeper } from '../../tokens/sweeper.ts';
import type { OutboxRunner } from '../../migration/outreach/outbox-runner.ts';
import { createJumpClock, type JumpClock } from './jump-clock.ts';
import { createMailman } from './mailman.ts';
import { createPeople, emailOf, type Person } from './people.ts';
import { firstDayMs, type RehearsalSettings } from './rehearsal-settings.ts';
import { answerBySandbox, SandboxDispatcher } from './sandbox-dispatcher.ts';
import { openWorld, type World } from './world.ts';

const publicUrl = 'https://keyshift.rehearsal.example';
const klaviyoUrl = 'https://klaviyo.rehearsal.example';
const clientId = 'rehearsal-app';

/** Accounts of agencies: nobody's connection, and there to be chosen by mistake. */
const agencies = 5;

/** Everything that a rehearsal plays with: both sides, their people, and one clock for all. */
export interface StageSet {
  readonly settings: RehearsalSettings;
  readonly world: World;
  readonly clock: JumpClock;
  readonly keyshift: OpenKeyshift;
  readonly sandbox: EmbeddedSandbox;
  /** As the server runs it, without the pause between two refreshes. */
  readonly sweeper: Sweeper;
  /** Sends messages into the people's mailboxes. */
  readonly outbox: OutboxRunner;
  readonly people: readonly Person[];
  readonly accounts: readonly SeedAccount[];
  readonly publicUrl: string;
  readonly clientId: string;
  /** What a browser of these people reaches: the pages of Keyshift and of the sandbox. */
  readonly send: typeof fetch;
  close(): Promise<void>;
}

/** Sets the stage in a folder, as it was left there or new. */
export async function openStageSet(folder: string, settings: RehearsalSettings): Promise<StageSet> {
  const world = openWorld(folder, settings, systemRandom);
  const clock = createJumpClock(firstDayMs);
  const people = createPeople(settings);
  const seed = createSeed(settings, people, world.secrets.clientSecret);
  const sandbox = createEmbeddedSandbox({
    origin: klaviyoUrl,
    clock,
    seed,
    createState: world.createState,
    settings: { consistency: 'immediate' },
  });
  const logger = createLogger({ level: 'silent' });
  const keyshift = await openKeyshift(rehearsalConfig(world), {
    clock,
    logger,
    // A rehearsal outlives kill -9, not a power cut: it never waits for the disk.
    durability: 'process',
    dispatcher: new SandboxDispatcher(sandbox, clock.noteWork),
  }).catch((error: unknown) => {
    world.close();
    throw error;
  });
  const { store, tokens, random } = keyshift;
  return {
    settings,
    world,
    clock,
    keyshift,
    sandbox,
    sweeper: createSweeper({
      ...{ store, tokens, clientId, clock, random, logger },
      ratePerSec: Infinity,
    }),
    outbox: createMailman(keyshift, world, publicUrl),
    people,
    accounts: seed.accounts,
    publicUrl,
    clientId,
    send: createBrowser(keyshift, sandbox, clock),
    async close() {
      clock.close();
      await keyshift.close();
      world.close();
    },
  };
}

function createSeed(
  settings: RehearsalSettings,
  people: readonly Person[],
  clientSecret: string,
): SandboxSeed {
  const sample = createSampleSeed({
    customers: settings.customers + agencies,
    seed: settings.seed,
    app: { clientId, clientSecret, redirectUris: [`${publicUrl}/auth/callback`] },
  });
  const users = people
    .filter(({ persona }) => persona === 'wrong_role')
    .map((person) => ({
      email: emailOf(person),
      accounts: [sample.accounts[person.index]?.id ?? ''],
      role: 'analyst' as const,
    }));
  return { ...sample, users };
}

/** Both origins in this process, by the handlers that would be behind their sockets. */
function createBrowser(
  keyshift: OpenKeyshift,
  sandbox: EmbeddedSandbox,
  clock: JumpClock,
): typeof fetch {
  const app = createApp(keyshift.face);
  return async (target, init) => {
    const request = new Request(target, init);
    const url = new URL(request.url);
    clock.noteWork();
    if (url.origin !== sandbox.origin) return app.fetch(request);
    const reply = await answerBySandbox(sandbox, {
      method: request.method,
      url,
      headers: Object.fromEntries(request.headers),
      body: Buffer.from(await request.arrayBuffer()),
    });
    if (!reply) throw new TypeError('the sandbox gave no answer');
    return reply;
  };
}

function rehearsalConfig({ databaseUrl, secrets }: World) {
  const environment = {
    KEYSHIFT_MODE: 'production',
    CLIENT_ID: clientId,
    CLIENT_SECRET: secrets.clientSecret,
    REDIRECT_URI: `${publicUrl}/auth/callback`,
    KLAVIYO_AUTHORIZE_URL: `${klaviyoUrl}/oauth/authorize`,
    KLAVIYO_TOKEN_URL: `${klaviyoUrl}/oauth/token`,
    KLAVIYO_REVOKE_URL: `${klaviyoUrl}/oauth/revoke`,
    KLAVIYO_API_URL: klaviyoUrl,
    DATABASE_URL: databaseUrl,
    KEYSHIFT_KEYS: secrets.keys,
    SESSION_SECRET: secrets.sessionSecret,
    KEYSHIFT_ADMIN_PASSWORD: randomToken(systemRandom),
  };
  return readConfig(environment, {
    generate: () => {
      throw new Error('a rehearsal sets every secret itself');
    },
  });
}
