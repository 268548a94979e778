import { createGrantLookup } from '../calls/account-lookup.ts';
import type { ApiCaller } from '../calls/api-caller.ts';
import type { Credentials } from '../calls/credentials.ts';
import { createCutover, type Cutover } from '../migration/cutover/cutover.ts';
import { createKeyProofs } from '../migration/cutover/key-proof.ts';
import {
  createMetricContinuity,
  keepMetrics,
  type MetricContinuity,
} from '../migration/metrics/metric-continuity.ts';
import {
  createOverrideAccount,
  type OverrideAccount,
} from '../migration/consent/foreign-consent.ts';
import { createProveGrant } from '../migration/cutover/prove-grant.ts';
import { createRetire, type Retire } from '../migration/cutover/retire.ts';
import { createVerify, type Verify } from '../migration/consent/verify.ts';
import { createWatch, type Watch } from '../migration/cutover/watch.ts';
import type { TokenEngine } from '../tokens/token-engine.ts';
import type { Workbench } from './workbench.ts';

/** The steps of a connection from its consent to the end of its key. */
export interface Journey {
  readonly verify: Verify;
  readonly watch: Watch;
  readonly cutover: Cutover;
  readonly metrics: MetricContinuity;
  readonly retire: Retire;
  readonly overrideAccount: OverrideAccount;
}

/** What {@link createJourney} works with. */
export interface JourneyOptions {
  readonly workbench: Workbench;
  readonly tokens: TokenEngine;
  readonly callApi: ApiCaller;
  readonly credentials: Credentials;
  readonly clientId: string;
  /** The scopes that are needed, space separated. */
  readonly scope: string;
}

/** Composes the steps. */
export function createJourney(options: JourneyOptions): Journey {
  const { workbench, tokens, callApi, credentials, clientId, scope } = options;
  const { config, http, store, machine, lookUpAccount, clock, random, logger } = workbench;
  const { endpoints, revision } = config;
  const shared = { store, machine, clock };
  const lookUpGrant = createGrantLookup({
    ...{ http, clock, random, credentials, revision },
    apiUrl: endpoints.apiUrl,
  });
  const proveGrant = createProveGrant(lookUpGrant);
  const asking = { callApi, credentials, clientId };
  const verify = createVerify({ ...shared, ...asking, tokens, lookUpGrant, scope });
  const metrics = createMetricContinuity({ ...asking, store, clock, random });
  const snapshotMetrics = keepMetrics(metrics, { clock, logger });
  const proofs = createKeyProofs({
    ...{ lookUpAccount, callApi, credentials },
    grantedScope: async (accountId) => (await tokens.liveGrant({ clientId, accountId })).scope,
  });
  return {
    verify,
    watch: createWatch({ ...shared, verify, random, logger }),
    cutover: createCutover({ ...shared, proveGrant, snapshotMetrics }),
    metrics,
    retire: createRetire({ ...shared, proveGrant, proofs }),
    overrideAccount: createOverrideAccount({ ...shared, tokens, verify, clientId }),
  };
}
