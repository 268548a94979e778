import type { NewMessage, OutboxEntry } from '../model/message.ts';
import type { OutboxRow } from './schema.ts';

/** A row as its record. */
export function toOutboxEntry(row: OutboxRow): OutboxEntry {
  return {
    id: row.id,
    connectionId: row.connection_id,
    invitationId: row.invitation_id,
    kind: row.kind,
    channel: row.channel,
    recipient: row.recipient ?? undefined,
    state: row.state,
    attempts: row.attempts,
    dueAtMs: row.due_at,
    createdAtMs: row.created_at,
    endedAtMs: row.ended_at ?? undefined,
    leaseOwner: row.lease_owner ?? undefined,
    leaseExpiresAtMs: row.lease_expires_at ?? undefined,
    detail: row.detail ?? undefined,
  };
}

/** The columns that a new message is stored with. */
export function toOutboxColumns(message: NewMessage) {
  const state = message.state ?? 'waiting';
  return {
    id: message.id,
    once_key: message.onceKey,
    connection_id: message.connectionId,
    invitation_id: message.invitationId,
    kind: message.kind,
    channel: message.channel,
    recipient: message.recipient ?? null,
    state,
    due_at: message.dueAtMs,
    created_at: message.createdAtMs,
    ended_at: state === 'sent' ? message.createdAtMs : null,
  };
}
