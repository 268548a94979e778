import { describe, expect, it } from 'vitest';
import { createRateWindows } from '../calls/rate-windows.ts';
import type { OutgoingCall } from '../calls/driver.ts';
import { createManualClock } from '../runtime/clock.ts';
import { createLanes, ProxyGate } from './proxy-gate.ts';

const clock = createManualClock();
const call = { patientUntilMs: clock.now() + 10_000 } as OutgoingCall;
const waiter = {
  signal: undefined,
  throwIfGone: () => undefined,
  within: <Result>(work: Promise<Result>) => work,
};

/** Enters with calls of one customer until one has to wait; they are all that did not. */
function fill(gateOf: () => ProxyGate): ProxyGate[] {
  const gates: ProxyGate[] = [];
  for (;;) {
    const gate = gateOf();
    const wait = gate.enter(call, waiter);
    if (wait) {
      wait.catch(() => undefined);
      return gates;
    }
    gates.push(gate);
  }
}

function gatesOf(customer: string) {
  const gates = { windows: createRateWindows(), lanes: createLanes(384, clock), clock };
  const party = { account: customer, connection: customer };
  return (streamed: boolean) => () => new ProxyGate(gates, party, streamed);
}

describe('the gate of the proxy', () => {
  it('holds no place for ordinary calls while a caller streams a body up', () => {
    const gateOf = gatesOf('acme');
    expect(fill(gateOf(true)).length).toBe(38);
    expect(fill(gateOf(false)).length).toBe(75);
  });

  it('frees the place of a caller that is slow to read, for whoever waits', async () => {
    const gateOf = gatesOf('acme');
    const first = fill(gateOf(false));
    const waiting = gateOf(false)();
    const admitted = waiting.enter(call, waiter);
    for (const gate of first.slice(0, 2)) gate.stepAside();
    await admitted;
    for (const gate of [...first, waiting]) gate.leave();
    expect(fill(gateOf(true)).length).toBe(38);
  });

  it('leaves a slow reader where it is when there is no room beside', () => {
    const gateOf = gatesOf('acme');
    fill(gateOf(true));
    const first = fill(gateOf(false));
    for (const gate of first) gate.stepAside();
    expect(gateOf(false)().enter(call, waiter)).toBeInstanceOf(Promise);
  });
});
