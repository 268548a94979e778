import { describe, expect, it } from 'vitest';
import { openTestBench } from '../../../test/support/workbench-fixture.ts';
import { Secret } from '../../runtime/secret.ts';
import { stages } from '../../model/stages.ts';
import { deriveInvitationToken, hashToken } from './invitation-token.ts';
import { whyNotInvited } from '../../model/connection.ts';
import { hasConsented, stagesWhere } from '../../model/stages.ts';
import { createInvitations } from './invitations.ts';

const dayMs = 86_400_000;
const account = { accountId: 'AAA111' };

/** A bench with one customer whose key is checked. */
async function open() {
  const bench = await openTestBench();
  await bench.add('acme', { stage: 'checked', ...account });
  const issue = async () => bench.invitations.issue(await bench.read('acme'), 30 * dayMs, 'cli');
  return { ...bench, issue };
}

describe('an invitation', () => {
  it.each(['imported', ...stagesWhere(hasConsented)] as const)(
    'is not issued at stage %s',
    async (stage) => {
      await using bench = await openTestBench();
      const connection = await bench.add('acme', { stage: stage as 'imported', ...account });
      await expect(bench.invitations.issue(connection, dayMs, 'cli')).rejects.toMatchObject({
        code: 'stage_conflict',
        message: expect.stringContaining('acme') as string,
      });
      expect(await bench.store.invitations.listByConnection(connection.id)).toEqual([]);
      expect(await bench.read('acme')).toEqual(connection);
    },
  );

  it('says for every stage but three why it is not issued', () => {
    const at = (stage: (typeof stages)[number]) =>
      whyNotInvited({ stage, ...account } as Parameters<typeof whyNotInvited>[0]);
    const invitable = stages.filter((stage) => at(stage) === undefined);
    expect(invitable).toEqual(['checked', 'invited', 'opened', 'attention']);
  });

  it.each(['consent_denied', 'invitation_expired', 'grant_lost', 'scope_missing'] as const)(
    'is issued to whoever needs one because of %s',
    async (attentionReason) => {
      await using bench = await openTestBench();
      const fields = { stage: 'attention', attentionReason, attentionFrom: 'opened' } as const;
      const connection = await bench.add('acme', { ...fields, ...account });
      const { fresh } = await bench.invitations.issue(connection, dayMs, 'cli');
      expect(fresh).toBe(true);
      expect(await bench.read('acme')).toMatchObject({
        stage: 'invited',
        attentionReason: undefined,
      });
    },
  );

  it.each([
    ['its key is refused', { attentionReason: 'key_invalid', ...account }],
    ['its account is unknown', { attentionReason: 'scope_missing' }],
  ] as const)('is not issued while %s', async (_why, fields) => {
    await using bench = await openTestBench();
    const connection = await bench.add('acme', { stage: 'attention', ...fields });
    await expect(bench.invitations.issue(connection, dayMs, 'cli')).rejects.toMatchObject({
      code: 'stage_conflict',
    });
  });

  it('moves the connection on, with a line in the audit log', async () => {
    await using bench = await open();
    const { connection, invitation, fresh } = await bench.issue();
    expect(fresh).toBe(true);
    expect(connection).toEqual(await bench.read('acme'));
    expect(connection.stage).toBe('invited');
    expect(invitation.expiresAtMs).toBe(bench.clock.now() + 30 * dayMs);
    expect(await bench.auditOf('acme')).toEqual(['checked → invited, cli']);
  });

  it('is answered again while it is open, with the same link', async () => {
    await using bench = await open();
    const first = await bench.issue();
    await bench.clock.advance(29 * dayMs);
    const second = await bench.issue();
    expect(second).toMatchObject({ fresh: false, invitation: { id: first.invitation.id } });
    expect(second.token.reveal()).toBe(first.token.reveal());
    expect(await bench.auditOf('acme')).toHaveLength(1);
  });

  it('is a new one once the old one has expired, was used or was withdrawn', async () => {
    await using bench = await open();
    const ids: string[] = [];
    for (const end of [
      () => bench.clock.advance(30 * dayMs),
      async () => bench.store.invitations.revoke(ids.at(-1) ?? '', bench.clock.now()),
      async () => bench.store.invitations.consumeByConnection('connection-acme', bench.clock.now()),
    ]) {
      ids.push((await bench.issue()).invitation.id);
      await end();
    }
    ids.push((await bench.issue()).invitation.id);
    expect(new Set(ids).size).toBe(4);
  });

  it('is stored as a hash that its link cannot be made from', async () => {
    await using bench = await open();
    const { token, invitation } = await bench.issue();
    expect(token.reveal()).toMatch(/^[\w-]{43}$/);
    expect(invitation.tokenHash).toBe(hashToken(token));
    expect(JSON.stringify(invitation)).not.toContain(token.reveal());
  });
});

