import type { BlindIndex } from '../vault/blind-index.ts';
import type { AuditEventRow } from './schema.ts';

/** The content of a row: everything but its links, in the order it is hashed. */
export type AuditContent = Omit<AuditEventRow, 'prev_hash' | 'hash'>;

/** When the chain began, and how many events it took over as it found them. */
export interface ChainBeginning {
  readonly began_at: number;
  readonly earlier_events: number;
}

/** The recorded end of the chain. */
export interface ChainEnd extends ChainBeginning {
  readonly seq: number;
  readonly hash: string;
}

/**
 * Computes the links of the audit log. Each is an HMAC under the blind index key, which lies
 * sealed in the database: whoever can write the database alone cannot compute one.
 */
export interface AuditChain {
  /** What the first event links to. */
  genesis(beginning: ChainBeginning): string;
  /** The hash of an event behind the event whose hash is `previous`. */
  link(previous: string, content: AuditContent): string;
  /** Proves that the end of the chain was recorded by Keyshift. */
  seal(end: ChainEnd): string;
}

/** Creates the links over the blind index of a database. */
export function createAuditChain(blindIndex: BlindIndex): AuditChain {
  return {
    genesis: (beginning) =>
      blindIndex.index(
        JSON.stringify(['genesis', beginning.began_at, beginning.earlier_events]),
        'audit_chain',
      ),
    link: (previous, content) =>
      blindIndex.index(
        JSON.stringify([
          previous,
          content.seq,
          content.at,
          content.actor,
          content.action,
          content.connection_id,
          content.from_stage,
          content.to_stage,
          content.reason,
        ]),
        'audit_chain',
      ),
    seal: (end) =>
      blindIndex.index(
        JSON.stringify(['head', end.seq, end.hash, end.began_at, end.earlier_events]),
        'audit_chain',
      ),
  };
}
