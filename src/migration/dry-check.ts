import type { LookUpAccount } from '../calls/account-lookup.ts';
import { isKeyshiftError } from '../errors/keyshift-error.ts';
import type { Store } from '../store/store.ts';
import { findSharers } from './check-keys.ts';
import type { CustomerRow } from './customer-row.ts';
import type { ImportIssue } from './import-report.ts';
import { rememberLookups } from './remember-lookups.ts';

/** Asks Klaviyo about keys that are not stored, so that a dry run can tell what a check would find. */
export interface DryCheck {
  /** Begins the check of a row, once a hand is free. */
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
  const running = new Set<Promise<void>>();

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
      while (running.size >= concurrency) await Promise.race(running);
      const work = check(row).finally(() => running.delete(work));
      running.add(work);
    },
    async finish() {
      await Promise.all(running);
      return counts;
    },
  };
}
