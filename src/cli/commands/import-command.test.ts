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

  it('answers 2 when rows need a look, names their lines, and takes the others', async () => {
    await cli.write('customers.csv', `${header}${acme}broken,,x\n${acme}${beta}`);
    const { code, stdout, stderr } = await cli.run('import', 'customers.csv');
    expect(code).toBe(2);
    expect(stderr).toContain('line 3: error: broken: private_key is empty');
    expect(stderr).toContain('line 4: error: acme: duplicate');
    expect(stdout).toContain('4 rows: 2 imported');
    expect(stdout).toContain('Keys: 2 checked');
  });

  it('answers 2 when a key needs a look', async () => {
    const unknown = 'gone,pk_unknown0123456789,Gone\n';
    await cli.write('customers.csv', header + acme + unknown);
    const { code, stderr } = await cli.run('import', 'customers.csv');
    expect(stderr).toContain('gone: Klaviyo does not know the private key');
    expect(code).toBe(2);
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
              customer_id: 'gone',
              account_id: null,
              verdict: 'key_invalid',
              detail: 'Klaviyo does not know the private key',
              test_account: false,
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
    const rows = Array.from({ length: 500 }, (_, i) => `c${i},pk_c${i}x0123456789,C\n`).join('');
    await cli.write('customers.csv', header + rows);
    const first = await cli.runInterrupted(0, 'import', 'customers.csv', '--no-check', '--json');
    const { imported } = first.json[0] as { imported: number };
    expect(imported).toBeLessThan(500);
    const second = await cli.run('import', 'customers.csv', '--no-check', '--json');
    expect(second.code).toBe(0);
    expect(second.json).toMatchObject([
      { rows: 500, unchanged: imported, imported: 500 - imported },
    ]);
    expect(first.code, 'not done is not 0').not.toBe(0);
  });
});
