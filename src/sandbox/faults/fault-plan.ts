import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { Random } from '../../runtime/random.ts';
import { trimSlash } from '../http/sandbox-request.ts';
import type { Fault } from './fault.ts';

/** The faults that are in force. */
export interface FaultPlan {
  /** Adds a fault behind the others; answers a function that removes it. */
  add(fault: Fault): () => void;
  clear(): void;
  /** The first fault that applies to a request, counted as applied. */
  take(method: string, path: string): Fault | undefined;
}

interface PlannedFault {
  readonly fault: Fault;
  readonly path: RegExp;
  remaining: number;
}

/** Creates an empty plan; chance comes from `random`. */
export function createFaultPlan(random: Random): FaultPlan {
  const planned = new Set<PlannedFault>();
  const applies = ({ fault, path }: PlannedFault, method: string, requestPath: string) =>
    (fault.match.method === undefined || fault.match.method.toUpperCase() === method) &&
    path.test(requestPath) &&
    (fault.probability === undefined || random.fraction() < fault.probability);

  return {
    add(fault) {
      checkFault(fault);
      const entry = {
        fault,
        path: pathPattern(fault.match.path),
        remaining: fault.times ?? Number.POSITIVE_INFINITY,
      };
      planned.add(entry);
      return () => void planned.delete(entry);
    },
    clear: () => planned.clear(),
    take(method, path) {
      if (planned.size === 0) return undefined;
      const requestPath = trimSlash(path);
      for (const entry of planned) {
        if (!applies(entry, method, requestPath)) continue;
        entry.remaining--;
        if (entry.remaining <= 0) planned.delete(entry);
        return entry.fault;
      }
      return undefined;
    },
  };
}

function pathPattern(path: string): RegExp {
  const escaped = trimSlash(path).replace(/[\\^$.+?()[\]{}|]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*')}$`);
}

/** Refuses what could never happen as written, before it hides in a test. */
function checkFault(fault: Fault): void {
  const { match, times = 1, probability = 1 } = fault;
  const status = 'status' in fault ? (fault.status ?? 200) : 200;
  const delayMs = fault.kind === 'delay' ? fault.delayMs : 0;
  const rules: readonly (readonly [isMet: boolean, rule: string])[] = [
    [/^[/*]/.test(match.path), 'match.path must start with / or *'],
    [Number.isInteger(times) && times > 0, 'times must be a whole number above 0'],
    [probability >= 0 && probability <= 1, 'probability must be between 0 and 1'],
    [status >= 200 && status <= 599, 'status must be between 200 and 599'],
    [delayMs >= 0, 'delayMs must not be negative'],
  ];
  const broken = rules.find(([isMet]) => !isMet);
  if (broken) throw new KeyshiftError('request_invalid', `The fault is not valid: ${broken[1]}.`);
}
