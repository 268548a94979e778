import type { AuditChain } from './audit-chain.ts';
import type { Database } from './database.ts';
import type { AuditBreak, AuditVerdict } from '../model/audit.ts';
import type { AuditEventRow, AuditHeadRow } from './schema.ts';

const pageSize = 2_000;
const maxListed = 1_000;
/** How far from its place an entry is looked for. */
const maxShift = 16;

type HeadRow = Omit<AuditHeadRow, 'name'>;

/**
 * Walks along the log in pages and names every difference from what Keyshift wrote. Entries that
 * are appended meanwhile are part of the walk.
 */
export async function verifyAudit(
  database: Database,
  chain: AuditChain,
  onProgress: (entries: number) => void = () => undefined,
): Promise<AuditVerdict> {
  const walk = createWalk(chain);
  for (;;) {
    const { head, rows } = await readPage(database, walk.lastSeq);
    walk.start(head);
    for (const row of rows) walk.step(row);
    onProgress(walk.entries);
    if (rows.length === pageSize) continue;
    // This page and the head were read by one statement: behind its last row there is nothing.
    walk.end(head);
    const { breaks, breakCount, entries } = walk;
    return { entries, head: head && toHead(head), breaks, breakCount };
  }
}

interface Page {
  readonly head: HeadRow | undefined;
  readonly rows: readonly AuditEventRow[];
}

async function readPage(database: Database, afterSeq: number): Promise<Page> {
  const joined = await database.query((db) =>
    db
      .selectFrom('audit_events as e')
      .leftJoin('audit_head as h', (join) => join.onTrue())
      .selectAll('e')
      .select(['h.seq as head_seq', 'h.hash as head_hash'])
      .select(['h.began_at', 'h.earlier_events', 'h.seal'])
      .where('e.seq', '>', afterSeq)
      .orderBy('e.seq')
      .limit(pageSize),
  );
  const first = joined[0];
  if (first) {
    const head = { ...first, seq: first.head_seq, hash: first.head_hash };
    return { head: isHead(head) ? head : undefined, rows: joined };
  }
  const [ending] = await database.query((db) =>
    db
      .selectFrom('audit_head')
      .selectAll()
      .select((eb) =>
        eb
          .selectFrom('audit_events')
          .select((e) => e.fn.max('seq').as('seq'))
          .as('last_seq'),
      ),
  );
  // Entries that came between the two statements belong to this page.
  if (ending && (ending.last_seq ?? 0) > afterSeq) return readPage(database, afterSeq);
  return { head: ending, rows: [] };
}

function isHead(row: { [Column in keyof HeadRow]: HeadRow[Column] | null }): row is HeadRow {
  return row.seal !== null;
}

/** One walk along the log: told every row in order, and the head at the beginning and the end. */
function createWalk(chain: AuditChain) {
  const breaks: AuditBreak[] = [];
  let breakCount = 0;
  let entries = 0;
  /** The last row: the hash it shows, and whether that hash is its own. */
  let previous: { seq: number; hash: string | null; sound: boolean } | undefined;
  /** The last hash that Keyshift surely made. */
  let lastSoundHash: string | undefined;
  /** A row that does not fit, until the next one tells whether it replaced one or was added. */
  let odd: { readonly row: AuditEventRow; readonly before: string | undefined } | undefined;

  const report = (found: AuditBreak): void => {
    breakCount += 1;
    if (breaks.length < maxListed) breaks.push(found);
  };

  const settle = (next: AuditEventRow | undefined, head: HeadRow | undefined): void => {
    if (!odd) return;
    const { row, before } = odd;
    odd = undefined;
    const writtenAs = findPlace(chain, row);
    if (writtenAs !== undefined) {
      report({ kind: 'moved', seq: row.seq, writtenAs });
      return;
    }
    const added = next
      ? next.prev_hash !== null && next.prev_hash === before
      : head !== undefined && row.seq > head.seq;
    report({ kind: added ? 'inserted' : 'changed', seq: row.seq });
  };

  return {
    breaks,
    get breakCount() {
      return breakCount;
    },
    get entries() {
      return entries;
    },
    get lastSeq() {
      return previous?.seq ?? 0;
    },

    start(head: HeadRow | undefined): void {
      if (previous || !head) return;
      const hash = chain.genesis(head);
      previous = { seq: 0, hash, sound: true };
      lastSoundHash = hash;
    },

    step(row: AuditEventRow): void {
      entries += 1;
      settle(row, undefined);
      const sound = chain.proves(row);
      if (previous && row.prev_hash !== previous.hash) {
        const gap = row.seq - previous.seq > 1;
        if (gap) report({ kind: 'removed', seq: previous.seq + 1, lastSeq: row.seq - 1 });
        else if (sound && previous.sound) report({ kind: 'changed', seq: row.seq });
      }
      if (sound) lastSoundHash = row.hash ?? undefined;
      else odd = { row, before: lastSoundHash };
      previous = { seq: row.seq, hash: row.hash, sound };
    },

    end(head: HeadRow | undefined): void {
      settle(undefined, head);
      const seq = previous?.seq ?? 0;
      if (!head || head.seal !== chain.seal(head)) {
        report({ kind: 'head', seq });
        return;
      }
      if (head.seq > seq) report({ kind: 'truncated', seq: seq + 1, lastSeq: head.seq });
      // Sound entries behind the recorded end: an older end was put back.
      else if (previous?.sound && head.hash !== previous.hash) report({ kind: 'head', seq });
    },
  };
}

/** Where a row was written whose hash does not fit its place. */
function findPlace(chain: AuditChain, row: AuditEventRow): number | undefined {
  for (let shift = 1; shift <= maxShift; shift += 1) {
    for (const seq of [row.seq - shift, row.seq + shift]) {
      if (seq > 0 && chain.proves(row, seq)) return seq;
    }
  }
  return undefined;
}

function toHead({ seq, hash, began_at, earlier_events }: HeadRow) {
  return { seq, hash, beganAtMs: began_at, earlierEvents: earlier_events };
}
