/**
 * A token engine in a process of its own: does what its parent tells it by messages, and sends
 * itself a signal at a step of a refresh when it was told to. Ends when its parent does.
 */
import { writeSync } from 'node:fs';
import { KeyshiftError } from '../../src/errors/keyshift-error.ts';
import type { RefreshStep } from '../../src/tokens/refresh-attempt.ts';
import type { CallTally, EngineCommand, EngineRequest } from './engine-process-messages.ts';
import { apiRevision, openEngineParts, type EngineParts } from './engine-process-parts.ts';
import { createShiftedClock } from './shifted-clock.ts';

let clock = createShiftedClock();
let parts: (EngineParts & { readonly clientId: string; readonly sandboxUrl: string }) | undefined;
let trap: Extract<EngineCommand, { do: 'signal' }> | undefined;

function onStep(step: RefreshStep): void {
  if (trap?.step !== step) return;
  const { signal, stoodStillMs = 0 } = trap;
  trap = undefined;
  // Written at once: nothing is sent any more once the signal is there.
  writeSync(1, `${signal}\n`);
  process.kill(process.pid, signal);
  clock.pass(stoodStillMs);
}

const hourMs = 3_600_000;

/** Counts how the calls of one command end. */
function createTally() {
  const statuses: Record<string, number> = {};
  const errors: Record<string, number> = {};
  const generations = new Set<number>();
  let retryAfterSec = 0;
  return {
    status: (status: number) => (statuses[status] = (statuses[status] ?? 0) + 1),
    generation: (generation: number) => generations.add(generation),
    error(error: unknown) {
      if (!(error instanceof KeyshiftError)) throw error;
      errors[error.code] = (errors[error.code] ?? 0) + 1;
      retryAfterSec = Math.max(retryAfterSec, error.retryAfterSec ?? 0);
    },
    read: (): CallTally => ({
      statuses,
      errors,
      generations: [...generations].sort((a, b) => a - b),
      retryAfterSec,
    }),
  };
}

async function carryOut(command: EngineCommand): Promise<CallTally> {
  const tally = createTally();
  const atOnce = (callers: number, call: (index: number) => Promise<unknown>) =>
    Promise.all(Array.from({ length: callers }, (_, index) => call(index).catch(tally.error)));
  switch (command.do) {
    case 'open':
      await parts?.[Symbol.asyncDispose]();
      clock = createShiftedClock();
      trap = undefined;
      parts = {
        ...(await openEngineParts(command.setup, { clock, onStep })),
        clientId: command.setup.clientId,
        sandboxUrl: command.setup.sandboxUrl,
      };
      break;
    case 'call':
      await atOnce(command.callers, () => callWithToken(command, tally));
      break;
    case 'fetch':
      await atOnce(command.callers, async (index) => {
        const { customerIds, path } = command;
        const customerId = customerIds[index % customerIds.length] ?? '';
        const response = await opened().connection({ customerId }).fetch(path);
        await response.dump();
        tally.status(response.status);
      });
      break;
    case 'refused':
      await atOnce(command.callers, async () => {
        const grant = await opened().engine.afterUnauthorized(
          { clientId: opened().clientId, accountId: command.accountId },
          command.generation,
        );
        tally.generation(grant.generation);
      });
      break;
    case 'loop':
      await refreshUntilFailure(command.accountId).catch(tally.error);
      break;
    case 'signal':
      trap = command;
      break;
    case 'skip':
      clock.pass(command.ms);
      break;
    case 'skip_to':
      clock.pass(Math.max(0, command.atMs - clock.now()));
      break;
    default:
      command satisfies never;
  }
  return tally.read();
}

function opened() {
  if (!parts) throw new Error('the first command must be "open"');
  return parts;
}

async function callWithToken(
  { accountId, path }: Extract<EngineCommand, { do: 'call' }>,
  tally: ReturnType<typeof createTally>,
): Promise<void> {
  const { engine, http, clientId, sandboxUrl } = opened();
  const grant = await engine.liveGrant({ clientId, accountId });
  tally.generation(grant.generation);
  const reply = await http.send({
    method: 'GET',
    url: `${sandboxUrl}${path}`,
    headers: { authorization: `Bearer ${grant.accessToken.reveal()}`, revision: apiRevision },
    deadlineMs: 55_000,
  });
  tally.status(reply.status);
}

async function refreshUntilFailure(accountId: string): Promise<never> {
  const { engine, clientId } = opened();
  const key = { clientId, accountId };
  for (;;) {
    await engine.liveGrant(key);
    clock.pass(2 * hourMs);
  }
}

process.on('message', (message) => {
  const { id, command } = message as EngineRequest;
  carryOut(command).then(
    (tally) => process.send?.({ id, tally }),
    (error: unknown) => process.send?.({ id, defect: String((error as Error).stack) }),
  );
});
process.on('disconnect', () => process.exit());
