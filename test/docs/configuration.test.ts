import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/core/read-config.ts';
import { logLevels } from '../../src/runtime/logger.ts';
import { startDocSession, type DocSession } from '../support/doc-session.ts';
import { readDocument, root, sectionOf } from '../support/markdown.ts';

type Environment = Parameters<typeof readConfig>[0];

const page = readDocument('docs/configuration.md');
const documentedNames = [...page.text.matchAll(/^### `([A-Z_]+)`$/gm)].map(([, name]) => name!);

const generated = {
  keys: `k1:${randomBytes(32).toString('base64')}`,
  sessionSecret: 'generated session secret, long enough',
  adminPassword: 'generated password',
  serviceToken: 'generated-service-token-1',
  fresh: false,
};

const read = (environment: Environment) => readConfig(environment, { generate: () => generated });

/** Does what a shell would with the commands that stand in the examples. */
function expand(text: string): string {
  return text
    .replaceAll('$(openssl rand -base64 32)', () => randomBytes(32).toString('base64'))
    .replaceAll('$(openssl rand -hex 32)', () => randomBytes(32).toString('hex'));
}

/** The names that the program asks an environment for. */
function namesReadFrom(environment: Environment): Set<string> {
  const names = new Set<string>();
  read(
    new Proxy(environment, {
      get(target, name: string) {
        names.add(name);
        return target[name];
      },
    }),
  );
  return names;
}

const app = { CLIENT_ID: 'id', CLIENT_SECRET: 'secret' };
const mail = { SMTP_URL: 'smtps://mail.acme.example', MAIL_FROM: 'Acme <hello@acme.example>' };
/** What the reader of the production file fills in. */
const ownApp = { CLIENT_ID: randomUUID(), CLIENT_SECRET: randomBytes(32).toString('base64url') };

describe('the variables of docs/configuration.md', () => {
  it('are exactly those that the program reads', () => {
    const asked = new Set([
      ...namesReadFrom({}),
      ...namesReadFrom(app),
      ...namesReadFrom({ ...app, ...mail }),
    ]);
    expect(documentedNames.toSorted()).toEqual([...asked].toSorted());
  });

  it('include every name that stands in the source, also on paths that no run takes', () => {
    const sources = ['src/core/read-config.ts', 'src/cli/environment.ts'];
    const text = sources.map((path) => readFileSync(join(root, path), 'utf8')).join('\n');
    const inSource = [...text.matchAll(/(?:'|^ {2})([A-Z]+(?:_[A-Z]+)*)(?:'|: ')/gm)];
    expect(inSource.length).toBeGreaterThan(20);
    for (const [, name] of inSource) expect(documentedNames).toContain(name);
  });

  it.each(documentedNames)('%s has a default, and an example that is accepted', (name) => {
    const section = sectionOf(page.text, `\`${name}\``) ?? '';
    expect(section).toMatch(/^Default: \S/m);
    const example = /^Example: `([A-Z_]+=.+)`$/m.exec(section)?.[1] ?? '';
    const variables = parseEnv(expand(example));
    expect(Object.keys(variables)).toEqual([name]);
    const inProduction = /^https/.test(variables[name] ?? '') || name.startsWith('KEYSHIFT');
    const others = name === 'HOST' || inProduction ? productionFile() : app;
    expect(() => read({ ...others, ...variables })).not.toThrow();
  });

  it('have the defaults that the program uses', () => {
    const config = read(app);
    const used: Record<string, string> = {
      HOST: config.host,
      PORT: String(config.port),
      KEYSHIFT_MODE: config.mode,
      REDIRECT_URI: config.redirectUri,
      KLAVIYO_SCOPES: config.scope,
      DATABASE_URL: config.databaseUrl.reveal(),
      KLAVIYO_AUTHORIZE_URL: config.endpoints.authorizeUrl,
      KLAVIYO_TOKEN_URL: config.endpoints.tokenUrl,
      KLAVIYO_REVOKE_URL: config.endpoints.revokeUrl,
      KLAVIYO_API_URL: config.endpoints.apiUrl,
      KLAVIYO_REVISION: config.revision,
      LOG_LEVEL: config.logLevel,
    };
    for (const [name, value] of Object.entries(used)) {
      expect(sectionOf(page.text, `\`${name}\``)).toContain(`Default: \`${value}\``);
    }
  });

  it('name every level of the log', () => {
    const section = sectionOf(page.text, '`LOG_LEVEL`');
    for (const level of logLevels) expect(section).toContain(`\`${level}\``);
  });
});

/** The `.env.local` that the section on production has its reader write. */
function productionFile(): Environment {
  const block = sectionOf(page.text, 'Production') ?? '';
  return { ...parseEnv(expand(/<<EOF\n([\s\S]*?)^EOF$/m.exec(block)?.[1] ?? '')), ...ownApp };
}

describe('the other sections of docs/configuration.md', () => {
  it('give a production file that the program accepts as it is, apart from the app', () => {
    const config = read(productionFile());
    expect(config).toMatchObject({ mode: 'production', sandbox: false });
  });

  it.each(['KEYSHIFT_KEYS', 'SESSION_SECRET', 'KEYSHIFT_ADMIN_PASSWORD'])(
    'are right that production refuses to start without %s',
    (name) => {
      expect(() => read({ ...productionFile(), [name]: '' })).toThrow(name);
    },
  );

  it('describe the sandbox profile as it is', () => {
    const section = sectionOf(page.text, 'The sandbox profile');
    const { scope, databaseUrl } = read({});
    expect(section).toContain(`\`${scope}\``);
    expect(section).toContain(`\`${databaseUrl.reveal()}\``);
  });
});

describe('a reader of docs/configuration.md', () => {
  let session: DocSession;
  beforeAll(async () => {
    session = await startDocSession();
  });
  afterAll(() => session[Symbol.asyncDispose]());

  it('sees after every command what the page says', { timeout: 60_000 }, async () => {
    for (const part of page.parts) expect(await session.follow(part)).toEqual([]);
  });
});
