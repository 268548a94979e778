import { isKeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { Connection, Stage } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import type { CustomerRow, InvalidRow } from './customer-file.ts';
import { newConnection } from './new-connection.ts';
import type { StageMachine } from './stage-machine.ts';

/** What became of one row. */
export type RowVerdict = 'imported' | 'updated' | 'unchanged' | 'duplicate' | 'rejected';

/** A line of the report that a person should look at. */
export interface ImportIssue {
  readonly line: number;
  readonly customerId: string | undefined;
  /** `error`: the row was left out; `warning`: it was taken. */
  readonly severity: 'error' | 'warning';
  readonly code: string;
  readonly message: string;
}

/** What an import did. Verdicts add up to `rows`. */
export interface ImportReport {
  readonly rows: number;
  readonly verdicts: Readonly<Record<RowVerdict, number>>;
  readonly issues: readonly ImportIssue[];
}

/** What {@link importCustomers} works with. */
export interface ImportOptions {
  readonly store: Store;
  readonly machine: StageMachine;
  readonly clock: Clock;
  readonly random: Random;
  readonly actor: string;
  /** Called after every batch with the rows read so far. */
  readonly onProgress?: (rows: number) => void;
  /** Ends the import after the batch under way; what was written stays, and it can be run again. */
  readonly signal?: AbortSignal;
}

interface Result {
  readonly verdict: RowVerdict;
  readonly issues: readonly ImportIssue[];
}

/** A row with the line on which its customer stood first in the file. */
interface NumberedRow {
  readonly row: CustomerRow | InvalidRow;
  readonly firstLine: number;
}

const batchSize = 200;

/** Stages at which nothing has been promised to the customer yet, so that a key may be replaced. */
const replaceable: ReadonlySet<Stage> = new Set(['imported', 'checked', 'invited', 'opened']);

/**
 * Takes customers and their private keys into the store. Running it again with the same rows
 * changes nothing; a new key for a customer who has not consented replaces the old one and is
 * checked again.
 *
 * @example
 * ```ts
 * const report = await importCustomers(readCustomerFile('customers.csv'), options);
 * report.verdicts.imported; // 49
 * ```
 */
export async function importCustomers(
  rows: AsyncIterable<CustomerRow | InvalidRow>,
  options: ImportOptions,
): Promise<ImportReport> {
  const verdicts = { imported: 0, updated: 0, unchanged: 0, duplicate: 0, rejected: 0 };
  const issues: ImportIssue[] = [];
  const firstLines = new Map<string, number>();
  let count = 0;

  const flush = async (batch: readonly NumberedRow[]) => {
    const results = await options.store.transaction(async (store) => {
      const written: Result[] = [];
      for (const row of batch) written.push(await importRowAlone(store, row, options));
      return written;
    });
    for (const result of results) {
      verdicts[result.verdict] += 1;
      issues.push(...result.issues);
    }
    count += batch.length;
    options.onProgress?.(count);
  };

  let batch: NumberedRow[] = [];
  for await (const row of rows) {
    batch.push({ row, firstLine: firstLineOf(row, firstLines) });
    if (batch.length < batchSize) continue;
    await flush(batch);
    batch = [];
    if (options.signal?.aborted) break;
  }
  if (batch.length > 0) await flush(batch);
  return { rows: count, verdicts, issues };
}

/** A customer whom somebody else changes at this moment is one row to look at, not a failed batch. */
async function importRowAlone(
  store: Store,
  numbered: NumberedRow,
  options: ImportOptions,
): Promise<Result> {
  try {
    return await importRow(store, numbered, options);
  } catch (error) {
    if (!isKeyshiftError(error, 'stage_conflict')) throw error;
    const { line, customerId } = numbered.row;
    const { code, message } = error;
    return {
      verdict: 'rejected',
      issues: [{ line, customerId, severity: 'error', code, message }],
    };
  }
}

/** The line on which the row's customer stood first; the row's own when that is here. */
function firstLineOf(row: CustomerRow | InvalidRow, firstLines: Map<string, number>): number {
  if (row.kind === 'invalid') return row.line;
  const firstLine = firstLines.get(row.customerId) ?? row.line;
  firstLines.set(row.customerId, firstLine);
  return firstLine;
}

async function importRow(
  store: Store,
  { row, firstLine }: NumberedRow,
  options: ImportOptions,
): Promise<Result> {
  const issue = (severity: ImportIssue['severity'], code: string, message: string) => ({
    line: row.line,
    customerId: row.customerId,
    severity,
    code,
    message,
  });
  if (row.kind === 'invalid') {
    return {
      verdict: 'rejected',
      issues: [issue('error', row.problem.code, row.problem.message)],
    };
  }
  if (firstLine !== row.line) {
    const message = `duplicate: customer_id stands on line ${firstLine} already; this row was left out`;
    return { verdict: 'duplicate', issues: [issue('error', 'duplicate_customer', message)] };
  }
  const warnings = row.warnings.map(({ code, message }) => issue('warning', code, message));

  const sharing = await findSharingCustomers(store, row);
  if (sharing.length > 0) {
    const message = `duplicate key: same private key as ${sharing.join(', ')}; they share one Klaviyo account`;
    warnings.push(issue('warning', 'duplicate_key', message));
  }
  const existing = await store.connections.findByCustomer(row.customerId);
  if (!existing) {
    await insertCustomer(store, row, options);
    return { verdict: 'imported', issues: warnings };
  }
  const known = await store.privateKeys.findConnectionIds(row.key);
  if (known.includes(existing.id)) {
    return { verdict: await updateDetails(store, existing, row, options), issues: warnings };
  }
  if (!(await replaceKey(store, existing, row, options))) {
    const message = `the customer is ${existing.stage} already; its private key was not replaced`;
    return { verdict: 'rejected', issues: [issue('error', 'stage_conflict', message)] };
  }
  return { verdict: 'updated', issues: warnings };
}

async function findSharingCustomers(store: Store, row: CustomerRow): Promise<string[]> {
  const names: string[] = [];
  for (const id of await store.privateKeys.findConnectionIds(row.key)) {
    const other = await store.connections.findById(id);
    if (other && other.customerId !== row.customerId) names.push(other.customerId);
  }
  return names;
}

async function insertCustomer(store: Store, row: CustomerRow, options: ImportOptions) {
  const atMs = options.clock.now();
  const connection = await store.connections.insert(
    newConnection(options, {
      customerId: row.customerId,
      email: row.email,
      name: row.name,
      stage: 'imported',
      route: 'key',
    }),
  );
  await store.privateKeys.put(connection.id, row.key, atMs);
  await store.audit.append({
    atMs,
    actor: options.actor,
    action: 'connection.imported',
    connectionId: connection.id,
    fromStage: undefined,
    toStage: 'imported',
    reason: undefined,
  });
}

async function updateDetails(
  store: Store,
  existing: Connection,
  row: CustomerRow,
  options: ImportOptions,
): Promise<RowVerdict> {
  const email = row.email ?? existing.email;
  const name = row.name ?? existing.name;
  if (email === existing.email && name === existing.name) return 'unchanged';
  await store.connections.update(existing, { email, name }, options.clock.now());
  return 'updated';
}

/** Answers false when the customer has gone too far for its key to be replaced by a file. */
async function replaceKey(
  store: Store,
  existing: Connection,
  row: CustomerRow,
  options: ImportOptions,
): Promise<boolean> {
  const stage = existing.stage === 'attention' ? existing.attentionFrom : existing.stage;
  if (stage !== undefined && !replaceable.has(stage)) return false;
  // The new key may belong to another account: the guard compares with the key that is on file.
  const patch = {
    email: row.email ?? existing.email,
    name: row.name ?? existing.name,
    accountId: undefined,
    accountName: undefined,
  };
  await store.privateKeys.put(existing.id, row.key, options.clock.now());
  if (existing.stage === 'imported') {
    await store.connections.update(existing, patch, options.clock.now());
  } else {
    const cause = { actor: options.actor, reason: 'private key replaced', patch };
    await options.machine.move(store, existing, 'imported', cause);
  }
  return true;
}
