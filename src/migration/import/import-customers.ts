import { createHmac } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { isKeyshiftError } from '../../errors/keyshift-error.ts';
import {
  keyMayBeReplaced,
  newConnection,
  type Connection,
  type ConnectionDetails,
} from '../../model/connection.ts';
import type { PrivateKey } from '../../klaviyo/private-key.ts';
import type { Labels } from '../../model/labels.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { Store } from '../../store/store.ts';
import type { CustomerRow, CustomerRows, InvalidRow } from './customer-row.ts';
import type { StageMachine } from '../stage-machine.ts';

/** What became of one row; in a dry run, what would become of it. */
export type RowVerdict = 'imported' | 'updated' | 'unchanged' | 'duplicate' | 'rejected';

/** A line of the report that a person should look at. */
export interface ImportIssue {
  readonly line: number;
  readonly customerId?: string | undefined;
  /** `error`: the row was left out; `warning`: it was taken. */
  readonly severity: 'error' | 'warning';
  readonly code: string;
  readonly message: string;
}

/** What an import did. Verdicts add up to `rows`. */
export interface ImportReport {
  readonly rows: number;
  readonly verdicts: Readonly<Record<RowVerdict, number>>;
  /** False when it was ended early. */
  readonly complete: boolean;
}

/** So many customers who share a key are named; more are not looked for. */
export const namedSharers = 5;

/** What a plan is carried out with. */
interface WriteOptions {
  readonly machine: StageMachine;
  readonly clock: Clock;
  readonly random: Random;
  readonly actor: string;
}

/** What {@link importCustomers} works with. */
export interface ImportOptions extends WriteOptions {
  readonly store: Store;
  /** Says what would happen, and writes nothing. */
  readonly dryRun?: boolean;
  /** Told about every row that a person should look at, in order. */
  readonly onIssue?: (issue: ImportIssue) => void;
  /** Called after every batch with the rows read so far. */
  readonly onProgress?: (rows: number) => void;
  /** Told about every row that is taken or would be, after its batch. */
  readonly onTaken?: (row: CustomerRow) => void | Promise<void>;
  /** Ends the import after the batch under way; what was written stays, and it can be run again. */
  readonly signal?: AbortSignal;
  /** Where rows that were seen are remembered; one of its own by default. */
  readonly scratch?: ImportScratch;
}

/** A transaction is synced to the disk once: fewer of them are faster, and hold the lock longer. */
const batchSize = 500;

/**
 * Takes customers and their private keys into the store, a batch at a time. Running it again with
 * the same rows changes nothing, also after a crash in the middle; a new key for a customer who
 * has not consented replaces the old one and is checked again. Memory stays flat.
 *
 * @example
 * ```ts
 * const report = await importCustomers(readCustomerFile('customers.csv'), options);
 * report.verdicts.imported; // 49
 * ```
 */
export async function importCustomers(
  rows: CustomerRows,
  options: ImportOptions,
): Promise<ImportReport> {
  const scratch = options.scratch ?? openImportScratch(options.random);
  const verdicts = { imported: 0, updated: 0, unchanged: 0, duplicate: 0, rejected: 0 };
  let count = 0;

  const flush = async (batch: readonly PlacedRow[]) => {
    const plans = options.dryRun
      ? await eachRow(batch, (row) => planRow(options.store, row))
      : await options.store.transaction((store) =>
          eachRow(batch, (row) => importRowAlone(store, row, options)),
        );
    for (const [index, { verdict, issues }] of plans.entries()) {
      verdicts[verdict] += 1;
      for (const issue of issues) options.onIssue?.(issue);
      const row = batch[index]?.row;
      if (row?.kind === 'customer' && verdict !== 'rejected' && verdict !== 'duplicate') {
        await options.onTaken?.(row);
      }
    }
    count += batch.length;
    options.onProgress?.(count);
  };

  try {
    let batch: PlacedRow[] = [];
    const flushBatch = async () => {
      const full = batch;
      batch = [];
      if (full.length > 0) await flush(full);
    };
    try {
      for await (const row of rows) {
        batch.push(placeRow(row, scratch, options));
        if (batch.length < batchSize) continue;
        await flushBatch();
        if (options.signal?.aborted) break;
      }
    } finally {
      // Also when the list breaks off: what was read up to there is good.
      await flushBatch();
    }
  } finally {
    if (!options.scratch) scratch.close();
  }
  return { rows: count, verdicts, complete: options.signal?.aborted !== true };
}

async function eachRow(
  batch: readonly PlacedRow[],
  work: (row: PlacedRow) => Promise<RowPlan>,
): Promise<RowPlan[]> {
  const plans: RowPlan[] = [];
  for (const row of batch) plans.push(await work(row));
  return plans;
}

function placeRow(
  row: CustomerRow | InvalidRow,
  scratch: ImportScratch,
  options: ImportOptions,
): PlacedRow {
  if (row.kind === 'invalid') return { row, firstLine: row.line, sharing: [] };
  const { customerId, key, line } = row;
  return {
    row,
    firstLine: scratch.firstLine(customerId, line),
    sharing: options.dryRun ? scratch.sharingKey(key, customerId, namedSharers) : [],
  };
}

