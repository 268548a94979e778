import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCliBench, type CliBench } from '../../test/support/cli-fixture.ts';

let cli: CliBench;
beforeEach(async () => void (cli = await openCliBench()));
afterEach(async () => {
  expect(cli.printed()).not.toMatch(/pk_[a-z0-9]{6}|secret-one|session-secret/);
  await cli[Symbol.asyncDispose]();
});

describe('a command that cannot be run', () => {
  it.each([['cutover'], ['rollback'], ['retire'], ['cutover', '--all', '--customer', 'acme']])(
    'needs to be told whom it is about: %s',
    async (...args) => {
      const { code, stdout, stderr } = await cli.run(...args);
      expect(code).toBe(1);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/^keyshift: .*Fix: .*--all.*--customer/);
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    },
  );

  it.each([['cutover'], ['rollback'], ['retire'], ['invite'], ['status']])(
    'names the customer that is not known: %s',
    async (command) => {
      const links = command === 'invite' ? ['--print-links'] : [];
      const { code, stderr } = await cli.run(command, ...links, '--customer', 'nobody');
      expect(code).toBe(1);
      expect(stderr).toMatch(/"nobody".*Fix: /);
    },
  );

  it.each([
    [['fly']],
    [['status', '--colour']],
    [['invite', '--days', '0']],
    [['invite', '--days', 'soon']],
    [['retire', '--all', '--quiet-days', '-1']],
    [['retire', '--all', '--min-success', '0x10']],
    [['status', '--limit', '-1']],
    [['status', '--limit', 'abc']],
    [['audit', 'list', '--limit', '10abc']],
    [['outbox', '--no-send', '--limit', '1e2']],
    [['check', '--concurrency', 'nonsense']],
    [['check', '--concurrency', '65']],
    [['import', '--concurrency', '0', 'customers.csv']],
    [['canary', '--all', '--percent', '1e1']],
    [['shadow', '--percent', '']],
    [['stray', '--days', '1e99']],
    [['remind', '--cap', '1.5']],
    [['demo', '--seed', 'x']],
  ])('is told by its name: %j', async (args) => {
    const { code, stderr } = await cli.run(...args);
    expect(code).toBe(1);
    expect(stderr).toContain('error:');
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('is told what is missing when nothing says what to import', async () => {
    const { code, stderr } = await cli.run('import');
    expect(code).toBe(1);
    expect(stderr).toContain(
      'Give one customer list: a file, or --from with --query. Fix: For example: `keyshift import',
    );
  });

  it('prints help for whoever asks', async () => {
    const { code, stdout } = await cli.run('--help');
    expect(code).toBe(0);
    for (const command of ['serve', 'import', 'invite', 'status', 'cutover', 'retire']) {
      expect(stdout).toContain(command);
    }
  });

  it.each([
    ['PORT', 'abc'],
    ['DATABASE_URL', 'mysql://localhost/x'],
    ['DATABASE_URL', 'sqlite:/dev/null/keyshift.db'],
  ])('says in one line which setting is wrong: %s=%s', async (name, value) => {
    await using other = await openCliBench({ [name]: value });
    const { code, stderr, stdout } = await other.run('status');
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^keyshift: .+ Fix: .+\n$/);
    expect(stderr).toContain(name);
  });
});
