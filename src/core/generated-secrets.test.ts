import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemRandom } from '../runtime/random.ts';
import { parseKeyring } from '../vault/keyring.ts';
import { loadGeneratedSecrets, type GeneratedSecrets } from './generated-secrets.ts';

let parent: string;
let folder: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'keyshift-secrets-'));
  folder = join(parent, 'data');
});
afterEach(() => rm(parent, { recursive: true, force: true }));

const load = () => loadGeneratedSecrets(folder, systemRandom);

describe('secrets that cannot be kept', () => {
  it('name the folder and the variables to set in their place', async () => {
    await writeFile(folder, 'a file, not a folder');
    expect(load).toThrow(expect.objectContaining({ code: 'config_invalid' }) as Error);
    expect(load).toThrow(folder);
  });

  it.each([
    ['an empty file', ''],
    ['half a file', '{"sessionSecret":"a-secret-of-which-half-is-l'],
    ['a file that was edited', '{"sessionSecret": a-secret-without-quotes}'],
    ['a stray word', '{"sessionSecret":"a-secret-that-is-whole"} a-secret-behind-it'],
    ['another form', '{"adminPassword":"a-secret-too-s"}'],
  ])('are not made anew over %s, and nothing of it is shown', async (_name, content) => {
    load();
    await writeFile(join(folder, 'secrets.json'), content);
    const error = (() => {
      try {
        return load();
      } catch (failure) {
        return failure;
      }
    })();
    expect(error).toMatchObject({ code: 'config_invalid' });
    expect(inspect(error, { depth: Infinity })).not.toContain('a-secret');
    expect(await readFile(join(folder, 'secrets.json'), 'utf8')).toBe(content);
  });

  it('say so when the folder cannot be made', async () => {
    await writeFile(folder, 'a file stands in its place');
    expect(load).toThrow(/EEXIST|ENOTDIR/);
  });
});

describe('generated secrets', () => {
  it('are long, different from each other, and the keyring can be read', () => {
    const { fresh, keys, ...secrets } = load();
    expect(fresh).toBe(true);
    expect(parseKeyring(keys).keys).toHaveLength(1);
    expect(secrets.sessionSecret.length).toBeGreaterThanOrEqual(32);
    expect(secrets.adminPassword.length).toBeGreaterThanOrEqual(12);
    expect(secrets.serviceToken).toMatch(/^ks_.{24,}$/);
    expect(new Set([keys, ...Object.values(secrets)]).size).toBe(4);
  });

  it('are the same the next time, and no longer fresh', () => {
    const first = load();
    expect(load()).toEqual({ ...first, fresh: false });
  });

  it('can be read by their owner alone', async () => {
    load();
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    for (const name of await readdir(folder)) {
      expect((await stat(join(folder, name))).mode & 0o777, name).toBe(0o600);
    }
  });

  it('are one set when four processes start at the same time', async () => {
    const module = new URL('./generated-secrets.ts', import.meta.url).href;
    const random = new URL('../runtime/random.ts', import.meta.url).href;
    // Each waits for the same moment, so that all of them find an empty folder.
    const program = `
      import { loadGeneratedSecrets } from ${JSON.stringify(module)};
      import { systemRandom } from ${JSON.stringify(random)};
      while (Date.now() < Number(process.argv[1])) {}
      console.log(JSON.stringify(loadGeneratedSecrets(process.argv[2], systemRandom)));
    `;
    const startMs = String(Date.now() + 1_500);
    const run = promisify(execFile);
    const processes = Array.from({ length: 4 }, () =>
      run(process.execPath, ['--input-type=module', '-e', program, startMs, folder]),
    );
    const sets = (await Promise.all(processes)).map(
      ({ stdout }) => JSON.parse(stdout) as GeneratedSecrets,
    );
    const { fresh: _fresh, ...kept } = load();
    for (const { fresh, ...set } of sets) {
      expect(set).toEqual(kept);
      expect(typeof fresh).toBe('boolean');
    }
    expect(sets.filter(({ fresh }) => fresh)).toHaveLength(1);
    expect((await readdir(folder)).sort()).toEqual(['keys', 'secrets.json']);
  });
});
