import type { Random } from '../../runtime/random.ts';
import { trimSlash } from '../http/sandbox-request.ts';
import { parseFault } from './fault-schema.ts';
import type { Fault } from './fault.ts';

/** A fault that is in force. */
export interface PlannedFault {
  /** Counts up from 1. */
  readonly id: number;
  readonly fault: Fault;
  /** How many more times it is applied; `null` is without end. */
  readonly remaining: number | null;
}

/** The faults that are in force. */
export interface FaultPlan {
  /**
   * Adds a fault behind the others.
   *
   * @throws KeyshiftError `request_invalid` for a fault that could never happen
   */
  add(fault: Fault): PlannedFault;
  /** In the order in which they are tried. */
  list(): PlannedFault[];
  /** Answers whether there was one. */
  remove(id: number): boolean;
  /** Answers how many there were. */
  clear(): number;
  /** The first fault that applies to a request, counted as applied. */
  take(method: string, path: string): Fault | undefined;
}

interface Entry {
  readonly id: number;
  readonly fault: Fault;
  readonly path: RegExp;
  remaining: number;
}

/** Creates an empty plan; chance comes from `random`. */
export function createFaultPlan(random: Random): FaultPlan {
  const planned = new Map<number, Entry>();
  let lastId = 0;
  const applies = ({ fault, path }: Entry, method: string, requestPath: string) =>
    (fault.match.method === undefined || fault.match.method.toUpperCase() === method) &&
    path.test(requestPath) &&
    (fault.probability === undefined || random.fraction() < fault.probability);

  return {
    add(value) {
      const fault = parseFault(value);
      const entry = {
        id: (lastId += 1),
        fault,
        path: pathPattern(fault.match.path),
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
    take(method, path) {
      if (planned.size === 0) return undefined;
      const requestPath = trimSlash(path);
      for (const entry of planned.values()) {
        if (!applies(entry, method, requestPath)) continue;
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

function pathPattern(path: string): RegExp {
  const escaped = trimSlash(path).replace(/[\\^$.+?()[\]{}|]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*')}$`);
}
