import { readFile, stat } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCliBench, type CliBench } from '../../../test/support/cli-fixture.ts';
import { startSmtpSink, type SmtpSink } from '../../../test/support/smtp-sink.ts';

const customers = [
  'customer_id,private_key,name,email,plan,language',
  'acme,pk_alpha0123456789abcdef,Acme,ada@acme.example,pro,en',
  'beta,pk_beta0123456789abcdef,=Beta,bo@beta.example,free,de',
  'coral,pk_gamma0123456789abcdef,Coral,,pro,en',
].join('\n');

let cli: CliBench;
let sink: SmtpSink;
beforeEach(async () => {
  sink = await startSmtpSink();
  cli = await openCliBench({ SMTP_URL: sink.url, MAIL_FROM: 'Acme Apps <hello@acme.example>' });
  await cli.write('customers.csv', customers);
  await cli.run('import', 'customers.csv');
});
afterEach(async () => {
  expect(cli.printed()).not.toMatch(/pk_[a-z0-9]{6}|session-secret/);
  await cli[Symbol.asyncDispose]();
  await sink[Symbol.asyncDispose]();
});

const linksIn = (text: string) => text.match(/\/connect\/[\w-]{43}/g) ?? [];
const addressees = () => sink.mails.map(({ to }) => to).toSorted();

describe('invite by mail', () => {
  it('writes to each customer once, in their language, and shows no link', async () => {
    const first = await cli.run('invite', '--mail');
    expect(first).toMatchObject({ code: 0 });
    expect(linksIn(first.stdout + first.stderr)).toEqual([]);
    expect(first.stdout).toContain('2 sent');
    expect(first.stderr).toContain('1 without an address');
    expect(addressees()).toEqual(['ada@acme.example', 'bo@beta.example']);
    expect(sink.mails.find(({ to }) => to.startsWith('bo'))?.source).toContain(
      'Content-Language: de',
    );
    await cli.run('invite', '--mail');
    await cli.run('outbox');
    expect(sink.mails).toHaveLength(2);
  });

  it('can queue for later, and the outbox command sends', async () => {
    const queued = await cli.run('invite', '--mail', '--no-send', '--json');
    expect(queued.json).toMatchObject([
      { mail: 'queued' },
      { mail: 'queued' },
      { mail: 'no_address' },
    ]);
    expect(sink.mails).toEqual([]);
    const shown = await cli.run('outbox', '--no-send', '--json');
    expect(shown.json).toEqual([{ run: null, totals: { waiting: 2 }, messages: [] }]);
    const sent = await cli.run('outbox', '--json');
    expect(sent.json).toMatchObject([{ run: { sent: 2 }, totals: { sent: 2 } }]);
    expect(sink.mails).toHaveLength(2);
  });

  it('is refused before anything is done where the webhook is not set up', async () => {
    const { code, stderr } = await cli.run('invite', '--webhook');
    expect(code).toBe(1);
    expect(stderr).toContain('WEBHOOK_URL and WEBHOOK_SECRET');
    expect((await cli.run('status', '--json')).json).toMatchObject([{ stages: { checked: 3 } }]);
  });
});

describe('waves and cohorts', () => {
  it('invite so many, go on where they were, and leave the others to the next', async () => {
    const invite = async (...args: string[]) =>
      (await cli.run('invite', '--print-links', '--json', ...args)).json as {
        customer_id: string;
        wave?: string;
      }[];
    const spring = ['--wave', 'spring', '--limit', '2'];
    expect((await invite(...spring)).map((each) => each.customer_id)).toEqual(['acme', 'beta']);
    expect((await invite(...spring)).map((each) => each.wave)).toEqual(['spring', 'spring']);
    expect((await invite('--wave', 'summer')).map((each) => each.customer_id)).toEqual(['coral']);
    expect(await cli.run('invite', '--print-links', '--limit', '5')).toMatchObject({ stdout: '' });
  });

  it('choose by label, and know when nobody has it', async () => {
    const { json } = await cli.run('invite', '--print-links', '--json', '--cohort', 'plan=pro');
    expect(json).toMatchObject([{ customer_id: 'acme' }, { customer_id: 'coral' }]);
    const typo = await cli.run('invite', '--print-links', '--cohort', 'plan=prro');
    expect(typo).toMatchObject({ code: 1, stdout: '' });
    expect(typo.stderr).toContain('No customer has plan=prro');
  });
});

