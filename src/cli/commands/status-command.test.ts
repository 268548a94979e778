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

describe('status', () => {
  it('says what to begin with when there is nothing', async () => {
    expect(await cli.run('status')).toMatchObject({
      code: 0,
      stdout: 'No connections yet. Start with: keyshift import customers.csv\n',
    });
    expect((await cli.run('status', '--json')).json).toEqual([
      { total: 0, stages: {}, connections: [], unclaimed_installs: [] },
    ]);
  });

  it('shows a table, the counts, and how much it left out', async () => {
    await cli.write('customers.csv', `${header}${acme}${beta}gone,pk_unknown0123456789,Gone\n`);
    await cli.run('import', 'customers.csv');
    const { stdout } = await cli.run('status');
    expect(stdout.split('\n')).toEqual([
      'CUSTOMER  ACCOUNT  NAME          STAGE                   ROUTE',
      'acme      AAA111   Alpha & Sons  checked                 key',
      'beta      BBB222   Beta          checked                 key',
      'gone      –        Gone          attention: key_invalid  key',
      '',
      '3 connections: 2 checked, 1 attention',
      '',
    ]);
    const one = await cli.run('status', '--limit', '1');
    expect(one.stderr).toContain('2 more');
    const named = await cli.run('status', '--customer', 'beta');
    expect(named.stdout).toMatch(/^CUSTOMER.*\nbeta .*\n\n/);
  });

  it('prints one JSON object with every connection', async () => {
    await cli.write('customers.csv', `${header}${acme}gone,pk_unknown0123456789,Gone\n`);
    await cli.run('import', 'customers.csv');
    expect((await cli.run('status', '--json', '--limit', '1')).json).toEqual([
      {
        unclaimed_installs: [],
        total: 2,
        stages: { checked: 1, attention: 1 },
        connections: [
          {
            customer_id: 'acme',
            name: 'Acme',
            email: null,
            account_id: 'AAA111',
            account_name: 'Alpha & Sons',
            stage: 'checked',
            reason: null,
            route: 'key',
            updated_at: expect.stringMatching(/Z$/) as string,
          },
          expect.objectContaining({ customer_id: 'gone', reason: 'key_invalid', account_id: null }),
        ],
      },
    ]);
  });
});
