import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const exec = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

interface Manifest {
  readonly version: string;
  readonly exports: Record<string, unknown>;
  readonly dependencies: Record<string, string>;
}
const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest;
const entries = Object.keys(manifest.exports).filter((entry) => entry !== './package.json');

/** A folder in which the packed package is installed, with its declared dependencies and no others. */
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keyshift-packed-'));
  const modules = join(folder, 'node_modules');
  await mkdir(modules);
  // An npm that runs this test hands its own settings down, which are not for the one below.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)),
  );
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  await exec('npm', pack, { cwd: root, env });
  await exec('tar', ['-xzf', `keyshift-${manifest.version}.tgz`], { cwd: folder });
  await cp(join(folder, 'package'), join(modules, 'keyshift'), { recursive: true });
  for (const name of [...Object.keys(manifest.dependencies), '@types/node', '@types/pg']) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(root, 'node_modules', name), join(modules, name));
  }
  await writeFile(join(folder, 'package.json'), '{"type":"module","private":true}');
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const specifierOf = (entry: string) => `keyshift${entry.slice(1)}`;

describe('the packed package', () => {
  it('holds the schema of seed files that the docs point to', async () => {
    const path = join(folder, 'node_modules/keyshift/docs/sandbox-seed.schema.json');
    expect(JSON.parse(await readFile(path, 'utf8'))).toHaveProperty('$schema');
  });

  it.each(entries)('can be imported by its subpath %s', async (entry) => {
    const program = `console.log(Object.keys(await import('${specifierOf(entry)}')).join(' '))`;
    const { stdout } = await exec(process.execPath, ['--input-type=module', '-e', program], {
      cwd: folder,
    });
    expect(stdout.trim().split(' ').length).toBeGreaterThan(0);
    expect(stdout).not.toContain('default');
  });

  it('has a command that runs where it is installed', async () => {
    const command = join(folder, 'node_modules', 'keyshift', 'bin', 'keyshift.mjs');
    const { stdout } = await exec(process.execPath, [command, '--version'], { cwd: folder });
    expect(stdout.trim()).toBe(manifest.version);
  });

  it('has types that a strict consumer compiles with, and that catch a wrong use', async () => {
    const consumer = `
import {
  createKeyshift, isKeyshiftError, readConfig,
  type ApiRequestInit, type ApiResponse, type Grant, type InvitationLink, type Keyshift,
} from 'keyshift';
import { errorTable, type ErrorCode } from 'keyshift/errors';
import { createMiddleware, type Middleware } from 'keyshift/express';
import { createSession, type SdkSession } from 'keyshift/klaviyo-api';
import { approveConsent, createSampleSeed, startSandbox, type Sandbox } from 'keyshift/sandbox';
import { createApp, startServer, type RunningServer } from 'keyshift/server';

const keyshift: Keyshift = await createKeyshift(readConfig(process.env));
const work: Promise<void> = keyshift.work(new AbortController().signal);
const link: InvitationLink = await keyshift.invitations.issue('acme', { validForDays: 14 });
const grant: Grant = await keyshift.tokens.liveGrant({ clientId: 'app', accountId: 'AbC123' });
// @ts-expect-error the parts stay inside
keyshift.store;
const session: SdkSession = createSession(keyshift.connection({ customerId: 'acme' }));
const middleware: Middleware = createMiddleware(keyshift);
const server: RunningServer = await startServer(keyshift, createApp(keyshift));
const sandbox: Sandbox = await startSandbox({ seed: createSampleSeed({ customers: 3 }) });
const location: string = await approveConsent(sandbox.authorizeUrl, { account: 'AbC123' });
const code: ErrorCode = 'grant_lost';
const fix: string = errorTable[code].fix;
const init: ApiRequestInit = { method: 'POST', body: new FormData(), headers: new Headers() };
const answer: ApiResponse = await keyshift.connection({ customerId: 'acme' }).fetch('/api/x', init);
// @ts-expect-error an object is no body
const wrong: ApiRequestInit = { body: { data: {} } };
try {
  await keyshift.connection({ accountId: 'AbC123' }).fetch('/api/profiles');
} catch (error) {
  if (isKeyshiftError(error, 'grant_lost')) error.code satisfies 'grant_lost';
}
// @ts-expect-error a connection is named by customer or account
keyshift.connection({ customer: 'acme' });
// @ts-expect-error no such code
errorTable['no_such_code'];
console.log(work, link, grant, session, middleware, server, location, fix, answer, wrong);
`;
    await writeFile(join(folder, 'consumer.ts'), consumer);
    const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess'];
    const modules = [
      '--module',
      'NodeNext',
      '--target',
      'ES2024',
      '--lib',
      'ES2024,ESNext.Disposable',
    ];
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const args = [tsc, '--noEmit', '--pretty', 'false', ...strict, ...modules, '--types', 'node'];
    const { stdout } = await exec(process.execPath, [...args, 'consumer.ts'], {
      cwd: folder,
    }).catch((error: unknown) => error as { readonly stdout: string });
    // What the types of other libraries lack, as the DOM for those of hono/jsx, is theirs.
    const own = stdout
      .split('\n')
      .filter((line) => /^(consumer|node_modules\/keyshift)/.test(line));
    expect(own).toEqual([]);
  });
});
