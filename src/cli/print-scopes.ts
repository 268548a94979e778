import type {
  OpenQuestion,
  OperationUse,
  ScopeForecast,
  ScopeRecommendation,
} from '../scopes/recommend-scopes.ts';
import { formatTable, type Terminal } from './terminal.ts';

/** What `keyshift scopes` found. */
export interface ScopesReport {
  readonly recommendation: ScopeRecommendation;
  /** Absent when no set of scopes is known to look at. */
  readonly forecast: (ScopeForecast & { readonly scopes: readonly string[] }) | undefined;
}

/** Prints the recommendation for a person. */
export function printScopes(terminal: Terminal, { recommendation, forecast }: ScopesReport): void {
  const { scopes, reasons, clientUses, questions } = recommendation;
  if (scopes.length === 0) {
    terminal.print('No call of Klaviyo’s API was recognised, so no scopes are recommended.');
    printQuestions(terminal, questions);
    return;
  }
  terminal.print('The minimum set of scopes for the calls that were seen:');
  terminal.print(`  KLAVIYO_SCOPES="${scopes.join(' ')}"`);
  terminal.print();
  const rows = reasons.flatMap(({ scope, uses }) =>
    uses.length === 0
      ? [[scope, '(Keyshift)', '', 'identifies the account']]
      : uses.map((use, index) => [index === 0 ? scope : '', ...describeUse(use)]),
  );
  for (const line of formatTable(['SCOPE', 'OPERATION', 'USED', 'WHERE'], rows)) {
    terminal.print(line);
  }
  if (forecast) printForecast(terminal, forecast);
  if (clientUses.length > 0) {
    terminal.print();
    terminal.print(
      'Calls to /client/* take no token and cannot be attributed to your app: move them to the server.',
    );
    printUses(terminal, clientUses);
  }
  printQuestions(terminal, questions);
}

function printQuestions(terminal: Terminal, questions: readonly OpenQuestion[]): void {
  if (questions.length === 0) return;
  terminal.print();
  terminal.print('Check these by hand; no scope was derived from them:');
  for (const question of questions) terminal.print(`  ${describeQuestion(question)}`);
}

function printForecast(
  terminal: Terminal,
  { scopes, unused, missing, refused, refusedCalls, calls }: NonNullable<ScopesReport['forecast']>,
): void {
  terminal.print();
  terminal.print(`With the scopes "${scopes.join(' ')}":`);
  if (missing.length + unused.length === 0)
    terminal.print('  every call is covered, and no scope is unused');
  if (missing.length > 0) terminal.print(`  missing: ${missing.join(' ')}`);
  if (unused.length > 0) {
    terminal.print(
      `  not used by any call that was seen (Klaviyo’s review rejects these): ${unused.join(' ')}`,
    );
  }
  if (refused.length === 0) return;
  const share = calls > 0 ? `${refusedCalls} of ${calls} calls` : 'these';
  terminal.print(`  ${share} would get a 403:`);
  const rows = refused.map(({ use, lacking }) => [
    ...describeUse(use),
    `lacks ${lacking.join(', ')}`,
  ]);
  for (const line of formatTable(['OPERATION', 'USED', 'WHERE', ''], rows))
    terminal.print(`  ${line}`);
}

function printUses(terminal: Terminal, uses: readonly OperationUse[]): void {
  const rows = uses.map(describeUse);
  for (const line of formatTable(['OPERATION', 'USED', 'WHERE'], rows)) terminal.print(`  ${line}`);
}

function describeUse({ operation, calls, places, where }: OperationUse): string[] {
  const used = [
    ...(calls > 0 ? [`${calls} calls`] : []),
    ...(places > 0 ? [`${places} ${places === 1 ? 'place' : 'places'}`] : []),
  ];
  return [
    `${operation.id} (${operation.method} ${operation.path})`,
    used.join(', '),
    shorten(where),
  ];
}

const mostShown = 3;

function shorten(where: readonly string[]): string {
  const more = where.length - mostShown;
  return where.slice(0, mostShown).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

const questionWords = {
  ambiguous: 'the method is unclear',
  uncertain: 'Klaviyo’s, or your own by the same name',
  unread: 'they mention Klaviyo’s API, and hold no method and path that could be read',
  legacy: 'an API that Klaviyo has retired; it accepts no OAuth token',
  unknown: 'not in Klaviyo’s list of operations',
} as const satisfies Record<OpenQuestion['kind'], string>;

function describeQuestion({ kind, method, path, where, candidates }: OpenQuestion): string {
  const call = method === undefined ? path : `${method} ${path}`;
  const options = candidates.map(({ id, scopes }) => `${id}: ${scopes.join(' ') || 'no scope'}`);
  const either = options.length > 0 ? ` (${options.join('; ')})` : '';
  return `${call}: ${questionWords[kind]}${either} – ${shorten(where)}`;
}

/** The report as `--json` prints it. */
export function toScopesJson({ recommendation, forecast }: ScopesReport) {
  const { scopes, reasons, clientUses, questions } = recommendation;
  return {
    scopes,
    reasons: reasons.map(({ scope, uses }) => ({ scope, operations: uses.map(toUseJson) })),
    client_operations: clientUses.map(toUseJson),
    questions: questions.map(({ kind, method, path, count, where, candidates }) => ({
      kind,
      method: method ?? null,
      path,
      count,
      where,
      candidates: candidates.map(({ id, scopes: each }) => ({ operation: id, scopes: each })),
    })),
    forecast: forecast
      ? {
          scopes: forecast.scopes,
          missing: forecast.missing,
          unused: forecast.unused,
          calls: forecast.calls,
          refused_calls: forecast.refusedCalls,
          refused: forecast.refused.map(({ use, lacking }) => ({ ...toUseJson(use), lacking })),
        }
      : null,
  };
}

function toUseJson({ operation, calls, places, where }: OperationUse) {
  const { id, method, path, scopes } = operation;
  return { operation: id, method, path, scopes, calls, places, where };
}
