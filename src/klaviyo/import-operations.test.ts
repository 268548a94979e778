import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../scripts/import-operations.mjs', import.meta.url));
const committed = fileURLToPath(new URL('./operations.json', import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-operations-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const out = () => join(folder, 'out.json');

async function run(input: unknown, name = 'input.json') {
  const file = join(folder, name);
  await writeFile(file, typeof input === 'string' ? input : JSON.stringify(input));
  return runScript([file, '--out', out()]);
}

function runScript(argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...argv], (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

const readOut = async () => JSON.parse(await readFile(out(), 'utf8')) as Record<string, unknown>;

const accounts = {
  id: 'get_accounts',
  method: 'GET',
  path: '/api/accounts',
  tag: 'Accounts',
  scopes: ['accounts:read'],
  burst: '1/s',
  steady: '15/m',
  success: 200,
};
const operationsFile = {
  source: 'test',
  revision: '2026-07-15',
  betaRevision: '2026-07-15.pre',
  operations: [accounts],
  betaOperations: [],
};
const openApi = (version: string, operation: object, path = '/api/things/{id}') => ({
  openapi: '3.0.2',
  info: { title: 'Klaviyo API', version },
  paths: { [path]: { get: operation } },
});
const described = {
  operationId: 'get_thing',
  tags: ['Things'],
  description:
    'Get a thing.<br><br>*Rate limits*:<br>Burst: `10/s`<br>Steady: `150/m`<br>Daily: `30/d`<br><br>With predictions:<br>Burst: `1/s`\n\n**Scopes:**\n`things:read`\n`profiles:read`\n\n[OpenAPI Spec](https://example.com)',
  responses: { '200': {}, '4XX': {} },
};

describe('import-operations', () => {
  it.each([
    ['text that is not JSON', 'nope', 'is not JSON'],
    ['JSON of another shape', { hello: 'world' }, 'neither an operations file'],
    ['a list', [], 'neither an operations file'],
    ['no operations', { ...operationsFile, operations: [] }, 'no operations'],
    ['a revision that is no date', { ...operationsFile, revision: 'v3' }, '"v3" is not a date'],
    [
      'a limit that is not understood',
      { ...operationsFile, operations: [{ ...accounts, burst: 'lots' }] },
      'GET /api/accounts: "burst" is "lots"',
    ],
    [
      'one operation twice',
      { ...operationsFile, operations: [accounts, { ...accounts, id: 'other' }] },
      'GET /api/accounts appears twice',
    ],
    [
      'an OpenAPI operation without limits',
      openApi('2026-10-15', { ...described, description: 'None.' }),
      'GET /api/things/{id}: "burst"',
    ],
    ['a beta file before any stable one', openApi('2026-10-15.pre', described), 'stable'],
  ])('refuses %s and writes nothing', async (_, input, message) => {
    const { code, stderr } = await run(input);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    await expect(readOut()).rejects.toThrow(/ENOENT/);
  });

  it('refuses a missing file, no file, and an unknown option', async () => {
    expect(await runScript([join(folder, 'none.json')])).toMatchObject({ code: 1 });
    expect((await runScript([])).stderr).toContain('Usage:');
    expect((await runScript(['--force'])).stderr).toContain('--force');
  });

  it('sorts by path and method, whatever the order of the input', async () => {
    const profiles = { ...accounts, id: 'get_profiles', path: '/api/profiles' };
    const create = { ...profiles, id: 'create_profile', method: 'POST', success: 201 };
    await run({ ...operationsFile, operations: [create, profiles, accounts] });
    const first = await readFile(out(), 'utf8');
    await run({ ...operationsFile, operations: [accounts, profiles, create] });
    expect(await readFile(out(), 'utf8')).toBe(first);
    expect(((await readOut())['operations'] as { id: string }[]).map(({ id }) => id)).toEqual([
      'get_accounts',
      'get_profiles',
      'create_profile',
    ]);
  });

  it('reads its own output back to the same bytes, as the committed file shows', async () => {
    const before = await readFile(committed, 'utf8');
    await run(before);
    expect(await readFile(out(), 'utf8')).toBe(before);
  });

  it('reads limits and scopes from the extensions of a Klaviyo OpenAPI file', async () => {
    const extended = {
      ...described,
      'x-klaviyo-ratelimit': { burst: '3/s', steady: '60/m' },
      'x-klaviyo-scopes': ['things:write', 'lists:read'],
    };
    expect((await run(openApi('2026-10-15', extended))).code).toBe(0);
    expect(await readOut()).toMatchObject({
      revision: '2026-10-15',
      operations: [
        {
          id: 'get_thing',
          method: 'GET',
          path: '/api/things/{id}',
          tag: 'Things',
          scopes: ['lists:read', 'things:write'],
          burst: '3/s',
          steady: '60/m',
          success: 200,
        },
      ],
    });
  });

  it('reads limits and scopes from the description where there are no extensions', async () => {
    await run(openApi('2026-10-15', described));
    expect((await readOut())['operations']).toEqual([
      expect.objectContaining({
        scopes: ['profiles:read', 'things:read'],
        burst: '10/s',
        steady: '150/m',
        daily: '30/d',
      }),
    ]);
  });

  it('replaces only the half that an OpenAPI file describes', async () => {
    await run(operationsFile);
    await run(openApi('2026-10-15.pre', described));
    expect(await readOut()).toMatchObject({
      revision: '2026-07-15',
      betaRevision: '2026-10-15.pre',
      operations: [{ id: 'get_accounts' }],
      betaOperations: [{ id: 'get_thing' }],
    });
    await run(openApi('2026-10-15', { ...described, operationId: 'get_other' }, '/api/others'));
    expect(await readOut()).toMatchObject({
      revision: '2026-10-15',
      operations: [{ id: 'get_other' }],
      betaOperations: [{ id: 'get_thing' }],
    });
  });
});
