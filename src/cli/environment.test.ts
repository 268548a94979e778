import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { klaviyoEndpoints } from '../klaviyo/endpoints.ts';
import { loadConfig, readDatabaseUrl } from './environment.ts';

const home = process.cwd();
const before = { ...process.env };
const names =
  /^(CLIENT_|REDIRECT_URI|KLAVIYO_|FLASK_|SESSION_|KEYSHIFT_|PUBLIC_|DATABASE_URL|HOST$|PORT$|LOG_)/;

beforeEach(async () => {
  process.chdir(await mkdtemp(join(tmpdir(), 'keyshift-env-')));
  for (const name of Object.keys(process.env)) if (names.test(name)) delete process.env[name];
});
afterEach(async () => {
  const folder = process.cwd();
  process.chdir(home);
  // In place: what Node reads from a file goes into the real environment only.
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  await rm(folder, { recursive: true, force: true });
});

describe('.env.local', () => {
  it('is one clear error when it cannot be read', async () => {
    await mkdir('.env.local');
    expect(loadConfig).toThrow('.env.local');
  });

  it.each([
    ['a byte order mark', '\ufeffKEYSHIFT_MODE=production\n'],
    ['a byte order mark and export', '\ufeffexport KEYSHIFT_MODE="production" # really\r\n'],
    ['single quotes', "KEYSHIFT_MODE='production'"],
    ['a comment behind it', 'KEYSHIFT_MODE=production # really'],
    ['line ends of old Macs', 'LOG_LEVEL=info\rKEYSHIFT_MODE=production\r'],
    ['a default', 'KEYSHIFT_MODE=${NO_SUCH_MODE:-production}'],
    ['a reference', 'WHERE=production\nKEYSHIFT_MODE=${WHERE}'],
    ['a later assignment', 'KEYSHIFT_MODE=development\nKEYSHIFT_MODE=production'],
  ])('with %s turns on production all the same', async (_name, text) => {
    await writeFile('.env.local', text);
    expect(loadConfig).toThrow('SESSION_SECRET, KEYSHIFT_ADMIN_PASSWORD');
  });

  it('counts where the environment has the variable, but empty', async () => {
    process.env['KEYSHIFT_MODE'] = ' ';
    await writeFile('.env.local', 'KEYSHIFT_MODE=production');
    expect(loadConfig).toThrow('are not set');
  });

  it('that nobody can read, or that is a link to nowhere, is one clear error', async () => {
    await symlink('nowhere', '.env.local');
    expect(loadConfig).toThrow('.env.local cannot be read (ENOENT).');
  });

  it.each([
    ['UTF-16', Buffer.from('\ufeffKEYSHIFT_MODE=production', 'utf16le')],
    ['UTF-16 without a mark', Buffer.from('KEYSHIFT_MODE=production', 'utf16le')],
    ['Latin-1', Buffer.from('# für uns\nKEYSHIFT_MODE=production', 'latin1')],
  ])('in %s is refused', async (_name, bytes) => {
    await writeFile('.env.local', bytes);
    expect(loadConfig).toThrow('.env.local is not UTF-8.');
  });

  it('of the seed demo works unchanged, with its five names', async () => {
    await writeFile(
      '.env.local',
      [
        '# Klaviyo OAuth app',
        'CLIENT_ID=c1d2e3f4-0000-4000-a000-000000000001',
        'CLIENT_SECRET=sEcReT-with_both-kinds',
        'REDIRECT_URI=http://localhost:5000/auth/callback',
        'KLAVIYO_SCOPES="accounts:read profiles:read lists:write"',
        'FLASK_SECRET_KEY=dev',
        '',
      ].join('\n'),
    );
    const { config } = loadConfig();
    expect(config).toMatchObject({
      mode: 'development',
      sandbox: false,
      redirectUri: 'http://localhost:5000/auth/callback',
      publicUrl: 'http://localhost:5000',
      scope: 'accounts:read profiles:read lists:write',
      endpoints: klaviyoEndpoints,
      client: { clientId: 'c1d2e3f4-0000-4000-a000-000000000001' },
    });
    expect(config.client?.clientSecret.reveal()).toBe('sEcReT-with_both-kinds');
    expect(config.sessionSecret.reveal()).toBe('dev');
  });

  it('gives way to a variable that is set already', async () => {
    await writeFile('.env.local', 'PORT=6000\nLOG_LEVEL=debug\n');
    process.env['PORT'] = '7000';
    expect(loadConfig().config).toMatchObject({ port: 7000, logLevel: 'debug' });
  });

  it('names the database for what needs nothing else', async () => {
    expect(readDatabaseUrl()).toBeUndefined();
    await writeFile('.env.local', 'DATABASE_URL=sqlite:./other.db\n');
    expect(readDatabaseUrl()).toBe('sqlite:./other.db');
  });
});

describe('a folder without any configuration', () => {
  it('gets secrets of its own, which are told apart from those that were there', async () => {
    const first = loadConfig();
    expect(first.generated).toMatchObject({ fresh: true });
    expect(await readdir('data')).toEqual(['keys', 'secrets.json']);
    const second = loadConfig();
    expect(second.generated).toMatchObject({ fresh: false });
    expect(second.config.sessionSecret.equals(first.config.sessionSecret)).toBe(true);
  });

  it('makes none where every secret is set', async () => {
    Object.assign(process.env, {
      SESSION_SECRET: 'session-secret',
      KEYSHIFT_ADMIN_PASSWORD: 'password',
      KEYSHIFT_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
      KEYSHIFT_SERVICE_TOKENS: 'shop:token',
    });
    expect(loadConfig().generated).toBeUndefined();
    expect(await readdir('.')).toEqual([]);
  });
});
