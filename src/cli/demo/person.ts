import { approveConsent } from '../../sandbox/approve-consent.ts';

/** What a simulated person does at Klaviyo. */
export interface Behaviour {
  readonly decision: 'allow' | 'deny';
  /** The account chosen on Klaviyo's page. */
  readonly account: string;
  /** Who signs in there, where that matters: their role may forbid it. */
  readonly user?: string;
}

/**
 * Follows an invitation as a person does in a browser without JavaScript: opens the link, presses
 * the button, decides at Klaviyo, comes back.
 *
 * @param send reaches Keyshift and the sandbox
 * @returns the HTTP status of the last page
 */
export async function followInvitation(
  link: string,
  behaviour: Behaviour,
  send: typeof fetch = fetch,
): Promise<number> {
  const open = (url: string, cookie?: string) => openPage(send, url, cookie);
  const page = await open(link);
  const href = /<a class="button" href="([^"]+)"/.exec(await page.text())?.[1];
  if (href === undefined) return page.status;
  const start = await open(new URL(href, link).href);
  const authorizeUrl = start.headers.get('location');
  if (authorizeUrl === null) return start.status;
  const callbackUrl = await approveConsent(authorizeUrl, behaviour, send);
  const cookie = start.headers
    .getSetCookie()
    .map((each) => each.split(';', 1)[0])
    .join('; ');
  return (await open(callbackUrl, cookie)).status;
}

function openPage(send: typeof fetch, url: string, cookie?: string): Promise<Response> {
  return send(url, {
    redirect: 'manual',
    headers: { accept: 'text/html', ...(cookie === undefined ? {} : { cookie }) },
  });
}
