import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { klaviyoEndpoints } from '../klaviyo/endpoints.ts';
import type { RequestOrigin } from '../runtime/request-origin.ts';
import { LinkRewriter } from './link-rewriter.ts';

/** Facts about the bytes of a body, which are others once its links are rewritten. */
const aboutBytes = [
  ...['content-length', 'content-encoding', 'content-md5', 'content-digest', 'repr-digest'],
  ...['digest', 'accept-ranges'],
];

const plainHost = /^(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
const plainPath = /^(?:\/[\w.~-]+)*$/;

/** Rewrites the addresses in one answer, so that whoever follows them comes to Keyshift again. */
export class AnswerLinks {
  readonly #from: readonly string[];
  readonly #to: string;

  /** @param to what addresses begin with instead */
  constructor(apiUrl: string, to: string) {
    this.#from = [...new Set([apiUrl, klaviyoEndpoints.apiUrl])];
    this.#to = to;
  }

  /** Something for the body to go through; nothing for what is no JSON, or a part of it. */
  rewriter(status: number, headers: IncomingHttpHeaders): LinkRewriter | undefined {
    const isJson = /^application\/(?:[\w.-]+\+)?json\b/i.test(headers['content-type'] ?? '');
    if (!isJson || status === 206) return undefined;
    return new LinkRewriter(this.#from, this.#to);
  }

  /** @param rewritten whether the body goes through a rewriter */
  headers(headers: IncomingHttpHeaders, rewritten: boolean): IncomingHttpHeaders {
    const changed = { ...headers };
    const { location, etag } = headers;
    const origin = this.#from.find((each) => location?.startsWith(each));
    if (location !== undefined && origin !== undefined) {
      const rest = location.slice(origin.length);
      if (/^(?:[/?#]|$)/.test(rest)) changed.location = this.#to + rest;
    }
    if (!rewritten) return changed;
    for (const name of aboutBytes) Reflect.deleteProperty(changed, name);
    // The same answer for whoever asks for it again, but not byte for byte.
    if (etag?.startsWith('"')) changed.etag = `W/${etag}`;
    return changed;
  }
}

/**
 * What the addresses in an answer begin with: PUBLIC_URL, where the caller called its host; else the
 * host that it called, with the path under which an application has mounted Keyshift.
 */
export function calledBase(
  { scheme, host }: RequestOrigin,
  request: IncomingMessage & { readonly originalUrl?: string },
  publicUrl: string,
): string {
  if (host === undefined || !plainHost.test(host)) return publicUrl;
  if (host.toLowerCase() === new URL(publicUrl).host) return publicUrl;
  const { url = '', originalUrl = url } = request;
  const mount = originalUrl.endsWith(url)
    ? originalUrl.slice(0, originalUrl.length - url.length)
    : '';
  return `${scheme}://${host}${plainPath.test(mount) ? mount : ''}`;
}
