import { approveConsent } from '../../sandbox/approve-consent.ts';

/** What a simulated person does at Klaviyo. */
export interface Behaviour {
  readonly decision: 'allow' | 'deny';
  /** The account chosen on Klaviyo's page. */
  readonly account: string;
}

/**
 * Follows an invitation as a person does in a browser without JavaScript: opens the link, presses
 * the button, decides at Klaviyo, comes back.
 *
 * @returns the HTTP status of the last page
 */
export async function followInvitation(link: string, behaviour: Behaviour): Promise<number> {
  const page = await open(link);
  const href = /<a class="button" href="([^"]+)"/.exec(await page.text())?.[1];
  if (href === undefined) return page.status;
  const start = await open(new URL(href, link).href);
  const authorizeUrl = start.headers.get('location');
  if (authorizeUrl === null) return start.status;
  const callbackUrl = await approveConsent(authorizeUrl, behaviour);
  const cookie = start.headers
    .getSetCookie()
    .map((each) => each.split(';', 1)[0])
    .join('; ');
  return (await open(callbackUrl, cookie)).status;
}

function open(url: string, cookie?: string): Promise<Response> {
  return fetch(url, {
    redirect: 'manual',
    headers: { accept: 'text/html', ...(cookie === undefined ? {} : { cookie }) },
    signal: AbortSignal.timeout(30_000),
  });
}
