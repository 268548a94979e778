import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { SandboxCall } from './sandbox-env.ts';

/** JSON of the OAuth endpoints and the control routes. Tokens must not be cached (RFC 6749). */
export function answerJson(
  c: SandboxCall,
  value: object,
  status: ContentfulStatusCode = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return c.json(value, status, { 'cache-control': 'no-store', ...headers });
}

export function answerRedirect(
  c: SandboxCall,
  location: string,
  status: 302 | 303 = 302,
): Response {
  c.header('cache-control', 'no-store');
  c.header('content-length', '0');
  return c.redirect(location, status);
}

/** 405 with the methods that there are. */
export function answerOnly(c: SandboxCall, ...methods: readonly string[]): Response {
  const shown = methods.filter((method) => method !== 'HEAD').join(' or ');
  return c.text(`Use ${shown}.\n`, 405, { allow: methods.join(', ') });
}
