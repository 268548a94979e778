import * as oauth from 'oauth4webapi';
import { isKeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { HttpClient } from '../runtime/http-client.ts';
import type { HttpReply } from '../runtime/http-client.ts';
import type { Secret } from '../runtime/secret.ts';
import { readTokenReply, type TokenOutcome } from './token-outcome.ts';

/** Builds and sends one request of `oauth4webapi` with the given authentication. */
type SendRequest = (
  auth: oauth.ClientAuth,
  options: oauth.TokenEndpointRequestOptions,
) => Promise<unknown>;

/** What {@link createTokenCaller} works with. */
export interface TokenCallerOptions {
  readonly clientId: string;
  readonly clientSecret: Secret<'client_secret'>;
  readonly previousClientSecret?: Secret<'client_secret'> | undefined;
  readonly http: HttpClient;
  readonly clock: Clock;
}

/** Calls the token and revocation endpoints with whichever client secret Klaviyo takes. */
export interface TokenCaller {
  /** The reply as it came. Throws `upstream_*` when there was none. */
  call(deadlineMs: number, send: SendRequest): Promise<HttpReply>;
  /** What the reply means. `sent` are secrets that an error text must not repeat. */
  callForTokens(
    sent: readonly string[],
    deadlineMs: number,
    send: SendRequest,
  ): Promise<TokenOutcome>;
}

/** Creates the caller. The secret that was taken last is tried first the next time. */
export function createTokenCaller(options: TokenCallerOptions): TokenCaller {
  const { clientId, http, clock } = options;
  const { clientSecret, previousClientSecret } = options;
  let secrets = previousClientSecret ? [clientSecret, previousClientSecret] : [clientSecret];

  async function callWith(
    secret: Secret<'client_secret'>,
    deadlineMs: number,
    send: SendRequest,
  ): Promise<HttpReply> {
    let reply: HttpReply | undefined;
    await send(rawBasicAuth(clientId, secret), {
      // Loopback sandboxes speak plain http; in production the configuration refuses it elsewhere.
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so that it stands out
      [oauth.allowInsecureRequests]: true,
      [oauth.customFetch]: async (url, { method, headers, body }) => {
        const text = body instanceof URLSearchParams ? body.toString() : '';
        reply = await http.send({ method, url, headers, body: text, deadlineMs });
        // The library hands on what it is given: the reply is read here, by our own rules.
        return placeholder;
      },
    });
    if (!reply) throw new Error('the request was not sent');
    return reply;
  }

  async function call(deadlineMs: number, send: SendRequest): Promise<HttpReply> {
    const [first, second] = secrets;
    if (!first) throw new Error('there is no client secret');
    const reply = await callWith(first, deadlineMs, send);
    if (!second || readTokenReply(reply, clock.now()).kind !== 'client_rejected') return reply;
    const retried = await callWith(second, deadlineMs, send);
    if (readTokenReply(retried, clock.now()).kind !== 'client_rejected') secrets = [second, first];
    return retried;
  }

  return {
    call,
    async callForTokens(sent, deadlineMs, send) {
      try {
        const hidden = [...sent, ...secrets.map((secret) => secret.reveal())];
        return readTokenReply(await call(deadlineMs, send), clock.now(), hidden);
      } catch (error) {
        if (!isKeyshiftError(error)) throw error;
        return {
          kind: 'transient',
          status: error.status,
          reason: error.message,
          retryAfterSec: undefined,
          answered: false,
          timedOut: error.code === 'upstream_timeout',
        };
      }
    },
  };
}

const placeholder = new Response(null);

/** HTTP Basic with id and secret as they are: Klaviyo does not percent-decode them. */
function rawBasicAuth(clientId: string, clientSecret: Secret<'client_secret'>): oauth.ClientAuth {
  return (_server, _client, _body, headers) => {
    const credentials = Buffer.from(`${clientId}:${clientSecret.reveal()}`).toString('base64');
    headers.set('authorization', `Basic ${credentials}`);
  };
}