/** A customer whom somebody else changes at this moment is one row to look at, not a failed batch. */
async function importRowAlone(
  store: Store,
  placed: PlacedRow,
  options: ImportOptions,
): Promise<RowPlan> {
  try {
    const plan = await planRow(store, placed);
    if (plan.change) await writeRow(store, plan.change, options);
    return plan;
  } catch (error) {
    if (!isKeyshiftError(error, 'stage_conflict')) throw error;
    const { line, customerId } = placed.row;
    const { code, message } = error;
    return {
      verdict: 'rejected',
      issues: [{ line, customerId, severity: 'error', code, message }],
    };
  }
}

/** A row with what the rows before it say of it. */
export interface PlacedRow {
  readonly row: CustomerRow | InvalidRow;
  /** The line on which its customer stood first; its own when that is here. */
  readonly firstLine: number;
  /** Customers on earlier lines with the same key, in a dry run, where none of them is stored. */
  readonly sharing: readonly string[];
}

/** What an import changes about one customer. */
export type RowChange =
  | { readonly kind: 'add'; readonly row: CustomerRow }
  /** Its key stays; absent details stay as they are. */
  | {
      readonly kind: 'update';
      readonly existing: Connection;
      readonly details: Pick<ConnectionDetails, 'email' | 'name'> | undefined;
      readonly labels: Labels;
    }
  | { readonly kind: 'replace_key'; readonly existing: Connection; readonly row: CustomerRow };

/** What is to be done about one row, and what there is to tell about it. */
export interface RowPlan {
  readonly verdict: RowVerdict;
  readonly issues: readonly ImportIssue[];
  /** Absent where nothing is to be written. */
  readonly change?: RowChange;
}

/** Decides about one row by what is stored. Changes nothing. */
export async function planRow(
  store: Store,
  { row, firstLine, sharing }: PlacedRow,
): Promise<RowPlan> {
  const { line, customerId } = row;
  const issue = (severity: ImportIssue['severity'], code: string, message: string) => ({
    line,
    customerId,
    severity,
    code,
    message,
  });
  if (row.kind === 'invalid') {
    const { code, message } = row.problem;
    return { verdict: 'rejected', issues: [issue('error', code, message)] };
  }
  if (firstLine !== row.line) {
    const message = `duplicate: customer_id is already on line ${firstLine}; this row was skipped`;
    return { verdict: 'duplicate', issues: [issue('error', 'duplicate_customer', message)] };
  }
  const issues = row.warnings.map(({ code, message }) => issue('warning', code, message));
  const existing = await store.connections.findByCustomer(row.customerId);
  const holders = await store.privateKeys.findConnectionIds(row.key, namedSharers + 1);
  const others = holders.filter((id) => id !== existing?.id);
  const sharers = new Set([...(await findCustomers(store, others)), ...sharing]);
  if (sharers.size > 0) {
    const names = [...sharers].slice(0, namedSharers).join(', ');
    const message = `duplicate key: same private key as ${names}; they share one Klaviyo account`;
    issues.push(issue('warning', 'duplicate_key', message));
  }
  if (!existing) return { verdict: 'imported', issues, change: { kind: 'add', row } };
  // Of a key that many share, only the first holders were listed.
  const keeps =
    others.length < holders.length ||
    (holders.length > namedSharers && (await store.privateKeys.matches(existing.id, row.key)));
  if (keeps) return { issues, ...(await planDetails(store, existing, row)) };
  if (!keyMayBeReplaced(existing)) {
    const message = `the customer is already ${existing.stage}; its private key was not replaced`;
    return { verdict: 'rejected', issues: [issue('error', 'stage_conflict', message)] };
  }
  return { verdict: 'updated', issues, change: { kind: 'replace_key', existing, row } };
}

async function findCustomers(store: Store, ids: readonly string[]): Promise<string[]> {
  const names: string[] = [];
  for (const id of ids) {
    const connection = await store.connections.findById(id);
    if (connection) names.push(connection.customerId);
  }
  return names;
}

async function planDetails(
  store: Store,
  existing: Connection,
  row: CustomerRow,
): Promise<Pick<RowPlan, 'verdict' | 'change'>> {
  const email = row.email ?? existing.email;
  const name = row.name ?? existing.name;
  const detailsChange = email !== existing.email || name !== existing.name;
  if (!detailsChange && !(await labelsChange(store, existing, row))) {
    return { verdict: 'unchanged' };
  }
  const details = detailsChange ? { email, name } : undefined;
  return {
    verdict: 'updated',
    change: { kind: 'update', existing, details, labels: row.labels },
  };
}

async function labelsChange(store: Store, existing: Connection, row: CustomerRow) {
  const entries = Object.entries(row.labels);
  if (entries.length === 0) return false;
  const known = await store.labels.of(existing.id);
  return entries.some(([name, value]) => (known[name] ?? '') !== value);
}

