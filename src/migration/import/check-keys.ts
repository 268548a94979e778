import { createHash } from 'node:crypto';
import type { LookUpAccount, AccountLookup } from '../../calls/account-lookup.ts';
import type { KeyScopes, ReadKeyScopes } from '../../calls/key-scopes.ts';
import { ConnectionChangedError } from '../../errors/connection-changed-error.ts';
import { isKeyshiftError } from '../../errors/keyshift-error.ts';
import type { PrivateKey } from '../../klaviyo/private-key.ts';
import { createPool, forEachConcurrently } from '../../runtime/concurrently.ts';
import type { Connection } from '../../model/connection.ts';
import type { Store } from '../../store/store.ts';
import type { CustomerRow } from './customer-row.ts';
import { namedSharers, type ImportIssue } from './import-customers.ts';
import type { StageMachine } from '../stage-machine.ts';

/** What the check of one private key found. */
export type KeyVerdict =
  | 'checked'
  | 'key_invalid'
  | 'scope_missing'
  | 'no_key'
  /** Klaviyo gave no verdict. */
  | 'unreachable'
  /** The row could not be read or written. */
  | 'failed';

/** One check, as told to the progress listener. */
export interface KeyCheck {
  readonly connection: Connection;
  readonly verdict: KeyVerdict;
  /** More about it, in words. */
  readonly detail: string | undefined;
  readonly testAccount: boolean;
  /** Other customers whose connections are of the same account; a few of them, if many. */
  readonly sharedWith: readonly string[];
  /** What was found out about the key's scopes, where it was asked for. */
  readonly scopes?: KeyScopes;
}

/** What {@link checkKey} and {@link checkKeys} work with. */
export interface KeyCheckOptions {
  readonly store: Store;
  readonly machine: StageMachine;
  readonly lookUpAccount: LookUpAccount;
  readonly actor: string;
}

/**
 * Asks Klaviyo which account a connection's private key belongs to and records it: `checked` with
 * the account's id and name, or `attention` with the reason. When Klaviyo gives no verdict nothing
 * is changed, and the check can be run again.
 */
export async function checkKey(
  connection: Connection,
  options: KeyCheckOptions,
  signal?: AbortSignal,
): Promise<KeyCheck> {
  const { store, lookUpAccount } = options;
  try {
    const key = await store.privateKeys.open(connection.id);
    if (!key) return toCheck(connection, 'no_key', 'the connection has no private key');
    const lookup = await lookUpAccount(key, signal);
    return await store.transaction((tx) => record(tx, connection, { key, lookup }, options));
  } catch (error) {
    if (!isKeyshiftError(error)) throw error;
    const verdict = error.kind === 'upstream' ? 'unreachable' : 'failed';
    return toCheck(connection, verdict, error.message);
  }
}

async function record(
  store: Store,
  connection: Connection,
  { key, lookup }: { readonly key: PrivateKey; readonly lookup: AccountLookup },
  { machine, actor }: KeyCheckOptions,
): Promise<KeyCheck> {
  switch (lookup.kind) {
    case 'rejected': {
      const reason = 'Klaviyo rejects the private key';
      const flagged = await machine.flag(store, connection, 'key_invalid', { actor, reason });
      return toCheck(flagged, 'key_invalid', reason);
    }
    case 'forbidden': {
      const scopes = lookup.missingScopes.join(', ') || 'accounts:read';
      const reason = `the private key lacks ${scopes}, so its account cannot be read`;
      const flagged = await machine.flag(store, connection, 'scope_missing', { actor, reason });
      return toCheck(flagged, 'scope_missing', reason);
    }
    case 'found': {
      const { accountId, name, testAccount } = lookup.account;
      const change = { accountId, accountName: name };
      if (!(await store.privateKeys.prove(connection.id, key, accountId))) {
        throw new ConnectionChangedError(connection.customerId);
      }
      const checked = await machine.move(store, connection, 'checked', { actor, change });
      const sharedWith = await findSharers(store, checked, accountId);
      return {
        ...{ connection: checked, verdict: 'checked', detail: undefined },
        ...{ testAccount, sharedWith },
      };
    }
    default:
      return lookup satisfies never;
  }
}

/** A few of the other customers whose connections are of an account. */
export async function findSharers(
  store: Store,
  connection: Pick<Connection, 'customerId'>,
  accountId: string,
): Promise<string[]> {
  const names: string[] = [];
  for await (const { customerId } of store.connections.list({ accountId })) {
    if (customerId !== connection.customerId) names.push(customerId);
    if (names.length === namedSharers) break;
  }
  return names;
}

/** What {@link checkKeys} takes besides. */
export interface KeyChecksOptions extends KeyCheckOptions {
  /** Finds out, for each key that works, which of the needed scopes it has. */
  readonly scopes?: { readonly read: ReadKeyScopes; readonly needed: readonly string[] };
  /** Keys asked about at the same time; each is another account as a rule. 8 by default. */
  readonly concurrency?: number;
  readonly onChecked?: (check: KeyCheck) => void;
  /** Ends after the calls under way; what was found stays, and the check can be run again. */
  readonly signal?: AbortSignal;
}

/** So many keys in a row without an answer mean that nobody is there to ask. */
const patience = 8;

