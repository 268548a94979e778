import { KeyshiftError } from '../errors/keyshift-error.ts';

/** What the person on the consent page does. */
export interface ConsentChoice {
  /** Id of the account to choose. Default: the one preselected. */
  readonly account?: string;
  /** Email of the seed's user who decides; their role may forbid it. */
  readonly user?: string;
  /**
   * Default `allow`. After `allow_expired` the browser comes back with an expired code, as when the
   * page stayed open too long.
   */
  readonly decision?: 'allow' | 'allow_expired' | 'deny';
}

/**
 * Does over HTTP what a person does in a browser: opens the authorization URL of a sandbox, reads
 * the form, chooses an account and presses a button.
 *
 * @returns where the browser is sent next: the app's redirect URI with `code` and `state`, or with
 *   `error`
 * @param send reaches the sandbox
 * @throws {@link KeyshiftError} `authorization_failed` when the sandbox shows an error page instead
 *
 * @example
 * ```ts
 * const callback = await approveConsent(authorizationUrl, { account: 'AbC123' });
 * ```
 */
export async function approveConsent(
  authorizationUrl: string,
  { account, user, decision = 'allow' }: ConsentChoice = {},
  send: typeof fetch = fetch,
): Promise<string> {
  const shown = await send(authorizationUrl, { redirect: 'manual' });
  const page = await shown.text();
  const location = shown.headers.get('location');
  if (location !== null) return location;
  if (shown.status !== 200) throw pageError(page);

  const form = hiddenFields(page);
  const chosen = account ?? firstOption(page).split(' ')[0] ?? '';
  form.set('account', user === undefined ? chosen : `${chosen} ${user}`);
  form.set('decision', decision);
  const action = attribute(page, /<form[^>]*\baction="([^"]*)"/) ?? '';
  const answered = await send(new URL(action, authorizationUrl), {
    method: 'POST',
    body: form,
    redirect: 'manual',
  });
  const next = answered.headers.get('location');
  const body = await answered.text();
  if (next === null) throw pageError(body);
  return next;
}

function hiddenFields(page: string): URLSearchParams {
  const form = new URLSearchParams();
  for (const [input] of page.matchAll(/<input[^>]*\btype="hidden"[^>]*>/g)) {
    const name = attribute(input, /\bname="([^"]*)"/);
    if (name !== undefined) form.append(name, attribute(input, /\bvalue="([^"]*)"/) ?? '');
  }
  return form;
}

function firstOption(page: string): string {
  return attribute(page, /<option[^>]*\bvalue="([^"]*)"/) ?? '';
}

function attribute(markup: string, pattern: RegExp): string | undefined {
  const value = pattern.exec(markup)?.[1];
  return value
    ?.replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

function pageError(page: string): KeyshiftError {
  const text = attribute(page, /<p>([^<]*)<\/p>/) ?? 'The sandbox showed no consent form.';
  return new KeyshiftError('authorization_failed', text);
}