describe('after a change of SESSION_SECRET', () => {
  it('old links work on, and a new one is shown in place of what cannot be shown', async () => {
    await using bench = await open();
    const old = await bench.issue();
    const sessionSecret = new Secret('session_secret', 'another-session-secret-0123456789');
    const invitations = createInvitations({ ...bench, sessionSecret });
    const renewed = await invitations.issue(await bench.read('acme'), dayMs, 'cli');
    expect(renewed.fresh).toBe(true);
    expect(renewed.token.reveal()).not.toBe(old.token.reveal());
    for (const { token } of [old, renewed]) {
      await expect(invitations.find(token.reveal())).resolves.toMatchObject({
        connection: { customerId: 'acme' },
      });
    }
  });
});

describe('a link', () => {
  it.each(['', 'x', 'a'.repeat(43), '../../etc/passwd', '%00', 'é'.repeat(43)])(
    'that nobody was given is not valid: %j',
    async (token) => {
      await using bench = await open();
      await bench.issue();
      await expect(bench.invitations.find(token)).rejects.toMatchObject({
        code: 'invitation_invalid',
      });
    },
  );

  it('cannot be made from the id of an invitation without the secret', async () => {
    await using bench = await open();
    const { invitation } = await bench.issue();
    for (const guess of [invitation.id, invitation.tokenHash, hashToken(invitation.id)]) {
      await expect(bench.invitations.find(guess)).rejects.toThrow('No invitation');
    }
    const other = new Secret('session_secret', 'a-guess-at-the-secret-0123456789');
    const forged = deriveInvitationToken(other, invitation.id).reveal();
    await expect(bench.invitations.find(forged)).rejects.toThrow('No invitation');
  });

  it('that was made before keys had purposes opens, and is shown again as it was sent', async () => {
    await using bench = await open();
    const { store, sessionSecret, clock, invitations } = bench;
    const connection = await bench.read('acme');
    const id = 'invitation-of-before';
    const token = deriveInvitationToken(sessionSecret, id, 'earlier');
    await store.invitations.insert({
      id,
      connectionId: connection.id,
      tokenHash: hashToken(token),
      createdAtMs: clock.now(),
      expiresAtMs: clock.now() + dayMs,
      openedAtMs: undefined,
      consumedAtMs: undefined,
      revokedAtMs: undefined,
    });
    await expect(invitations.find(token.reveal())).resolves.toMatchObject({ invitation: { id } });
    expect((await invitations.findOpen(connection))?.token.equals(token)).toBe(true);
    const issued = await bench.issue();
    expect(issued.fresh).toBe(false);
    expect(issued.token.equals(token)).toBe(true);
  });

  it('that is new is not made under the session secret itself', async () => {
    await using bench = await open();
    const { invitation, token } = await bench.issue();
    const earlier = deriveInvitationToken(bench.sessionSecret, invitation.id, 'earlier');
    expect(token.equals(earlier)).toBe(false);
    await expect(bench.invitations.find(earlier.reveal())).rejects.toThrow('No invitation');
  });

  it('ends with its last day', async () => {
    await using bench = await open();
    const token = (await bench.issue()).token.reveal();
    await bench.clock.advance(30 * dayMs - 1);
    await expect(bench.invitations.find(token)).resolves.toBeDefined();
    await bench.clock.advance(1);
    await expect(bench.invitations.find(token)).rejects.toMatchObject({
      code: 'invitation_expired',
    });
  });

  it('ends when it is withdrawn, and is still known when its customer has connected', async () => {
    await using bench = await open();
    const first = await bench.issue();
    await bench.store.invitations.revoke(first.invitation.id, bench.clock.now());
    await expect(bench.invitations.find(first.token.reveal())).rejects.toMatchObject({
      code: 'invitation_revoked',
    });
    const second = await bench.issue();
    await bench.store.invitations.consumeByConnection('connection-acme', bench.clock.now());
    await bench.clock.advance(60 * dayMs);
    await expect(bench.invitations.find(second.token.reveal())).resolves.toMatchObject({
      invitation: { id: second.invitation.id },
    });
  });

  it('may be opened as often as anyone likes; the first time counts', async () => {
    await using bench = await open();
    const token = (await bench.issue()).token.reveal();
    const openedAtMs = bench.clock.now();
    for (let click = 0; click < 3; click += 1) {
      await bench.invitations.open(await bench.invitations.find(token));
      await bench.clock.advance(dayMs);
    }
    expect(await bench.invitations.find(token)).toMatchObject({
      invitation: { openedAtMs, consumedAtMs: undefined },
      connection: { stage: 'opened' },
    });
    expect(await bench.auditOf('acme')).toEqual([
      'checked → invited, cli',
      'invited → opened, customer',
    ]);
  });

  it('may be opened in two tabs at the same moment', async () => {
    await using bench = await open();
    const token = (await bench.issue()).token.reveal();
    const found = await bench.invitations.find(token);
    await Promise.all([bench.invitations.open(found), bench.invitations.open(found)]);
    expect(await bench.auditOf('acme')).toHaveLength(2);
  });
});
