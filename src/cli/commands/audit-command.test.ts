import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCliBench, type CliBench } from '../../../test/support/cli-fixture.ts';
import { executeRaw } from '../../../test/support/raw-database.ts';

let cli: CliBench;
beforeEach(async () => {
  cli = await openCliBench();
  await cli.write(
    'customers.csv',
    'customer_id,private_key\nacme,pk_alpha0123456789abcdef\nbeta,pk_beta0123456789abcdef\n',
  );
  await cli.run('import', 'customers.csv');
});
afterEach(async () => {
  expect(cli.printed()).not.toMatch(/pk_[a-z0-9]{6}|secret-one|session-secret/);
  await cli[Symbol.asyncDispose]();
});

const disarm = async () => {
  await executeRaw('sqlite:keyshift.db', 'drop trigger audit_events_refuse_update');
  await executeRaw('sqlite:keyshift.db', 'drop trigger audit_events_refuse_delete');
};
const tamper = (statement: string) => executeRaw('sqlite:keyshift.db', statement);

describe('audit verify', () => {
  it('says that an untouched log is intact, and prints its head', async () => {
    const { code, stdout } = await cli.run('audit', 'verify');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^The audit log is intact: 4 entries\.\nhead 4:[\w-]{43}\n$/);
    expect((await cli.run('audit', 'verify', '--json')).json).toEqual([
      expect.objectContaining({ intact: true, entries: 4, break_count: 0, breaks: [] }),
    ]);
  });

  it('names what was changed and removed, with exit code 2', async () => {
    await disarm();
    await tamper("update audit_events set actor = 'nobody' where seq = 1");
    await tamper('delete from audit_events where seq = 3');
    const { code, stdout } = await cli.run('audit', 'verify');
    expect(code).toBe(2);
    expect(stdout).toBe(
      'entry 1 was changed\nentry 3 was removed\nThe audit log is not what Keyshift wrote (3 entries read).\n',
    );
    const { json } = await cli.run('audit', 'verify', '--json');
    expect(json).toEqual([
      expect.objectContaining({
        intact: false,
        breaks: [
          { kind: 'changed', seq: 1, description: 'entry 1 was changed' },
          { kind: 'removed', seq: 3, lastSeq: 3, description: 'entry 3 was removed' },
        ],
      }),
    ]);
  });

  it('notices by an earlier head that the whole log was set back', async () => {
    const before = await tamper('select * from audit_head');
    await cli.run('invite', '--print-links', '--customer', 'acme');
    const head = /head (\S+)/.exec((await cli.run('audit', 'verify')).stdout)?.[1] ?? '';
    expect(await cli.run('audit', 'verify', '--head', head)).toMatchObject({ code: 0 });

    await disarm();
    const { seq, hash, seal } = before[0] ?? {};
    await tamper(`delete from audit_events where seq > ${String(seq)}`);
    await tamper(
      `update audit_head set seq = ${String(seq)}, hash = '${String(hash)}', seal = '${String(seal)}'`,
    );
    expect(await cli.run('audit', 'verify')).toMatchObject({ code: 0 });
    const { code, stdout } = await cli.run('audit', 'verify', '--head', head);
    expect(code).toBe(2);
    expect(stdout).toContain('does not contain entry 5');
  });

  it('refuses a head that is none', async () => {
    const { code, stderr } = await cli.run('audit', 'verify', '--head', 'latest');
    expect(code).toBe(1);
    expect(stderr).toContain('seq:hash');
  });
});

describe('audit list', () => {
  it('shows the newest entries first, and how to see more', async () => {
    const { stdout, stderr } = await cli.run('audit', 'list', '--limit', '2');
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^SEQ +TIME +CUSTOMER +ACTOR +WHAT +REASON$/);
    expect(lines[1]).toMatch(/^4 .* imported → checked/);
    expect(stderr).toContain('There are more');
  });

  it('shows one customer’s alone, oldest first', async () => {
    const { stdout } = await cli.run('audit', 'list', '--customer', 'acme');
    expect(stdout.match(/acme/g)).toHaveLength(2);
    expect(stdout).not.toContain('beta');
    expect(stdout.indexOf('imported  ')).toBeLessThan(stdout.indexOf('imported → checked'));
    expect(await cli.run('audit', 'list', '--customer', 'nobody')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Customer "nobody" has no connection') as string,
    });
  });

  it('prints every entry with its links, one JSON object a line', async () => {
    const { json } = await cli.run('audit', 'list', '--json');
    expect(json).toHaveLength(4);
    expect(json[1]).toMatchObject({ seq: 2, previous_hash: (json[0] as { hash: string }).hash });
  });
});
