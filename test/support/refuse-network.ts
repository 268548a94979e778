import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';
import { afterEach } from 'vitest';
import { isLoopback } from './loopback.ts';

/**
 * Vitest's set-up file: tests talk to this machine alone. A connection or a name look-up that
 * would leave it throws at once, and fails the test even when the code under test took the error
 * for a network failure and went on.
 */
const attempts: string[] = [];

/** The hosts refused since the last call: for tests that provoke a refusal on purpose. */
export function takeAttempts(): string[] {
  return attempts.splice(0);
}

afterEach(() => {
  const seen = takeAttempts();
  if (seen.length > 0) throw new Error(`This test tried to reach ${seen.join(', ')}.`);
});

function refuse(host: string): never {
  attempts.push(host);
  throw new Error(
    `Tests may not use the network, but something connects to ${host}. Start a sandbox or a server on 127.0.0.1 instead.`,
  );
}

const connect = Socket.prototype.connect as (this: Socket, ...args: unknown[]) => Socket;

Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
  const host = hostOf(args);
  if (host !== undefined && !isLoopback(host)) refuse(host);
  return connect.apply(this, args);
};

/** The host of `connect(options)`, `connect(port, host)` or `connect(path)`; undefined for a path. */
function hostOf(args: readonly unknown[]): string | undefined {
  // `net.connect` passes its arguments on as one array, already in order.
  const [first, second] = (Array.isArray(args[0]) ? args[0] : args) as unknown[];
  if (typeof first === 'object' && first !== null) {
    const { path, host } = first as { path?: string | null; host?: string };
    return path == null ? (host ?? 'localhost') : undefined;
  }
  if (typeof first === 'string' && Number.isNaN(Number(first))) return undefined;
  return typeof second === 'string' ? second : 'localhost';
}

type LookUp = (hostname: string, ...rest: unknown[]) => unknown;

/** Wraps the look-ups of `owner`; `answer` turns what is thrown into what its callers expect. */
function guardLookUps(owner: Record<string, LookUp>, answer: (guarded: LookUp) => LookUp): void {
  for (const name of ['lookup', 'resolve', 'resolve4', 'resolve6']) {
    const original = owner[name];
    if (!original) continue;
    owner[name] = answer((hostname, ...rest) =>
      isLoopback(hostname) ? original.call(owner, hostname, ...rest) : refuse(hostname),
    );
  }
}

guardLookUps(dns as unknown as Record<string, LookUp>, (guarded) => guarded);
guardLookUps(
  dns.promises as unknown as Record<string, LookUp>,
  (guarded) =>
    async (...args) =>
      guarded(...args),
);
syncBuiltinESMExports();
