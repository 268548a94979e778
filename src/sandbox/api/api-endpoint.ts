import { betaOperations, findOperation, type OperationMatch } from '../../klaviyo/operations.ts';
import { traced, type Reply, type RequestTrace } from '../http/reply.ts';
import type { SandboxRequest } from '../http/sandbox-request.ts';
import type { SandboxContext } from '../context/sandbox-context.ts';
import type { ApiErrors } from '../context/api-error.ts';
import {
  authenticate,
  callerOfCompany,
  lackingScopes,
  type AuthenticationFailure,
  type Caller,
} from './authenticate.ts';
import { handlers } from './resource-registry.ts';
import { answerOtherMethod, corsHeaders } from './other-method.ts';
import { refuseRevision } from './revision.ts';

const betaIds = new Set(betaOperations.map(({ id }) => id));

/** A request whose operation and caller are known. */
interface KnownCall {
  readonly context: SandboxContext;
  readonly request: SandboxRequest;
  readonly match: OperationMatch;
  readonly caller: Caller;
}

/**
 * Answers a request under `/api` or `/client`: finds the operation in the operations table, then
 * checks credential (401), revision (400), scopes (403) and limits (429) before the operation
 * itself, which answers 501 where the sandbox lacks it. `/client` needs no credential.
 */
export function answerApi(context: SandboxContext, request: SandboxRequest): Reply {
  const { errors, state, clock } = context;
  // Whoever asks for HEAD gets the answer of GET; Node leaves its body out.
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const match = findOperation(method, request.path);
  if (!match) return answerOtherMethod(errors, request);
  const operation = match.operation.id;
  if (request.path.startsWith('/client/')) return answerClient(context, request, match);
  const caller = authenticate(request.headers.authorization, state, clock.now());
  if (typeof caller === 'string') return traced(unauthenticated(errors, caller), { operation });
  const reply =
    refuseForRevision(errors, request, match) ??
    refuseForScopes(errors, match, caller) ??
    answerWithinLimits({ context, request, match, caller });
  return traced(reply, traceOf(match, caller));
}

/** Answers under `/client`, to pages of any origin: the company id stands for a credential. */
function answerClient(
  context: SandboxContext,
  request: SandboxRequest,
  match: OperationMatch,
): Reply {
  const { errors, state } = context;
  const companyId = new URLSearchParams(request.search).get('company_id');
  const caller = callerOfCompany(companyId ?? '', state);
  const reply =
    refuseForRevision(errors, request, match) ??
    (caller
      ? answerWithinLimits({ context, request, match, caller })
      : errors.invalid('company_id must be the public id of an account.', {
          parameter: 'company_id',
        }));
  const headers = { ...reply.headers, ...corsHeaders };
  const accountId = caller && { accountId: caller.account.id };
  return traced({ ...reply, headers }, { operation: match.operation.id, ...accountId });
}

function traceOf({ operation }: OperationMatch, { credential, account }: Caller): RequestTrace {
  return { operation: operation.id, credential, accountId: account.id };
}

const failures = {
  not_authenticated: {
    title: 'Authentication credentials were not provided.',
    detail: 'Missing or invalid private key.',
  },
  authentication_failed: {
    title: 'Incorrect authentication credentials.',
    detail: 'Incorrect authentication credentials.',
  },
} as const satisfies Record<AuthenticationFailure, { title: string; detail: string }>;

function unauthenticated(errors: ApiErrors, code: AuthenticationFailure): Reply {
  const headers = { 'www-authenticate': 'Bearer, Klaviyo-API-Key' };
  return errors.error({ status: 401, code, ...failures[code], headers });
}

function refuseForRevision(
  errors: ApiErrors,
  request: SandboxRequest,
  { operation }: OperationMatch,
): Reply | undefined {
  const revision = request.headers['revision'];
  const text = Array.isArray(revision) ? revision.join(', ') : revision;
  const detail = refuseRevision(text, betaIds.has(operation.id));
  return detail === undefined ? undefined : errors.invalid(detail);
}

function refuseForScopes(
  errors: ApiErrors,
  { operation }: OperationMatch,
  caller: Caller,
): Reply | undefined {
  const lacking = lackingScopes(caller.scopes, operation.scopes);
  if (lacking.length === 0) return undefined;
  return errors.error({
    status: 403,
    code: 'permission_denied',
    title: 'You do not have permission to perform this action.',
    detail: `Your credentials are missing required scopes: ${lacking.join(', ')}`,
  });
}

function answerWithinLimits(call: KnownCall): Reply {
  const { context, match, caller } = call;
  const decision = context.limiter?.take(match.operation, caller.quota);
  if (decision && !decision.allowed) return throttled(context.errors, decision.retryAfterSec);
  const reply = answerOperation(call);
  return decision ? { ...reply, headers: { ...reply.headers, ...decision.headers } } : reply;
}

function throttled(errors: ApiErrors, retryAfterSec: number): Reply {
  return errors.error({
    status: 429,
    code: 'throttled',
    title: 'Request was throttled.',
    detail: `Request was throttled. Expected available in ${retryAfterSec} seconds.`,
    headers: { 'retry-after': String(retryAfterSec) },
  });
}

function answerOperation({ context, request, match, caller }: KnownCall): Reply {
  const { operation } = match;
  const { errors, state } = context;
  const handler = handlers.get(operation.id);
  if (!handler) return notImplemented(errors, match);
  const params = decodeParams(match.params);
  if (!params) return errors.invalid('The path is not validly percent-encoded.');
  return handler({
    context,
    request,
    operation,
    params,
    query: new URLSearchParams(request.search),
    caller,
    get resources() {
      return state.resources(caller.account.id);
    },
    errors,
  });
}

function notImplemented(errors: ApiErrors, { operation }: OperationMatch): Reply {
  return errors.notImplemented(`${operation.id} (${operation.method} ${operation.path})`);
}

function decodeParams(
  params: Readonly<Record<string, string>>,
): Record<string, string> | undefined {
  try {
    return Object.fromEntries(
      Object.entries(params).map(([name, value]) => [name, decodeURIComponent(value)]),
    );
  } catch {
    return undefined;
  }
}
