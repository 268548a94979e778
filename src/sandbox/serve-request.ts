import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerOwn, isOwn } from './answer-own.ts';
import { refuseControl } from './control/guard-control.ts';
import type { SandboxControl } from './control/sandbox-control.ts';
import type { Engine } from './engine.ts';
import { applyFault, type Outcome } from './faults/apply-fault.ts';
import { foresee } from './faults/foresee.ts';
import { textReply, type Reply } from './http/reply.ts';
import { readRequest, type RequestHead, type SandboxRequest } from './http/sandbox-request.ts';
import { sendHalf, sendReply } from './http/send-reply.ts';
import { answer } from './router.ts';
import type { SandboxContext } from './context/sandbox-context.ts';

/** What serving needs besides the request. */
export interface Serving {
  readonly engine: Engine;
  readonly control: SandboxControl;
  /** Aborted when the sandbox closes. */
  readonly signal: AbortSignal;
  /** Whether other machines may control the sandbox. */
  readonly remoteControl: boolean;
}

/** Reads a request, applies the fault planned for it, answers and records it. Never rejects. */
export async function serveRequest(
  serving: Serving,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const request = await readRequest(incoming, (head) => refusal(serving, head) !== undefined);
    send(response, await carryOut(serving, request));
  } catch {
    // The client went away in the middle of its request, or the sandbox is closing.
    response.destroy();
  }
}

/** Applies the fault planned for a request, answers and records it. */
export async function carryOut(serving: Serving, request: SandboxRequest): Promise<Outcome> {
  if (isOwn(request.path)) return { reply: answerOwnSafely(serving, request), send: 'all' };
  const { engine, signal } = serving;
  const { context, faults, log } = engine;
  const { method, path } = request;
  const fault = faults.take({ method, path, trace: () => foresee(context, request) });
  const process = () => safely(context, () => answer(context, request));
  const outcome: Outcome = fault
    ? await applyFault(fault, process, context.clock, signal)
    : { reply: process(), send: 'all' };
  log.record(request, outcome.reply, context.clock.now(), fault?.kind);
  if (request.method !== 'GET') engine.changed();
  return outcome;
}

/** No fault applies to the page and the control routes, and no log remembers them. */
function answerOwnSafely(serving: Serving, request: SandboxRequest): Reply {
  const { context } = serving.engine;
  const reason = refusal(serving, request);
  if (reason !== undefined) return textReply(403, `${reason}\n`);
  return safely(context, () => answerOwn(context, serving.control, request));
}

/** Why the sandbox's own routes are closed to a request: known before its body is read. */
function refusal({ remoteControl }: Serving, head: RequestHead): string | undefined {
  return isOwn(head.path) ? refuseControl(head, remoteControl) : undefined;
}

function safely(context: SandboxContext, process: () => Reply): Reply {
  try {
    return process();
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