describe('links', () => {
  it('are ended by --revoke, and replaced by --reissue', async () => {
    const link = async (...args: string[]) =>
      linksIn((await cli.run('invite', '--print-links', '--customer', 'acme', ...args)).stdout)[0];
    const first = await link();
    expect(await link('--reissue', '--yes')).not.toBe(first);
    expect((await cli.run('invite', '--revoke')).code).toBe(1);
    const revoked = await cli.run('invite', '--revoke', '--customer', 'acme', '--json', '--yes');
    expect(revoked.json).toEqual([{ revoked: 1, failures: [] }]);
    const { json } = await cli.run('status', '--customer', 'acme', '--json');
    expect(json).toMatchObject([{ connections: [{ stage: 'checked' }] }]);
    expect(await link()).not.toBe(first);
  });

  it('go into a file for its owner alone, with a way to unsubscribe', async () => {
    const { stdout } = await cli.run('invite', '--csv', 'links.csv');
    expect(stdout).toBe('');
    expect((await stat('links.csv')).mode & 0o777).toBe(0o600);
    const [header, ...rows] = (await readFile('links.csv', 'utf8')).trimEnd().split('\n');
    expect(header).toBe(
      'customer_id,name,email,language,account_id,link,unsubscribe_link,expires_at,wave',
    );
    expect(rows).toHaveLength(3);
    expect(rows[1]).toMatch(/^beta,'=Beta,bo@beta\.example,de,BBB222,http.*\/unsubscribe\//);
    const failed = await cli.run('invite', '--csv', 'nowhere/links.csv');
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toContain('nowhere/links.csv cannot be written');
  });
});

describe('a preview', () => {
  it('shows a mail of each kind and language, and sends nothing', async () => {
    const english = await cli.run('invite', '--preview');
    expect(english.stdout).toContain(
      'Subject: Please confirm your Klaviyo connection with Acme Apps',
    );
    const german = await cli.run('invite', '--preview', '--lang', 'de', '--kind', 'reminder');
    expect(german.stdout).toContain('Subject: Erinnerung:');
    await cli.run('invite', '--preview', 'mail.html');
    expect(await readFile('mail.html', 'utf8')).toContain('<html lang="en">');
    await cli.run('invite', '--preview', 'mail.eml', '--lang', 'de');
    expect(await readFile('mail.eml', 'utf8')).toContain('List-Unsubscribe');
    expect(sink.mails).toEqual([]);
    expect((await cli.run('status', '--json')).json).toMatchObject([{ stages: { checked: 3 } }]);
  });
});

describe('remind', () => {
  it('reminds who was told, saves its rules for the server, and ends them', async () => {
    await cli.run('invite', '--mail');
    const now = ['remind', '--after-days', '0', '--quiet-hours', 'none', '--json'];
    const dry = await cli.run(...now, '--dry-run');
    const due = expect.stringMatching(/^reminder 1 of 2 by email, 20/) as string;
    expect(dry.json).toMatchObject([
      {
        dry_run: true,
        changes: [
          { customer_id: 'acme', change: due },
          { customer_id: 'beta', change: due },
        ],
        skips: [{ customer_id: 'coral', code: 'not_told' }],
      },
    ]);
    expect(sink.mails).toHaveLength(2);
    const sent = await cli.run(...now, '--save');
    expect(sent.json).toMatchObject([{ queued: 2, saved: true, run: { sent: 2 } }]);
    expect(sink.mails.slice(2).map(({ source }) => /^Subject: (\S+)/m.exec(source)?.[1])).toEqual(
      expect.arrayContaining(['Reminder:']) as string[],
    );
    expect((await cli.run('remind', '--off')).stdout).toContain('no longer reminds');
  });

  it.each([
    ['--quiet-hours', '25-3'],
    ['--quiet-hours', 'x'],
    ['--time-zone', 'Berlin'],
    ['--cap', 'x'],
  ])('does not take %s %s', async (option, value) => {
    expect(await cli.run('remind', option, value)).toMatchObject({ code: 1, stdout: '' });
  });
});
