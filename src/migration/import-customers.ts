import { isKeyshiftError } from '../errors/keyshift-error.ts';
import type { Store } from '../store/store.ts';
import type { CustomerRow, CustomerRows, InvalidRow } from './customer-row.ts';
import { planRow, type PlacedRow, type PlanOptions, type RowPlan } from './import-plan.ts';
import { namedSharers, type ImportIssue, type ImportReport } from './import-report.ts';
import { openImportScratch, type ImportScratch } from './import-scratch.ts';

/** What {@link importCustomers} works with. */
export interface ImportOptions extends PlanOptions {
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
      ? await eachRow(batch, (row) => planRow(options.store, row, options))
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
    const plan = await planRow(store, placed, options);
    await plan.write?.();
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
