import type { ApiCaller } from '../../calls/api-caller.ts';
import { grantSource } from '../../calls/credential-source.ts';
import type { Credentials } from '../../calls/credentials.ts';
import type { CredentialSource } from '../../calls/driver.ts';
import { isKeyshiftError } from '../../errors/keyshift-error.ts';
import { parseApiError } from '../../klaviyo/api-error.ts';
import { findReadProbe } from '../../klaviyo/read-probe.ts';
import {
  nameOfCheck,
  type CheckSubject,
  type VerificationCheck,
} from '../../model/verification.ts';

/** A check before it is dated. */
export type CheckResult = CheckSubject & Omit<VerificationCheck, 'atMs' | 'kind'>;

/** What {@link checkReads} works with. */
export interface ReadChecksOptions {
  readonly callApi: ApiCaller;
  readonly credentials: Credentials;
  readonly signal?: AbortSignal | undefined;
}

/** So many reads at the same time: each counts on windows of its own, the account is one. */
const concurrency = 4;
const deadlineMs = 5_000;

/** Tries one cheap read for each read scope, by OAuth. Never writes. */
export async function checkReads(
  accountId: string,
  scopes: readonly string[],
  options: ReadChecksOptions,
): Promise<CheckResult[]> {
  const source = grantSource(options.credentials, accountId);
  // The account is read by a check of its own.
  const wanted = scopes.filter((scope) => scope.endsWith(':read') && scope !== 'accounts:read');
  const results: CheckResult[] = [];
  const waiting = wanted.values();
  const work = async () => {
    for (const scope of waiting) results.push(await checkRead(source, scope, scopes, options));
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return results.sort((a, b) => (nameOfCheck(a) < nameOfCheck(b) ? -1 : 1));
}

async function checkRead(
  source: CredentialSource,
  scope: string,
  held: readonly string[],
  { callApi, signal }: ReadChecksOptions,
): Promise<CheckResult> {
  const probe = findReadProbe(scope, held);
  if (probe === undefined) {
    return toResult(scope, 'skipped', 'Klaviyo has no simple read call to try it with');
  }
  const path = probe.split('?', 1)[0] ?? '';
  try {
    const init = { deadlineMs, ...(signal ? { signal } : {}) };
    const response = await callApi(source, probe, init);
    if (response.ok) {
      await response.dump();
      return toResult(scope, 'passed', `GET ${path} answered ${response.status}`);
    }
    return readRefusal(scope, path, response.status, await response.text());
  } catch (error) {
    signal?.throwIfAborted();
    if (!isKeyshiftError(error) || error.kind === 'grant') throw error;
    return toResult(scope, 'unclear', error.message);
  }
}

function readRefusal(scope: string, path: string, status: number, body: string): CheckResult {
  const answered = `GET ${path} answered ${status}`;
  const error = parseApiError(body);
  // Without a JSON:API error it is the edge that speaks: no verdict on scopes.
  if (!error || status === 401 || status === 429 || status >= 500) {
    const isMissing = status === 501;
    return toResult(scope, isMissing ? 'skipped' : 'unclear', answered);
  }
  if (status === 403 && error.missingScopes.length > 0) {
    const detail = `${answered}: missing ${error.missingScopes.join(', ')}`;
    return { ...toResult(scope, 'failed', detail), reason: 'scope_missing' };
  }
  return toResult(scope, 'skipped', `${answered}: ${error.detail || error.code}`);
}

function toResult(scope: string, verdict: CheckResult['verdict'], detail: string): CheckResult {
  return { kind: 'read', scope, verdict, reason: undefined, detail };
}
