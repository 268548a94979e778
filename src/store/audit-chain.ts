import { randomToken, type Random } from '../runtime/random.ts';
import type { BlindIndex } from '../vault/blind-index.ts';
import type { AuditEventRow } from './schema.ts';

/** The fields that may be about a person, each with the column that holds its proof. */
const personal = {
  actor: 'actor_proof',
  connection_id: 'connection_proof',
  reason: 'reason_proof',
} as const satisfies Partial<Record<keyof AuditEventRow, keyof AuditEventRow>>;

type PersonalField = keyof typeof personal;

const personalFields = Object.keys(personal) as PersonalField[];

/** What is written of an event, without what proves it. */
export type AuditContent = Omit<
  AuditEventRow,
  'prev_hash' | 'hash' | (typeof personal)[PersonalField]
>;

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
 *
 * A link covers a salted digest of each personal field, not the field. The salt lies beside the
 * field as its proof; when the field is erased, the digest takes the place of both, and the link
 * still holds. Entries of the first form, which have no proof of their actor, are linked by the
 * fields themselves.
 */
export interface AuditChain {
  /** What the first event links to. */
  genesis(beginning: ChainBeginning): string;
  /** The row of an event behind the row whose hash is `previous`. */
  link(previous: string, content: AuditContent): AuditEventRow & { readonly hash: string };
  /** Whether the row is what was written at this place, or what is left of it. */
  proves(row: AuditEventRow, seq?: number): boolean;
  /** The row without what tells whom it is about. */
  erase(row: AuditEventRow): AuditEventRow;
  /** Proves that the end of the chain was recorded by Keyshift. */
  seal(end: ChainEnd): string;
}

const salted = 'salt:';
const digested = 'digest:';

/** Creates the links over the blind index of a database. */
export function createAuditChain(blindIndex: BlindIndex, random: Random): AuditChain {
  const hash = (parts: readonly unknown[]): string =>
    blindIndex.index(JSON.stringify(parts), 'audit_chain');

  /** Null where there never was a value; undefined where the proof is not that of the value. */
  const digestOf = (field: PersonalField, row: AuditEventRow): string | null | undefined => {
    const { [field]: value, [personal[field]]: proof } = row;
    if (proof === null) return value === null ? null : undefined;
    if (value === null) return proof.startsWith(digested) ? proof : undefined;
    return proof.startsWith(salted)
      ? `${digested}${hash(['field', field, proof, value])}`
      : undefined;
  };

  const hashOf = (row: AuditEventRow, digests: readonly (string | null)[]): string => {
    const { prev_hash, seq, at, action, from_stage, to_stage } = row;
    return hash(['entry', prev_hash, seq, at, action, from_stage, to_stage, ...digests]);
  };

  const firstHashOf = (row: AuditEventRow): string =>
    hash([
      row.prev_hash ?? '',
      row.seq,
      row.at,
      row.actor,
      row.action,
      row.connection_id,
      row.from_stage,
      row.to_stage,
      row.reason,
    ]);

  /** Stands for the fields of an entry of the first form, whose hash can no longer be computed. */
  const vouchFor = ({
    prev_hash,
    seq,
    at,
    actor,
    action,
    from_stage,
    to_stage,
    ...row
  }: AuditEventRow) =>
    `${digested}${hash(['erased', prev_hash, row.hash, seq, at, actor, action, from_stage, to_stage])}`;

  const isOfFirstForm = (row: AuditEventRow): boolean => row.actor_proof === null;

  const proves = (found: AuditEventRow, seq = found.seq): boolean => {
    const row = { ...found, seq };
    if (row.hash === null) return false;
    if (!isOfFirstForm(row)) {
      const digests = personalFields.map((field) => digestOf(field, row));
      return digests.every((digest) => digest !== undefined) && row.hash === hashOf(row, digests);
    }
    if (row.connection_proof === null) return row.hash === firstHashOf(row);
    const erased = row.connection_id === null && row.reason === null && row.reason_proof === null;
    return erased && row.connection_proof === vouchFor(row);
  };

  return {
    genesis: ({ began_at, earlier_events }) => hash(['genesis', began_at, earlier_events]),
    link(previous, content) {
      const salt = (value: string | null) =>
        value === null ? null : `${salted}${randomToken(random, 16)}`;
      const row = {
        ...content,
        actor_proof: salt(content.actor),
        connection_proof: salt(content.connection_id),
        reason_proof: salt(content.reason),
        prev_hash: previous,
        hash: null,
      };
      const digests = personalFields.map((field) => digestOf(field, row) ?? null);
      return { ...row, hash: hashOf(row, digests) };
    },
    proves,
    erase(row) {
      const erased = { ...row, connection_id: null, reason: null };
      if (isOfFirstForm(row)) {
        // What was changed before it was erased is not vouched for.
        return { ...erased, connection_proof: proves(row) ? vouchFor(row) : digested };
      }
      return {
        ...erased,
        connection_proof: digestOf('connection_id', row) ?? digested,
        reason_proof:
          row.reason === null ? row.reason_proof : (digestOf('reason', row) ?? digested),
      };
    },
    seal: (end) => hash(['head', end.seq, end.hash, end.began_at, end.earlier_events]),
  };
}
