import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCliBench, type CliBench } from '../../../test/support/cli-fixture.ts';

const evil = '<script>alert(1)</script>|`x`';

let cli: CliBench;
let link: string;
beforeEach(async () => {
  cli = await openCliBench();
  await cli.write(
    'customers.csv',
    `customer_id,private_key,name\nacme,pk_alpha0123456789abcdef,${evil}\nbeta,pk_beta0123456789abcdef,Beta\ngone,pk_unknown0123456789,Gone\n`,
  );
  await cli.run('import', 'customers.csv');
  const { json } = await cli.run('invite', '--print-links', '--json');
  link = (json[0] as { link: string }).link;
  await cli.consent('acme', 'AAA111');
});
afterEach(() => cli[Symbol.asyncDispose]());

const expectNoSecret = (text: string) => {
  expect(text).not.toMatch(/pk_[a-z0-9]{6}|secret-one|session-secret|\/connect\//);
  expect(text).not.toContain(link.split('/').at(-1));
};

describe('report', () => {
  it('shows the funnel, who has not answered, failures and a forecast', async () => {
    const { code, stdout } = await cli.run('report', '--deadline', '2099-01-31');
    expect(code).toBe(0);
    expect(stdout).toMatch(/imported +3 +100 %/);
    expect(stdout).toMatch(/authorized +1 +33 %/);
    expect(stdout).toMatch(/sum +3/);
    expect(stdout).toMatch(/key_invalid +1/);
    expect(stdout).toMatch(/Not responded: 1\n.*\n +beta +Beta/);
    expect(stdout).toMatch(/deadline +2099-01-31, in \d+ days: within reach/);
    expectNoSecret(stdout);
  });

  it('prints one JSON object whose stages add up to the customers', async () => {
    const { json, stdout } = await cli.run('report', '--format', 'json');
    expect(json).toHaveLength(1);
    const report = json[0] as { customers: number; now: Record<string, number> };
    expect(Object.values(report.now).reduce((sum, count) => sum + count, 0)).toBe(report.customers);
    expect(report).toMatchObject({
      customers: 3,
      at: expect.stringMatching(/Z$/) as string,
      funnel: { imported: 3, invited: 2, authorized: 1 },
      failures: [{ reason: 'key_invalid', count: 1 }],
      unanswered: { count: 1, longest: [{ customer_id: 'beta', reminders: 0 }] },
    });
    expect((await cli.run('report', '--json')).json).toHaveLength(1);
    expectNoSecret(stdout);
  });

  it('writes Markdown in which names stay text', async () => {
    const { stdout } = await cli.run('report', '--customer', 'acme', '--format', 'markdown');
    expect(stdout).toMatch(/^# Evidence for acme\n/);
    expect(stdout).toContain('\\<script\\>alert(1)\\</script\\>\\|\\`x\\`');
    expect(stdout).toMatch(/\| --: \| --- \|/);
    expectNoSecret(stdout);
  });

  it('writes one HTML page without script, under a policy that its own style passes', async () => {
    const written = await cli.run('report', '--format', 'html', '--out', 'report.html');
    expect(written).toMatchObject({ code: 0, stdout: '', stderr: 'written to report.html\n' });
    const html = await readFile('report.html', 'utf8');
    expect(html).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(html).toMatch(
      /Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-/,
    );
    expect(html).not.toMatch(/<script|<link|<img|\sstyle=|\son\w+=|https?:\/\//);
    expectNoSecret(html);
    const evidence = await cli.run('report', '--customer', 'acme', '--format', 'html');
    expect(evidence.stdout).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(evidence.stdout).not.toContain('<script');
  });

  it('collects the evidence for one customer, with hashes and who did what', async () => {
    const { stdout, json } = await cli.run('report', '--customer', 'acme', '--json');
    expect(json).toEqual([
      expect.objectContaining({
        connection: expect.objectContaining({ customer_id: 'acme', stage: 'verified' }) as object,
        chain: { intact: true, head: expect.objectContaining({ earlier_events: 0 }) as object },
        traffic: { key: expect.any(Object) as object, oauth: expect.any(Object) as object },
      }),
    ]);
    const { audit, invitations } = json[0] as {
      audit: { to_stage: string; actor: string; hash: string }[];
      invitations: object[];
    };
    expect(audit.map(({ to_stage: stage, actor }) => `${actor} ${stage}`)).toEqual([
      ...['cli imported', 'cli checked', 'cli invited', 'customer authorized', 'system verified'],
    ]);
    for (const { hash } of audit) expect(hash).toMatch(/^[\w-]{43}$/);
    expect(JSON.stringify(invitations)).not.toContain('token');
    expectNoSecret(stdout);
  });

  it('refuses an unknown customer, an odd day and a folder that is not there', async () => {
    expect(await cli.run('report', '--customer', 'nobody')).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining('There is no customer nobody') as string },
    });
    expect((await cli.run('report', '--deadline', '2027-02-31')).stderr).toContain('2027-01-31');
    expect((await cli.run('report', '--out', 'no/such/file')).stderr).toContain(
      'cannot be written',
    );
  });
});
