import type { MiddlewareHandler, Next } from 'hono';
import type { SandboxContext } from '../context/sandbox-context.ts';
import { pathOf, type SandboxCall, type SandboxEnv } from '../http/sandbox-env.ts';
import { isJsonObject } from '../state/json.ts';
import type { FaultPlan } from './fault-plan.ts';
import type { Fault, FaultPhase } from './fault.ts';
import { foresee } from './foresee.ts';

/** What injecting faults needs. */
export interface FaultInjection {
  readonly context: SandboxContext;
  readonly faults: FaultPlan;
  /** Ends a delay, with the signal's reason as the rejection. */
  readonly signal: AbortSignal;
}

/** Carries out the fault planned for a request, around or instead of its processing. */
export function injectFaults(injection: FaultInjection): MiddlewareHandler<SandboxEnv> {
  const { context, faults } = injection;
  return async (c, next) => {
    const fault = faults.take({
      method: c.req.method,
      path: pathOf(c),
      trace: () => foresee(context, c),
    });
    if (!fault) return next();
    c.set('fault', fault.kind);
    await applyFault(injection, fault, c, next);
  };
}

async function applyFault(
  { context, signal }: FaultInjection,
  fault: Fault,
  c: SandboxCall,
  next: Next,
): Promise<void> {
  switch (fault.kind) {
    case 'status':
      await replace(c, next, fault.phase ?? 'before', statusAnswer(fault));
      break;
    case 'html':
      await replace(c, next, fault.phase ?? 'before', edgeAnswer(fault));
      break;
    case 'empty':
      await replace(c, next, fault.phase ?? 'after', emptyAnswer(fault.status ?? 200));
      break;
    case 'delay':
      if (fault.phase === 'after') await next();
      await context.clock.sleep(fault.delayMs, signal);
      if (fault.phase !== 'after') await next();
      break;
    case 'reset_before':
      c.set('send', 'nothing');
      c.res = emptyAnswer(200);
      break;
    case 'reset_after':
      await next();
      c.set('send', 'nothing');
      break;
    case 'truncated':
      await next();
      c.set('send', 'half');
      break;
    case 'token_reply':
      await next();
      putAnswer(c, await alterTokens(c.res, fault));
      break;
    default:
      fault satisfies never;
  }
}

/** Sends another answer. Processing tells the log the operation, where it takes place. */
async function replace(
  c: SandboxCall,
  next: Next,
  phase: FaultPhase,
  other: Response,
): Promise<void> {
  if (phase === 'after') await next();
  putAnswer(c, other);
}

/** Puts an answer in the place of another: hono would keep the headers of the first. */
function putAnswer(c: SandboxCall, other: Response): void {
  c.res = undefined;
  c.res = other;
}

function emptyAnswer(status: number): Response {
  return new Response(
    null,
    isBodiless(status) ? { status } : { status, headers: { 'content-length': '0' } },
  );
}

function statusAnswer(fault: Extract<Fault, { kind: 'status' }>): Response {
  const { status, headers, body = { error: 'injected', status } } = fault;
  const isText = typeof body === 'string';
  const type = isText ? 'text/plain' : 'application/json';
  const text = isText ? body : JSON.stringify(body);
  return new Response(isBodiless(status) ? null : text, {
    status,
    headers: { 'content-type': type, ...headers },
  });
}

/** Whether a response of this status may not be given a body. */
function isBodiless(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

function edgeAnswer(fault: Extract<Fault, { kind: 'html' }>): Response {
  const status = fault.status ?? 403;
  const page =
    '<!DOCTYPE html><html><head><title>Just a moment...</title></head><body></body></html>';
  return new Response(isBodiless(status) ? null : page, {
    status,
    headers: {
      'content-type': 'text/html; charset=UTF-8',
      server: 'cloudflare',
      'cf-mitigated': 'challenge',
      ...fault.headers,
    },
  });
}

async function alterTokens(
  given: Response,
  fault: Extract<Fault, { kind: 'token_reply' }>,
): Promise<Response> {
  const text = await given.clone().text();
  const fields: unknown = given.status === 200 && text !== '' ? JSON.parse(text) : null;
  if (!isJsonObject(fields)) return given;
  const kept = Object.entries(fields).filter(([name]) => !fault.omit?.includes(name));
  const body = JSON.stringify({ ...Object.fromEntries(kept), ...fault.body });
  const headers = new Headers(given.headers);
  headers.delete('content-length');
  return new Response(body, { status: given.status, headers });
}
