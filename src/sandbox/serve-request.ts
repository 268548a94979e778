import type { IncomingMessage, ServerResponse } from 'node:http';
import { applyFault, type Outcome } from './faults/apply-fault.ts';
import type { FaultPlan } from './faults/fault-plan.ts';
import { readRequest, type SandboxRequest } from './http/sandbox-request.ts';
import { sendHalf, sendReply } from './http/send-reply.ts';
import type { RequestLog } from './request-log.ts';
import { answer } from './router.ts';
import type { SandboxContext } from './sandbox-context.ts';

/** What serving needs besides the request. */
export interface Serving {
  readonly context: SandboxContext;
  readonly log: RequestLog;
  readonly faults: FaultPlan;
  /** Called after a request that may have changed the state. */
  readonly changed: () => void;
  /** Aborted when the sandbox closes. */
  readonly signal: AbortSignal;
}

/** Reads a request, applies the fault planned for it, answers and records it. Never rejects. */
export async function serveRequest(
  serving: Serving,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const request = await readRequest(incoming);
    const outcome = await carryOut(serving, request);
    if (request.method !== 'GET') serving.changed();
    send(response, outcome);
  } catch {
    // The client went away in the middle of its request, or the sandbox is closing.
    response.destroy();
  }
}

async function carryOut(serving: Serving, request: SandboxRequest): Promise<Outcome> {
  const { context, log, faults, signal } = serving;
  const fault = faults.take(request.method, request.path);
  const process = () => answerSafely(context, request);
  const outcome: Outcome = fault
    ? await applyFault(fault, process, context.clock, signal)
    : { reply: process(), send: 'all' };
  log.record(request, outcome.reply, context.clock.now(), fault?.kind);
  return outcome;
}

function answerSafely(context: SandboxContext, request: SandboxRequest) {
  try {
    return answer(context, request);
  } catch (error) {
    const detail = `A defect of the sandbox: ${error instanceof Error ? error.name : 'unknown'}.`;
    return context.errors.error({ status: 500, code: 'error', title: 'A server error.', detail });
  }
}

function send(response: ServerResponse, { reply, send: amount }: Outcome): void {
  if (!reply || amount === 'nothing') response.destroy();
  else if (amount === 'half') sendHalf(response, reply);
  else sendReply(response, reply);
}
