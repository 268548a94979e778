import { createLogger } from '../../src/runtime/logger.ts';
import type { Grant } from '../../src/model/grant.ts';
import type { TokenOutcome } from '../../src/oauth/token-outcome.ts';
import { createTokenEngine, type TokenEngine } from '../../src/tokens/token-engine.ts';
import { createFakeOAuthClient, type FakeOAuthClient } from './fake-oauth-client.ts';
import { openTestBench, type TestBench } from './workbench-fixture.ts';

/** The grant that an engine bench begins with. */
export const engineGrantKey = { clientId: 'app-one', accountId: 'AAA111' };

/** Klaviyo's word that a grant is dead. */
export const grantRejected: TokenOutcome = {
  kind: 'grant_rejected',
  error: 'invalid_grant',
  description: '',
};

/** A failure of the token endpoint that passes. */
export function transientFailure(status: number, retryAfterSec?: number): TokenOutcome {
  return {
    kind: 'transient',
    status,
    reason: `status ${status}`,
    retryAfterSec,
    answered: true,
    timedOut: false,
  };
}

/** A token engine over a store in memory, with an OAuth client whose answers the test decides. */
export interface EngineBench extends TestBench {
  readonly oauth: FakeOAuthClient;
  readonly engine: TokenEngine;
  /** Grants that were found dead. */
  readonly lost: readonly Grant[];
  /** What was logged, as JSON lines. */
  readonly lines: readonly string[];
  /** The grant at {@link engineGrantKey} as it is stored now. */
  stored(): Promise<Grant | undefined>;
  /** Lets the hour of the first access token pass. */
  expire(): Promise<void>;
}

/** Opens an engine over a grant of account AAA111 whose token lives for an hour. */
export async function openEngineBench(): Promise<EngineBench> {
  const bench = await openTestBench();
  const { store, clock } = bench;
  const oauth = createFakeOAuthClient();
  const lost: Grant[] = [];
  const lines: string[] = [];
  const engine = createTokenEngine({
    ...{ store, oauth, clock, random: bench.random },
    logger: createLogger({ level: 'debug', destination: { write: (line) => lines.push(line) } }),
    onLost: async (grant) => void lost.push(grant),
  });
  await bench.grant(engineGrantKey.accountId);
  return {
    ...bench,
    oauth,
    engine,
    lost,
    lines,
    stored: () => store.grants.find(engineGrantKey),
    expire: () => clock.advance(3_600_000),
  };
}
