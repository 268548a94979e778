import { Hono } from 'hono';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { HttpReply } from '../../runtime/whole-reply.ts';
import { parseRetryAfterSec } from '../../runtime/retry-after.ts';
import type { HttpDeps, HttpEnv } from '../http-context.ts';

const deadlineMs = 10_000;

/** `GET /whoami`: Klaviyo's own answer about the account of a bearer token, status and all. */
export function createWhoamiRoutes(deps: HttpDeps<'config' | 'http' | 'clock'>): Hono<HttpEnv> {
  const { config, http, clock } = deps.keyshift;
  const routes = new Hono<HttpEnv>();
  const url = `${config.endpoints.apiUrl}/api/accounts`;

  routes.get('/', async (context) => {
    const authorization = context.req.header('authorization') ?? '';
    if (!/^Bearer +\S+$/i.test(authorization)) {
      const error = new KeyshiftError(
        'unauthenticated',
        'The request needs Authorization: Bearer <access token>.',
        { fix: 'Send the access token that /auth/callback returned.' },
      );
      return context.json(error.toJSON(), 401, { 'www-authenticate': 'Bearer' });
    }
    const reply = await http.send({
      method: 'GET',
      url,
      headers: {
        accept: 'application/vnd.api+json',
        authorization,
        revision: context.req.header('revision') ?? config.revision,
      },
      deadlineMs,
    });
    assertReadable(reply, clock.now());
    return context.body(reply.body, reply.status as 200, passedHeaders(reply));
  });

  return routes;
}

/** An answer that is not JSON is not Klaviyo's API speaking: 429 and 503 stay, the rest is a 502. */
function assertReadable(reply: HttpReply, nowMs: number): void {
  if (isJson(reply.body)) return;
  const retryAfterSec = parseRetryAfterSec(reply.headers['retry-after'], nowMs);
  const code =
    reply.status === 429
      ? 'upstream_throttled'
      : reply.status === 503
        ? 'upstream_unavailable'
        : 'upstream_unreadable';
  throw new KeyshiftError(
    code,
    `Klaviyo answered ${reply.status} without JSON.`,
    retryAfterSec === undefined ? {} : { retryAfterSec },
  );
}

function isJson(body: string): boolean {
  try {
    JSON.parse(body);
    return true;
  } catch {
    return false;
  }
}

function passedHeaders(reply: HttpReply): Record<string, string> {
  const headers: Record<string, string> = { 'cache-control': 'no-store' };
  for (const name of ['content-type', 'retry-after', 'www-authenticate', 'ratelimit-reset']) {
    const value = reply.headers[name];
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}
