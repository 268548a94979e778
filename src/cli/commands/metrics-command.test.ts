import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCliBench, type CliBench } from '../../../test/support/cli-fixture.ts';

const key = 'pk_alpha0123456789abcdef';

let cli: CliBench;
beforeEach(async () => {
  cli = await openCliBench();
  await cli.write(
    'customers.csv',
    `customer_id,private_key,name,plan\nacme,${key},=Acme,pro\nbeta,pk_beta0123456789abcdef,Beta,free\n`,
  );
  expect((await cli.run('import', 'customers.csv')).code).toBe(0);
});
afterEach(async () => {
  expect(cli.printed()).not.toMatch(/pk_[a-z0-9]{6}|secret-one|session-secret/);
  await cli[Symbol.asyncDispose]();
});

async function send(name: string): Promise<void> {
  const attributes = {
    properties: {},
    metric: { data: { type: 'metric', attributes: { name } } },
    profile: { data: { type: 'profile', attributes: { email: 'ann@example.com' } } },
  };
  const answer = await fetch(`${cli.sandbox.apiUrl}/api/events`, {
    method: 'POST',
    headers: {
      authorization: `Klaviyo-API-Key ${key}`,
      revision: '2026-07-15',
      'content-type': 'application/vnd.api+json',
    },
    body: JSON.stringify({ data: { type: 'event', attributes } }),
  });
  expect(answer.status).toBe(202);
}

describe('keyshift metrics', () => {
  it('takes a snapshot by the key, compares later, and writes a CSV that is no formula', async () => {
    await send('=Placed Order');
    const taken = await cli.run('metrics', 'snapshot', '--customer', 'acme', '--json');
    expect(taken.code).toBe(0);
    expect(taken.json).toMatchObject([
      {
        snapshots: [
          { customer_id: 'acme', account_id: 'AAA111', metrics: expect.any(Array) as [] },
        ],
      },
    ]);
    const flags = ['--customer', 'acme', '--csv', 'metrics.csv'];
    const { code, stdout } = await cli.run('metrics', 'compare', ...flags);
    expect(code).toBe(0);
    expect(stdout).toContain('1 compared, 1 continuous; 0 at other stages\n');
    const [header, line] = (await readFile('metrics.csv', 'utf8')).split('\r\n');
    expect(header).toMatch(/^customer_id,account_id,customer_verdict,metric,/);
    expect(line).toMatch(/^acme,AAA111,continuous,'=Placed Order,continuous,/);
  });

  it('says what is missing where there is no snapshot', async () => {
    const { code, stderr } = await cli.run('metrics', 'compare', '--customer', 'acme');
    expect(code).toBe(1);
    expect(stderr).toContain('Fix: Run `keyshift metrics snapshot` before the cutover.');
  });

  it('lints the names of a file alone, and together with those of accounts', async () => {
    await send('Placed Order');
    await cli.run('metrics', 'snapshot', '--customer', 'acme');
    await cli.write('names.txt', 'placed order\r\nViewed Product\r\n');
    expect(await cli.run('metrics', 'lint', '--names', 'names.txt')).toMatchObject({
      code: 0,
      stdout: 'No names differ only in case or spacing\n',
    });
    const both = await cli.run('metrics', 'lint', '--names', 'names.txt', '--all', '--json');
    expect(both.code).toBe(2);
    expect(both.json).toEqual([
      {
        names: 2,
        findings: [
          {
            customer_id: 'acme',
            names: ['Placed Order', 'placed order'],
            difference: 'case',
          },
        ],
      },
    ]);
    await cli.write('broken.json', '["Placed Order", 7]');
    expect((await cli.run('metrics', 'lint', '--names', 'broken.json')).code).toBe(1);
    expect((await cli.run('metrics', 'lint', '--names', 'nowhere.txt')).stderr).toContain('ENOENT');
    expect((await cli.run('metrics', 'lint')).stderr).toContain('Choose exactly one of');
  });
});

describe('a cohort', () => {
  it('is moved, verified and watched by its label', async () => {
    await cli.consent('acme', 'AAA111');
    await cli.consent('beta', 'BBB222');
    const canary = ['canary', '--cohort', 'plan=pro', '--percent', '25'];
    expect((await cli.run(...canary)).stdout).toContain(
      '1 connection now sends 25 % of its calls over OAuth; 0 failed',
    );
    const { json } = await cli.run('verify', '--cohort', 'plan=pro', '--json');
    expect(json).toMatchObject([{ results: [{ customer_id: 'acme', stage: 'canary' }] }]);
    expect((await cli.run('watch', '--once', '--json')).json).toEqual([
      { watched: 1, held: [], verified: 0, waiting: 0, failing_together: 0 },
    ]);
    expect((await cli.run('rollback', '--cohort', 'plan=pro')).stdout).toContain('1 rolled back');
    expect((await cli.run('canary', '--all', '--percent', '0')).code).toBe(1);
    expect((await cli.run('cutover', '--cohort', 'plan')).code).toBe(1);
    expect((await cli.run('cutover', '--cohort', 'plan=pro', '--all')).code).toBe(1);
  });
});