/**
 * Checks the key of every connection that was imported and not checked yet. Gives up early when
 * Klaviyo cannot be reached; the rest stay as they are and can be checked later.
 *
 * @returns how often each verdict was found
 */
export async function checkKeys(given: KeyChecksOptions): Promise<Map<KeyVerdict, number>> {
  const options = { ...given, lookUpAccount: rememberLookups(given.lookUpAccount) };
  const counts = new Map<KeyVerdict, number>();
  let unreachableInARow = 0;
  const isEnded = () => options.signal?.aborted === true || unreachableInARow >= patience;
  const work = async (connection: Connection) => {
    const check = await checkWithScopes(connection, options).catch((error: unknown) => {
      if (options.signal?.aborted) return undefined;
      throw error;
    });
    if (!check) return;
    counts.set(check.verdict, (counts.get(check.verdict) ?? 0) + 1);
    unreachableInARow = check.verdict === 'unreachable' ? unreachableInARow + 1 : 0;
    options.onChecked?.(check);
  };
  const unchecked = options.store.connections.list({ stages: ['imported'] });
  await forEachConcurrently(unchecked, options.concurrency ?? 8, work, isEnded);
  return counts;
}

async function checkWithScopes(
  connection: Connection,
  options: KeyChecksOptions,
): Promise<KeyCheck> {
  const { store, scopes, signal } = options;
  const check = await checkKey(connection, options, signal);
  if (!scopes || check.verdict !== 'checked') return check;
  const key = await store.privateKeys.openStored(connection.id);
  // Another key that was imported since has other scopes.
  if (!key || key.accountId !== check.connection.accountId) return check;
  return { ...check, scopes: await scopes.read(key.secret, scopes.needed, signal) };
}

function toCheck(connection: Connection, verdict: KeyVerdict, detail: string): KeyCheck {
  return { connection, verdict, detail, testAccount: false, sharedWith: [] };
}

/** So many answers are remembered: customers who share a key stand close together as a rule. */
const mostAnswers = 2_000;

/**
 * Asks once about each key: customers who share one share the answer, and the few calls a minute
 * that Klaviyo allows for their account. Answers are kept by hash, and for as long as the returned
 * function is.
 */
function rememberLookups(lookUpAccount: LookUpAccount): LookUpAccount {
  const answers = new Map<string, Promise<AccountLookup>>();
  return (credential, signal) => {
    const hash = createHash('sha256').update(credential.reveal()).digest('base64');
    const known = answers.get(hash);
    if (known) return known;
    const answer = lookUpAccount(credential, signal);
    answers.set(hash, answer);
    // What gave no verdict is asked again.
    answer.catch(() => answers.delete(hash));
    const oldest = answers.keys().next();
    if (answers.size > mostAnswers && !oldest.done) answers.delete(oldest.value);
    return answer;
  };
}

/** Asks Klaviyo about keys that are not stored, so that a dry run can tell what a check would find. */
export interface DryCheck {
  /** Begins the check of a row, once there is room for it. */
  add(row: CustomerRow): Promise<void>;
  /** Resolves when every answer is there: how often each verdict was found. */
  finish(): Promise<Readonly<Record<string, number>>>;
}

/** What {@link createDryCheck} works with. */
export interface DryCheckOptions {
  readonly store: Store;
  readonly lookUpAccount: LookUpAccount;
  readonly concurrency: number;
  readonly onIssue: (issue: ImportIssue) => void;
  readonly signal?: AbortSignal;
}

/** Creates the check; nothing is written. */
export function createDryCheck(options: DryCheckOptions): DryCheck {
  const { store, concurrency, onIssue, signal } = options;
  const lookUpAccount = rememberLookups(options.lookUpAccount);
  const counts: Record<string, number> = {};
  const pool = createPool(concurrency);

  async function check(row: CustomerRow): Promise<void> {
    const tell = (severity: ImportIssue['severity'], code: string, message: string) => {
      onIssue({ line: row.line, customerId: row.customerId, severity, code, message });
    };
    const verdict = await lookUp(row, tell);
    counts[verdict] = (counts[verdict] ?? 0) + 1;
  }

  async function lookUp(
    row: CustomerRow,
    tell: (severity: ImportIssue['severity'], code: string, message: string) => void,
  ): Promise<string> {
    try {
      const lookup = await lookUpAccount(row.key, signal);
      switch (lookup.kind) {
        case 'rejected':
          tell('error', 'key_invalid', 'Klaviyo rejects the private key');
          return 'key_invalid';
        case 'forbidden':
          tell('error', 'scope_missing', 'the private key lacks accounts:read');
          return 'scope_missing';
        case 'found': {
          const { accountId, testAccount } = lookup.account;
          if (testAccount) tell('warning', 'test_account', 'the key belongs to a test account');
          const sharers = await findSharers(store, row, accountId);
          if (sharers.length > 0) {
            tell('warning', 'shared_account', `same account as ${sharers.join(', ')}`);
          }
          return 'checked';
        }
        default:
          return lookup satisfies never;
      }
    } catch (error) {
      if (signal?.aborted) return 'unreachable';
      if (!isKeyshiftError(error)) throw error;
      tell('warning', 'unreachable', error.message);
      return 'unreachable';
    }
  }

  return {
    async add(row) {
      if (!(await pool.start(() => check(row)))) await pool.finish();
    },
    async finish() {
      await pool.finish();
      return counts;
    },
  };
}
