import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import { keyMayBeReplaced, newConnection, type Connection } from '../model/connection.ts';
import type { Store } from '../store/store.ts';
import type { CustomerRow, InvalidRow } from './customer-row.ts';
import { namedSharers, type ImportIssue, type RowVerdict } from './import-report.ts';
import type { StageMachine } from './stage-machine.ts';

/** What a plan is carried out with. */
export interface PlanOptions {
  readonly machine: StageMachine;
  readonly clock: Clock;
  readonly random: Random;
  readonly actor: string;
}

/** A row with what the rows before it say of it. */
export interface PlacedRow {
  readonly row: CustomerRow | InvalidRow;
  /** The line on which its customer stood first; its own when that is here. */
  readonly firstLine: number;
  /** Customers on earlier lines with the same key, in a dry run, where none of them is stored. */
  readonly sharing: readonly string[];
}

/** What is to be done about one row, and what there is to tell about it. */
export interface RowPlan {
  readonly verdict: RowVerdict;
  readonly issues: readonly ImportIssue[];
  readonly write?: () => Promise<void>;
}

/** Decides about one row by what is stored; only {@link RowPlan.write} changes anything. */
export async function planRow(
  store: Store,
  { row, firstLine, sharing }: PlacedRow,
  options: PlanOptions,
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
  if (!existing) {
    const write = () => insertCustomer(store, row, options);
    return { verdict: 'imported', issues, write };
  }
  // Of a key that many share, only the first holders were listed.
  const keeps =
    others.length < holders.length ||
    (holders.length > namedSharers && (await store.privateKeys.matches(existing.id, row.key)));
  if (keeps) return { issues, ...(await planDetails(store, existing, row, options)) };
  if (!keyMayBeReplaced(existing)) {
    const message = `the customer is already ${existing.stage}; its private key was not replaced`;
    return { verdict: 'rejected', issues: [issue('error', 'stage_conflict', message)] };
  }
  const write = () => replaceKey(store, existing, row, options);
  return { verdict: 'updated', issues, write };
}

async function findCustomers(store: Store, ids: readonly string[]): Promise<string[]> {
  const names: string[] = [];
  for (const id of ids) {
    const connection = await store.connections.findById(id);
    if (connection) names.push(connection.customerId);
  }
  return names;
}

async function insertCustomer(store: Store, row: CustomerRow, options: PlanOptions) {
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
  await store.labels.put(connection.id, row.labels);
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

async function planDetails(
  store: Store,
  existing: Connection,
  row: CustomerRow,
  options: PlanOptions,
): Promise<Pick<RowPlan, 'verdict' | 'write'>> {
  const email = row.email ?? existing.email;
  const name = row.name ?? existing.name;
  const detailsChange = email !== existing.email || name !== existing.name;
  if (!detailsChange && !(await labelsChange(store, existing, row))) {
    return { verdict: 'unchanged' };
  }
  return {
    verdict: 'updated',
    async write() {
      if (detailsChange) {
        await store.connections.update(existing, { email, name }, options.clock.now());
      }
      await store.labels.put(existing.id, row.labels);
    },
  };
}

async function labelsChange(store: Store, existing: Connection, row: CustomerRow) {
  const entries = Object.entries(row.labels);
  if (entries.length === 0) return false;
  const known = await store.labels.of(existing.id);
  return entries.some(([name, value]) => (known[name] ?? '') !== value);
}

async function replaceKey(
  store: Store,
  existing: Connection,
  row: CustomerRow,
  options: PlanOptions,
): Promise<void> {
  // The new key may belong to another account: the guard compares with the key that is on file.
  const change = {
    email: row.email ?? existing.email,
    name: row.name ?? existing.name,
    accountId: undefined,
    accountName: undefined,
  };
  await store.privateKeys.put(existing.id, row.key, options.clock.now());
  await store.labels.put(existing.id, row.labels);
  if (existing.stage === 'imported') {
    await store.connections.update(existing, change, options.clock.now());
  } else {
    const cause = { actor: options.actor, reason: 'private key replaced', change };
    await options.machine.move(store, existing, 'imported', cause);
  }
}