/** Writes what a plan says, in the transaction of `store`. */
async function writeRow(store: Store, change: RowChange, options: WriteOptions): Promise<void> {
  switch (change.kind) {
    case 'add':
      return addCustomer(store, change.row, options);
    case 'update': {
      const { existing, details, labels } = change;
      if (details) await store.connections.update(existing, details, options.clock.now());
      await store.labels.put(existing.id, labels);
      return;
    }
    case 'replace_key':
      return replaceKey(store, change.existing, change.row, options);
    default:
      return change satisfies never;
  }
}

async function addCustomer(store: Store, row: CustomerRow, options: WriteOptions): Promise<void> {
  const atMs = options.clock.now();
  const { customerId, email, name } = row;
  const { id } = await store.connections.insert(
    newConnection(options, { customerId, email, name, stage: 'imported', route: 'key' }),
  );
  await store.privateKeys.put(id, row.key, atMs);
  await store.labels.put(id, row.labels);
  await store.audit.append({
    atMs,
    actor: options.actor,
    action: 'connection.imported',
    connectionId: id,
    fromStage: undefined,
    toStage: 'imported',
    reason: undefined,
  });
}

async function replaceKey(
  store: Store,
  existing: Connection,
  row: CustomerRow,
  options: WriteOptions,
): Promise<void> {
  // The new key may belong to another account: the guard compares with the key that is on file.
  const change = {
    email: row.email ?? existing.email,
    name: row.name ?? existing.name,
    accountId: undefined,
    accountName: undefined,
  };
  // The connection comes first: where somebody else changed it, this row must leave nothing behind.
  if (existing.stage === 'imported') {
    await store.connections.update(existing, change, options.clock.now());
  } else {
    const cause = { actor: options.actor, reason: 'private key replaced', change };
    await options.machine.move(store, existing, 'imported', cause);
  }
  await store.privateKeys.put(existing.id, row.key, options.clock.now());
  await store.labels.put(existing.id, row.labels);
}

/**
 * What one import has to remember of the rows it has seen: on which line each customer stands,
 * and what there is to tell about them. It lies in a temporary file that is gone with its process,
 * so that a list of any length takes the same memory. Keys are in it as an HMAC under a secret
 * that is never stored.
 */
export interface ImportScratch {
  /** The line on which the customer stood first; records `line` where it is new. */
  firstLine(customerId: string, line: number): number;
  lineOf(customerId: string): number | undefined;
  /** Customers on earlier lines with the same key; records this one. At most `limit`. */
  sharingKey(key: PrivateKey, customerId: string, limit: number): string[];
  addIssue(issue: ImportIssue): void;
  /** By line. */
  issues(): Iterable<ImportIssue>;
  close(): void;
}

/** So many writes go into one transaction of the temporary file. */
const writesPerCommit = 5_000;

/** Opens an empty one. */
export function openImportScratch(random: Random): ImportScratch {
  const secret = random.bytes(32);
  const db = new DatabaseSync('');
  db.exec(`
    pragma cache_size = -4000;
    pragma synchronous = off;
    create table customers (id text primary key, line integer not null) without rowid;
    create table keys (hash blob not null, customer text not null, line integer not null);
    create index keys_by_hash on keys (hash, line);
    create table issues (line integer not null, json text not null);
    create index issues_by_line on issues (line);
    begin;
  `);
  const find = db.prepare('select line from customers where id = ?');
  const insert = db.prepare('insert into customers (id, line) values (?, ?)');
  const findKey = db.prepare(
    'select distinct customer from keys where hash = ? and customer <> ? order by line limit ?',
  );
  const insertKey = db.prepare('insert into keys (hash, customer, line) values (?, ?, ?)');
  const insertIssue = db.prepare('insert into issues (line, json) values (?, ?)');
  const listIssues = db.prepare('select json from issues order by line, rowid');
  let writes = 0;
  const written = () => {
    writes += 1;
    if (writes % writesPerCommit === 0) db.exec('commit; begin');
  };
  const lineOf = (customerId: string) =>
    (find.get(customerId) as { line: number } | undefined)?.line;
  return {
    lineOf,
    firstLine(customerId, line) {
      const known = lineOf(customerId);
      if (known !== undefined) return known;
      insert.run(customerId, line);
      written();
      return line;
    },
    sharingKey(key, customerId, limit) {
      const hash = createHmac('sha256', secret).update(key.reveal()).digest().subarray(0, 16);
      const others = findKey.all(hash, customerId, limit) as { customer: string }[];
      insertKey.run(hash, customerId, writes);
      written();
      return others.map(({ customer }) => customer);
    },
    addIssue(issue) {
      insertIssue.run(issue.line, JSON.stringify(issue));
      written();
    },
    *issues() {
      for (const row of listIssues.iterate()) {
        yield JSON.parse((row as { json: string }).json) as ImportIssue;
      }
    },
    close() {
      db.close();
    },
  };
}
