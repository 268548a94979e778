import { findOperation, type Operation, type OperationMatch } from '../../klaviyo/operations.ts';
import {
  mediaType,
  pathOf,
  queryOf,
  searchOf,
  trace,
  trimSlash,
  type SandboxCall,
} from '../http/sandbox-env.ts';
import type { SandboxContext } from '../context/sandbox-context.ts';
import type { ApiErrors, ApiReply } from '../context/api-error.ts';
import {
  authenticate,
  callerOfCompany,
  lackingScopes,
  type AuthenticationFailure,
  type Caller,
} from './authenticate.ts';
import { handlers } from './resource-registry.ts';
import { answerOtherMethod, corsHeaders } from './other-method.ts';
import { checkRevision, revisionHeader } from './revision.ts';

/** A request whose operation and caller are known. */
interface KnownCall {
  readonly context: SandboxContext;
  readonly c: SandboxCall;
  readonly match: OperationMatch;
  readonly caller: Caller;
}

/**
 * Answers a request under `/api` or `/client`: finds the operation in the operations table, then
 * checks credential (401), revision (400), scopes (403) and limits (429) before the operation
 * itself, which answers 501 where the sandbox lacks it. `/client` needs no credential.
 */
export function answerApi(context: SandboxContext, c: SandboxCall): ApiReply {
  const { errors, state, clock } = context;
  context.catchUp();
  const path = pathOf(c);
  const match = findOperation(c.req.method === 'HEAD' ? 'GET' : c.req.method, path);
  if (!match) return answerOtherMethod(errors, c.req.method, path);
  trace(c, { operation: match.operation.id });
  if (path.startsWith('/client/')) return answerClient(context, c, match);
  const caller = authenticate(c.req.header('authorization'), state, clock.now());
  if (typeof caller === 'string') return unauthenticated(errors, caller);
  trace(c, { credential: caller.credential, accountId: caller.account.id });
  return underRevision(
    context,
    c,
    match,
    () =>
      refuseForScopes(errors, match, caller) ?? answerWithinLimits({ context, c, match, caller }),
  );
}

/** Answers under `/client`, to pages of any origin: the company id stands for a credential. */
function answerClient(context: SandboxContext, c: SandboxCall, match: OperationMatch): ApiReply {
  const { errors, state } = context;
  const caller = callerOfCompany(queryOf(c).get('company_id') ?? '', state);
  if (caller) trace(c, { accountId: caller.account.id });
  const reply = underRevision(context, c, match, () =>
    caller
      ? answerWithinLimits({ context, c, match, caller })
      : errors.invalid('company_id must be the public id of an account.', {
          parameter: 'company_id',
        }),
  );
  return { ...reply, headers: { ...reply.headers, ...corsHeaders } };
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

function unauthenticated(errors: ApiErrors, code: AuthenticationFailure): ApiReply {
  const headers = { 'www-authenticate': 'Bearer, Klaviyo-API-Key' };
  return errors.error({ status: 401, code, ...failures[code], headers });
}

/** Answers where the operation exists under the revision sent, and says how that was understood. */
function underRevision(
  { errors, settings }: SandboxContext,
  c: SandboxCall,
  { operation }: OperationMatch,
  answer: () => ApiReply,
): ApiReply {
  const checked = checkRevision(errors, settings, operation, c.req.header('revision'));
  if ('refusal' in checked) return checked.refusal;
  const reply = answer();
  if (checked.note === undefined) return reply;
  return { ...reply, headers: { ...reply.headers, [revisionHeader]: checked.note } };
}

function refuseForScopes(
  errors: ApiErrors,
  { operation }: OperationMatch,
  caller: Caller,
): ApiReply | undefined {
  const optional = caller.credential === 'oauth' ? [] : (operation.optionalScopes ?? []);
  const lacking = lackingScopes(caller.scopes, [...operation.scopes, ...optional]);
  if (lacking.length === 0) return undefined;
  return errors.denied(`Your credentials are missing required scopes: ${lacking.join(', ')}`);
}

function answerWithinLimits(call: KnownCall): ApiReply {
  const { context, match, caller } = call;
  const operation = limitedOperation(match.operation, queryOf(call.c));
  const decision = context.limiter?.take(operation, caller.quota);
  if (decision && !decision.allowed) return context.errors.throttled(decision.retryAfterSec);
  const reply = answerOperation(call);
  return decision ? { ...reply, headers: { ...reply.headers, ...decision.headers } } : reply;
}

/** Fields that are dear to compute, and the limits of calls that ask for them. */
const dearFields: readonly (readonly [
  field: string,
  limits: Pick<Operation, 'burst' | 'steady'>,
])[] = [
  ['profile_count', { burst: '1/s', steady: '15/m' }],
  ['predictive_analytics', { burst: '10/s', steady: '150/m' }],
];

/** The operation as its limits count: those with dear fields are counted apart (recorded for lists). */
function limitedOperation(operation: Operation, query: URLSearchParams): Operation {
  for (const [field, limits] of query.size === 0 ? [] : dearFields) {
    for (const [name, value] of query) {
      if (!name.startsWith('additional-fields[') || !value.split(',').includes(field)) continue;
      return { ...operation, ...limits, id: `${operation.id}+${field}` };
    }
  }
  return operation;
}

function answerOperation({ context, c, match, caller }: KnownCall): ApiReply {
  const { operation } = match;
  const { errors, state } = context;
  const handler = handlers.get(operation.id);
  if (!handler) return notImplemented(errors, match);
  const params = decodeParams(match.params);
  if (!params) return errors.invalid('The path is not validly percent-encoded.');
  return handler({
    context,
    path: trimSlash(pathOf(c)),
    mediaType: mediaType(c),
    body: c.var.body ?? Buffer.alloc(0),
    operation,
    params,
    query: queryOf(c),
    search: searchOf(c),
    caller,
    get resources() {
      return state.resources(caller.account.id);
    },
    errors,
  });
}

function notImplemented(errors: ApiErrors, { operation }: OperationMatch): ApiReply {
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
