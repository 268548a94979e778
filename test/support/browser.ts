import { approveConsent, type ConsentChoice } from '../../src/sandbox.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { send, type Answer } from './answer.ts';

/**
 * How one browser of a person behaves: keeps cookies as RFC 6265 says, and follows a callback to its
 * result, and nothing else by itself.
 */
export interface Browser {
  get(url: string, headers?: Record<string, string>): Promise<Answer>;
  /** The same without following anything. */
  getOnce(url: string, headers?: Record<string, string>): Promise<Answer>;
  /** Opens a URL that leads to Klaviyo; answers where Klaviyo's page is. */
  start(url: string): Promise<string>;
  /** Starts, decides at Klaviyo and comes back: the answer of the callback. */
  signIn(startUrl: string, choice?: ConsentChoice): Promise<Answer>;
  /** The `Cookie` header it would send to a URL; empty without cookies. */
  cookiesFor(url: string): string;
}

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly expiresAtMs: number;
}

/** What browsers send when a person opens a page. */
export const pageAccept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

/**
 * Creates a browser with an empty jar. Cookies end by `Max-Age` on `clock` and are sent by path,
 * so that a test sees what a real person would.
 */
export function createBrowser(clock: Clock, accept: string = pageAccept): Browser {
  let jar: Cookie[] = [];

  const cookiesFor = (url: string) =>
    jar
      .filter((cookie) => cookie.expiresAtMs > clock.now() && matches(new URL(url), cookie.path))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');

  const get: Browser['get'] = async (url, headers = {}) => {
    const answer = await getOnce(url, headers);
    const location = answer.headers.get('location') ?? '';
    const isResult = answer.status === 303 && /\/result\?attempt=/.test(location);
    return isResult ? getOnce(new URL(location, url).href, headers) : answer;
  };

  const getOnce: Browser['get'] = async (url, headers = {}) => {
    const cookie = cookiesFor(url);
    const answer = await send(url, {
      headers: { accept, ...(cookie === '' ? {} : { cookie }), ...headers },
    });
    for (const line of answer.headers.getSetCookie()) {
      const fresh = parseCookie(line, clock.now());
      const isSame = (each: Cookie) => each.name === fresh.name && each.path === fresh.path;
      jar = [...jar.filter((each) => !isSame(each)), fresh];
    }
    return answer;
  };

  const start: Browser['start'] = async (url) => {
    const answer = await get(url);
    const location = answer.headers.get('location');
    if (answer.status === 302 && location !== null) return location;
    throw new Error(`${new URL(url).pathname} answered ${answer.status}, not a redirect`);
  };

  return {
    get,
    getOnce,
    start,
    cookiesFor,
    signIn: async (startUrl, choice) => get(await approveConsent(await start(startUrl), choice)),
  };
}

function matches({ pathname }: URL, path: string): boolean {
  return pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
}

function parseCookie(line: string, nowMs: number): Cookie {
  const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
  const at = pair.indexOf('=');
  const attribute = (name: string) =>
    attributes.map((each) => each.split('=')).find(([key]) => key?.toLowerCase() === name)?.[1];
  const maxAge = attribute('max-age');
  return {
    name: pair.slice(0, at),
    value: pair.slice(at + 1),
    path: attribute('path') ?? '/',
    expiresAtMs: maxAge === undefined ? Number.POSITIVE_INFINITY : nowMs + Number(maxAge) * 1_000,
  };
}
