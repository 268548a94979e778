import { toOriginForm } from '../klaviyo/api-path.ts';

/** Tells Klaviyo's hosts, and those that stand before it, from others. */
export type IsKlaviyoHost = (host: string) => boolean;

/**
 * Creates the check: Klaviyo's API hosts, and `more`, such as a proxy of the integrator's own.
 *
 * @param more host names, with a port where the log shows one
 */
export function createHostCheck(more: readonly string[]): IsKlaviyoHost {
  const known = new Set(['a.klaviyo.com', ...more.map((host) => host.toLowerCase())]);
  return (host) => {
    const lower = host.toLowerCase();
    return known.has(lower) || known.has(lower.replace(/:\d+$/, ''));
  };
}

/**
 * The path of a request target, a path or an absolute URL, without its query; `undefined` for
 * another host and for paths that are not Klaviyo's API.
 */
export function apiPathOf(target: string, isKlaviyo: IsKlaviyoHost): string | undefined {
  const url = target.startsWith('/') ? undefined : URL.parse(target);
  if (url === null || (url && !isKlaviyo(url.host))) return undefined;
  const path = toOriginForm(url?.pathname ?? target).split(/[?#]/, 1)[0] ?? '';
  return /^\/(api|client)\/[^/]/.test(path) ? path : undefined;
}
