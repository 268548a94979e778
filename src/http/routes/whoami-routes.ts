import { hash } from 'node:crypto';
import { Hono } from 'hono';
import { createAsk } from '../../calls/ask.ts';
import { secretSource } from '../../calls/credential-source.ts';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { upstreamCode } from '../../klaviyo/upstream-code.ts';
import type { HttpReply } from '../../runtime/http-client.ts';
import { createGuessLimiter } from '../../runtime/guess-limiter.ts';
import { randomToken } from '../../runtime/random.ts';
import { parseRetryAfterSec } from '../../runtime/retry-after.ts';
import { Secret } from '../../runtime/secret.ts';
import { originOf, type HttpDeps, type HttpEnv } from '../http-context.ts';

const deadlineMs = 10_000;

/** Klaviyo is asked about each token, from here: wrong ones must stay few. */
const guessesOfOne = { failures: 30, atOnce: 1, pauseMs: 250, mostWaiting: 20 };
const guessesOfAll = { failures: 300, atOnce: 4, pauseMs: 250, mostWaiting: 500 };
/** Tokens whose owners never meet those limits. */
const rememberedTokens = 10_000;

/** `GET /whoami`: Klaviyo's own answer about the account of a bearer token, status and all. */
export function createWhoamiRoutes(
  deps: HttpDeps<'config' | 'http' | 'clock' | 'random' | 'readOrigin'>,
): Hono<HttpEnv> {
  const { config, clock } = deps.keyshift;
  const ask = createAsk({ ...deps.keyshift, apiUrl: config.endpoints.apiUrl });
  const guesses = createGuessLimiter(clock, guessesOfOne, guessesOfAll);
  const pepper = randomToken(deps.keyshift.random);
  const known = new Set<string>();
  const routes = new Hono<HttpEnv>();

  /** Remembers a token, by a hash, for as long as Klaviyo accepts it. */
  function remember(name: string, { status }: HttpReply): void {
    if (status === 401) known.delete(name);
    if (status !== 200) return;
    known.add(name);
    if (known.size > rememberedTokens) known.delete(known.keys().next().value ?? '');
  }

  routes.get('/', async (context) => {
    const token = /^Bearer +(\S+)$/i.exec(context.req.header('authorization') ?? '')?.[1];
    if (token === undefined) {
      const error = new KeyshiftError(
        'unauthenticated',
        'The request needs Authorization: Bearer <access token>.',
        { fix: 'Send the access token that /auth/callback returned.' },
      );
      return context.json(error.toPublicJSON(), 401, { 'www-authenticate': 'Bearer' });
    }
    const revision = context.req.header('revision') ?? config.revision;
    const askKlaviyo = () =>
      ask(secretSource(new Secret('access_token', token)), {
        path: '/api/accounts',
        headers: ['accept', 'application/vnd.api+json', 'revision', revision],
        deadlineMs,
        // Whoever asks decides whether to ask again.
        attempts: 1,
      });
    const name = hash('sha256', pepper + token, 'base64');
    const { address } = originOf(context, deps);
    const reply = known.has(name)
      ? await askKlaviyo()
      : await guesses.check(address, askKlaviyo, ({ status }) => status === 401);
    remember(name, reply);
    assertReadable(reply, clock.now());
    return context.body(reply.body, reply.status as 200, passedHeaders(reply));
  });

  return routes;
}

/** An answer that is not JSON is not Klaviyo's API speaking. */
function assertReadable(reply: HttpReply, nowMs: number): void {
  if (isJson(reply.body)) return;
  const retryAfterSec = parseRetryAfterSec(reply.headers['retry-after'], nowMs);
  throw new KeyshiftError(
    upstreamCode(reply.status),
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
