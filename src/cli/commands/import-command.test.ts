import { stat } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCliBench, type CliBench } from '../../../test/support/cli-fixture.ts';

const header = 'customer_id,private_key,name\n';
const acme = 'acme,pk_alpha0123456789abcdef,Acme\n';
const beta = 'beta,pk_beta0123456789abcdef,Beta\n';

let cli: CliBench;
beforeEach(async () => void (cli = await openCliBench()));
afterEach(async () => {
  expect(cli.printed()).not.toMatch(/pk_[a-z0-9]{6}|secret-one|session-secret/);
  await cli[Symbol.asyncDispose]();
});

describe('import', () => {
  it('says what is wrong with the file as a whole', async () => {
    const missing = await cli.run('import', 'none.csv');
    expect(missing).toMatchObject({ code: 1, stdout: '' });
    expect(missing.stderr).toContain('none.csv');
    await cli.write('odd.csv', 'id;key\n');
    expect((await cli.run('import', 'odd.csv')).stderr).toContain('customer_id');
  });

  it('does not advise on columns where a folder was named', async () => {
    const { code, stderr } = await cli.run('import', '.');
    expect([code, stderr]).toEqual([
      1,
      'keyshift: . cannot be read (EISDIR). Fix: Name a file in that folder.\n',
    ]);
  });

  it('answers 2 when rows need a look, names their lines, and takes the others', async () => {
    await cli.write('customers.csv', `${header}${acme}broken,,x\n${acme}${beta}`);
    const { code, stdout, stderr } = await cli.run('import', 'customers.csv');
    expect(code).toBe(2);
    expect(stderr).toContain('line 3: error: broken: private_key is empty');
    expect(stderr).toContain('line 4: error: acme: duplicate');
    expect(stdout).toContain('4 rows: 2 imported');
    expect(stdout).toContain('Keys: 2 checked');
  });

  it('answers 2 when a row was taken without something that it says', async () => {
    const odd = 'acme,pk_alpha0123456789abcdef,Acme,not an address\n';
    await cli.write('customers.csv', `${header.trim()},email\n${odd}`);
    const { code, stderr } = await cli.run('import', 'customers.csv', '--no-check');
    expect([code, stderr]).toEqual([
      2,
      'line 2: warning: acme: email is not a valid address and was ignored\n',
    ]);
  });

  it('loses no row behind a stray quote, and no digit of an id', async () => {
    await cli.write('customers.csv', `${header}${acme.replace('Acme', '12" Records')}${beta}`);
    const ids = ['1234567890123456789', '1234567890123456788'];
    const lines = ids.map(
      (id, i) => `{"customer_id": ${id}, "private_key": "pk_k${i}x0123456789"}`,
    );
    await cli.write('customers.json', `[${lines.join(',\n')}]`);
    for (const file of ['customers.csv', 'customers.json']) {
      const { code, json } = await cli.run('import', file, '--no-check', '--json');
      expect([code, json]).toMatchObject([0, [{ rows: 2, imported: 2, issues: [] }]]);
    }
    const { stdout } = await cli.run('status', '--json');
    expect(stdout).toContain('"total":4');
  });

  it('answers 2 when a key needs a look', async () => {
    const unknown = 'gone,pk_unknown0123456789,Gone\n';
    await cli.write('customers.csv', header + acme + unknown);
    const { code, stderr } = await cli.run('import', 'customers.csv');
    expect(stderr).toContain('gone: Klaviyo rejects the private key');
    expect(code).toBe(2);
  });

  it('never leaves anybody unchecked without saying how many, and what is next', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => `c${i},pk_c${i}x0123456789,C\n`).join('');
    await cli.write('customers.csv', header + acme + rows);
    const imported = await cli.run('import', 'customers.csv', '--no-check');
    expect(imported.stdout).toContain('Next: keyshift check');
    const invited = await cli.run('invite', '--print-links');
    expect([invited.code, invited.stderr]).toEqual([
      2,
      expect.stringContaining('41 keys not checked yet. Next: keyshift check'),
    ]);
    cli.sandbox.addFault({ kind: 'status', status: 503, match: { path: '/api/accounts' } });
    const checked = await cli.run('check', '--concurrency', '41');
    expect([checked.code, checked.stderr]).toEqual([
      2,
      expect.stringContaining(
        'Klaviyo did not answer: 41 of 41 keys not checked. Next: keyshift check',
      ),
    ]);
  });

  it('prints one JSON object with every count and issue', async () => {
    const unknown = 'gone,pk_unknown0123456789,Gone\n';
    await cli.write('customers.csv', `${header}${acme}broken,,x\n${unknown}`);
    const result = await cli.run('import', 'customers.csv', '--json');
    expect(result.json).toEqual([
      {
        rows: 3,
        imported: 2,
        updated: 0,
        unchanged: 0,
        duplicate: 0,
        rejected: 1,
        complete: true,
        dry_run: false,
        issues: [
          {
            line: 3,
            severity: 'error',
            code: 'private_key_missing',
            message: 'private_key is empty',
            customer_id: 'broken',
          },
        ],
        checks: {
          checked: 1,
          key_invalid: 1,
          findings: [
            {
              line: 4,
              customer_id: 'gone',
              account_id: null,
              verdict: 'key_invalid',
              detail: 'Klaviyo rejects the private key',
              test_account: false,
              shared_with: [],
            },
          ],
        },
      },
    ]);
    expect(result.stderr).toBe('');
  });

  it('run again changes nothing and answers 0', async () => {
    await cli.write('customers.csv', header + acme + beta);
    await cli.run('import', 'customers.csv');
    const again = await cli.run('import', 'customers.csv', '--json');
    expect(again.code).toBe(0);
    expect(again.json).toMatchObject([{ imported: 0, unchanged: 2, issues: [], checks: {} }]);
  });

  it('can leave the keys unchecked, for keyshift check', async () => {
    await cli.write('customers.csv', header + acme);
    const imported = await cli.run('import', 'customers.csv', '--no-check', '--json');
    expect(imported.json).toMatchObject([{ imported: 1, checks: null }]);
    expect(cli.sandbox.requests()).toEqual([]);
    const checked = await cli.run('check', '--json');
    expect(checked).toMatchObject({ code: 0, json: [{ checked: 1, findings: [] }] });
  });

  it('that is interrupted says so, and goes on where it was', async () => {
    const rows = Array.from({ length: 1_500 }, (_, i) => `c${i},pk_c${i}x0123456789,C\n`).join('');
    await cli.write('customers.csv', header + rows);
    const first = await cli.runInterrupted(0, 'import', 'customers.csv', '--no-check', '--json');
    const { imported } = first.json[0] as { imported: number };
    expect(imported).toBeLessThan(1_500);
    const second = await cli.run('import', 'customers.csv', '--no-check', '--json');
    expect(second.code).toBe(0);
    expect(second.json).toMatchObject([
      { rows: 1_500, unchanged: imported, imported: 1_500 - imported },
    ]);
    expect(first.code, 'not done is not 0').not.toBe(0);
  });

  it('takes JSON lines, labels by further columns, and a cohort', async () => {
    const line = { customer_id: 'acme', private_key: 'pk_alpha0123456789abcdef', region: 'eu' };
    await cli.write('customers.ndjson', `${JSON.stringify(line)}\n{"customer_id":\n`);
    const args = ['import', 'customers.ndjson', '--no-check', '--json'];
    const { code, json } = await cli.run(...args, '--cohort-column', 'region');
    expect(code).toBe(2);
    expect(json).toMatchObject([
      { rows: 2, imported: 1, issues: [{ line: 2, code: 'row_malformed' }] },
    ]);
    expect((await cli.run(...args, '--cohort-column', 'region')).json).toMatchObject([
      { unchanged: 1 },
    ]);
    await cli.write('changed.csv', `${header.trim()},region\n${acme.trim()},us\n`);
    expect((await cli.run('import', 'changed.csv', '--no-check', '--json')).json).toMatchObject([
      { updated: 1 },
    ]);
  });

  it('as a dry run tells what would happen, asks about keys, and writes nothing', async () => {
    const unknown = 'gone,pk_unknown0123456789,Gone\n';
    const twin = 'twin,pk_alpha0123456789abcdef,Twin\n';
    await cli.write('customers.csv', header + acme + unknown + twin);
    const { code, json } = await cli.run('import', 'customers.csv', '--dry-run', '--json');
    expect(code).toBe(2);
    expect(json).toMatchObject([
      {
        ...{ rows: 3, imported: 3, dry_run: true, checks: { checked: 2, key_invalid: 1 } },
        issues: [
          { line: 3, severity: 'error', code: 'key_invalid', customer_id: 'gone' },
          { line: 4, severity: 'warning', code: 'duplicate_key', customer_id: 'twin' },
        ],
      },
    ]);
    const database = await stat('keyshift.db').catch(() => undefined);
    expect(database, 'not even an empty database').toBeUndefined();
    expect((await cli.run('status', '--json')).json).toMatchObject([{ total: 0 }]);
  });

  it('asks once about a key that several customers share, and says that they share an account', async () => {
    const twin = 'twin,pk_alpha0123456789abcdef,Twin\n';
    await cli.write('customers.csv', header + acme + twin);
    const { code, stderr } = await cli.run('import', 'customers.csv', '--concurrency', '1');
    expect(code).toBe(0);
    expect(stderr).toContain('line 3: twin: same account as acme');
    expect(cli.sandbox.requests()).toHaveLength(1);
  });

  it('can tell the scopes of the keys', async () => {
    await cli.write('customers.csv', header + acme);
    const { json } = await cli.run('import', 'customers.csv', '--key-scopes', '--json');
    expect(json).toMatchObject([
      {
        checks: {
          findings: [
            {
              customer_id: 'acme',
              key_scopes: { granted: ['accounts:read', 'profiles:read'] },
            },
          ],
        },
      },
    ]);
  });

  it('reads the address of a database from a variable, and warns of a password among the arguments', async () => {
    const query = ['--query', 'select 1', '--no-check'];
    const url = 'postgres://reader:hunter2two@127.0.0.1:1/app';
    const shown = await cli.run('import', '--from', url, ...query);
    expect(shown.stderr).toContain('use --from-env NAME');
    process.env['APP_DATABASE_URL'] = url;
    const hidden = await cli.run('import', '--from-env', 'APP_DATABASE_URL', ...query);
    expect([hidden.code, hidden.stderr]).toEqual([1, expect.stringContaining('cannot be read')]);
    const unset = await cli.run('import', '--from-env', 'NO_SUCH_URL', ...query);
    expect(unset.stderr).toContain('The variable NO_SUCH_URL is not set.');
    expect(cli.printed()).not.toContain('hunter2');
  });

  it('reads a database in place of a file, and wants exactly one of them', async () => {
    const db = new DatabaseSync('app.db');
    db.exec(
      "create table t (id text, k text); insert into t values ('acme', 'pk_alpha0123456789abcdef')",
    );
    db.close();
    const from = [
      '--from',
      'sqlite:app.db',
      '--query',
      'select id customer_id, k private_key from t',
    ];
    const { json } = await cli.run('import', ...from, '--json', '--no-check');
    expect(json).toMatchObject([{ rows: 1, imported: 1 }]);
    for (const args of [[], ['customers.csv', ...from], from.slice(0, 2)]) {
      expect(await cli.run('import', ...args)).toMatchObject({ code: 1, stdout: '' });
    }
  });
});
