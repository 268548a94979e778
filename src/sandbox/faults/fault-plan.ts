import type { Random } from '../../runtime/random.ts';
import { trimSlash, type RequestTrace } from '../http/sandbox-env.ts';
import { parseFault } from './fault-schema.ts';
import type { Fault, FaultMatch } from './fault.ts';

/** An active fault. */
export interface PlannedFault {
  /** Counts up from 1. */
  readonly id: number;
  readonly fault: Fault;
  /** How many more times it is applied; `null` means no limit. */
  readonly remaining: number | null;
}

/** The active faults. */
export interface FaultPlan {
  /**
   * Adds a fault behind the others.
   *
   * @throws KeyshiftError `request_invalid` for a fault that could never happen
   */
  add(fault: Fault): PlannedFault;
  /** In the order in which they are tried. */
  list(): PlannedFault[];
  /** Returns whether it existed. */
  remove(id: number): boolean;
  /** Returns how many there were. */
  clear(): number;
  /** The first fault that applies to a request, counted as applied. */
  take(request: FaultTarget): Fault | undefined;
}

/** What a fault is matched against. */
export interface FaultTarget {
  readonly method: string;
  readonly path: string;
  /** Asked only where a fault is about an operation or an account. */
  readonly trace: () => RequestTrace;
}

interface Entry {
  readonly id: number;
  readonly fault: Fault;
  readonly path: RegExp | undefined;
  remaining: number;
}

/** Creates an empty plan; `random` decides about probabilities. */
export function createFaultPlan(random: Random): FaultPlan {
  const planned = new Map<number, Entry>();
  let lastId = 0;
  const applies = ({ fault, path }: Entry, request: FaultTarget) =>
    (fault.match.method === undefined || fault.match.method.toUpperCase() === request.method) &&
    (path === undefined || path.test(trimSlash(request.path))) &&
    matchesTrace(fault.match, request) &&
    (fault.probability === undefined || random.fraction() < fault.probability);

  return {
    add(value) {
      const fault = parseFault(value);
      const entry = {
        id: (lastId += 1),
        fault,
        path: fault.match.path === undefined ? undefined : pathPattern(fault.match.path),
        remaining: fault.times ?? Number.POSITIVE_INFINITY,
      };
      planned.set(entry.id, entry);
      return describe(entry);
    },
    list: () => [...planned.values()].map(describe),
    remove: (id) => planned.delete(id),
    clear() {
      const { size } = planned;
      planned.clear();
      return size;
    },
    take(request) {
      for (const entry of planned.values()) {
        if (!applies(entry, request)) continue;
        entry.remaining--;
        if (entry.remaining <= 0) planned.delete(entry.id);
        return entry.fault;
      }
      return undefined;
    },
  };
}

function describe({ id, fault, remaining }: Entry): PlannedFault {
  return { id, fault, remaining: Number.isFinite(remaining) ? remaining : null };
}

function matchesTrace({ operation, accountId }: FaultMatch, { trace }: FaultTarget): boolean {
  if (operation === undefined && accountId === undefined) return true;
  const known = trace();
  return (
    (operation === undefined || known.operation === operation) &&
    (accountId === undefined || known.accountId === accountId)
  );
}

function pathPattern(path: string): RegExp {
  const escaped = trimSlash(path).replace(/[\\^$.+?()[\]{}|]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*')}$`);
}
