import type { Clock } from '../../runtime/clock.ts';
import type { Reply } from '../http/reply.ts';
import { isJsonObject } from '../state/json.ts';
import type { Fault, FaultPhase } from './fault.ts';

/** What to do with a request. `reply` is what it led to, also when nothing of it is sent. */
export interface Outcome {
  readonly reply: Reply | undefined;
  readonly send: 'all' | 'half' | 'nothing';
}

type Process = () => Reply;

/**
 * Carries out a fault around the processing of a request.
 *
 * @param signal ends a delay, with the signal's reason as the rejection
 */
export async function applyFault(
  fault: Fault,
  process: Process,
  clock: Clock,
  signal: AbortSignal,
): Promise<Outcome> {
  switch (fault.kind) {
    case 'status':
      return replace(fault.phase ?? 'before', process, statusReply(fault));
    case 'html':
      return replace(fault.phase ?? 'before', process, edgeReply(fault));
    case 'empty':
      return replace(fault.phase ?? 'after', process, {
        status: fault.status ?? 200,
        headers: {},
        body: '',
      });
    case 'delay': {
      const early = fault.phase === 'after' ? process() : undefined;
      await clock.sleep(fault.delayMs, signal);
      return { reply: early ?? process(), send: 'all' };
    }
    case 'reset_before':
      return { reply: undefined, send: 'nothing' };
    case 'reset_after':
      return { reply: process(), send: 'nothing' };
    case 'truncated':
      return { reply: process(), send: 'half' };
    case 'token_reply':
      return { reply: alterTokens(process(), fault), send: 'all' };
    default:
      return fault satisfies never;
  }
}

/** Sends another answer; the trace of the real one stays, so that the log knows the operation. */
function replace(phase: FaultPhase, process: Process, other: Reply): Outcome {
  const trace = phase === 'after' ? process().trace : undefined;
  return { reply: trace ? { ...other, trace } : other, send: 'all' };
}

function statusReply(fault: Extract<Fault, { kind: 'status' }>): Reply {
  const { status, headers, body = { error: 'injected', status } } = fault;
  const isText = typeof body === 'string';
  return {
    status,
    headers: { 'content-type': isText ? 'text/plain' : 'application/json', ...headers },
    body: isText ? body : JSON.stringify(body),
  };
}

function edgeReply(fault: Extract<Fault, { kind: 'html' }>): Reply {
  return {
    status: fault.status ?? 403,
    headers: {
      'content-type': 'text/html; charset=UTF-8',
      server: 'cloudflare',
      'cf-mitigated': 'challenge',
      ...fault.headers,
    },
    body: '<!DOCTYPE html><html><head><title>Just a moment...</title></head><body></body></html>',
  };
}

function alterTokens(reply: Reply, fault: Extract<Fault, { kind: 'token_reply' }>): Reply {
  const answer: unknown = reply.status === 200 && reply.body !== '' ? JSON.parse(reply.body) : null;
  if (!isJsonObject(answer)) return reply;
  const kept = Object.entries(answer).filter(([name]) => !fault.omit?.includes(name));
  return { ...reply, body: JSON.stringify({ ...Object.fromEntries(kept), ...fault.body }) };
}
