import { z } from 'zod';
import type { Fault } from '../faults/fault.ts';
import type { SandboxSettings } from '../context/settings.ts';
import type { KeyStatus } from '../state/api-key.ts';
import { sendTwice } from './duplicate-metrics.ts';
import { scenario, type Scenario, type ScenarioEffect, type Stage } from './scenario.ts';

const times = z.number().int().min(1).optional().describe('How many times. Default: no limit.');
const probability = z
  .number()
  .min(0)
  .max(1)
  .optional()
  .describe('Probability for each request (0–1).');
const accountId = z.string().min(1).optional().describe('One account. Default: all.');
const delayMs = z.number().positive().default(30_000).describe('Milliseconds.');

/** Every named scenario. */
export const scenarioTable: readonly Scenario[] = [
  scenario({
    name: 'lost-refresh-reply',
    does: 'A refresh succeeds, but the connection breaks before the response arrives.',
    input: z.strictObject({ times: times.default(1), accountId }),
    play: (stage, input) =>
      underFaults(stage, `The next ${input.times} refresh replies are lost.`, {
        kind: 'reset_after',
        match: { operation: 'oauth_refresh', ...given({ accountId: input.accountId }) },
        times: input.times,
      }),
  }),
  scenario({
    name: 'half-refresh-reply',
    does: 'A refresh succeeds, but only half of the response arrives.',
    input: z.strictObject({ times: times.default(1) }),
    play: (stage, input) =>
      underFaults(stage, `The next ${input.times} refresh replies are cut in half.`, {
        kind: 'truncated',
        match: { operation: 'oauth_refresh' },
        times: input.times,
      }),
  }),
  scenario({
    name: 'sparse-token-reply',
    does: 'Token responses come without expires_in, refresh_token and scope.',
    input: z.strictObject({ times }),
    play: (stage, input) =>
      underFaults(stage, 'Token responses lack expires_in, refresh_token and scope.', {
        kind: 'token_reply',
        match: { path: '/oauth/token' },
        omit: ['expires_in', 'refresh_token', 'scope'],
        ...given({ times: input.times }),
      }),
  }),
  scenario({
    name: 'token-host-down',
    does: 'Connections to the token and revocation endpoints break; the API keeps working.',
    input: z.strictObject({}),
    play: (stage) =>
      underFaults(
        stage,
        'Connections to /oauth/token and /oauth/revoke break.',
        { kind: 'reset_before', match: { path: '/oauth/token' } },
        { kind: 'reset_before', match: { path: '/oauth/revoke' } },
      ),
  }),
  scenario({
    name: 'slow-token-host',
    does: 'The token endpoint does its work but responds late.',
    input: z.strictObject({ delayMs, times }),
    play: (stage, input) =>
      underFaults(stage, `Token responses are ${input.delayMs} ms late.`, {
        kind: 'delay',
        delayMs: input.delayMs,
        phase: 'after',
        match: { path: '/oauth/token' },
        ...given({ times: input.times }),
      }),
  }),
  scenario({
    name: 'edge-challenge',
    does: 'The network edge answers API calls with an HTML page and status 403.',
    input: z.strictObject({ times, probability }),
    play: (stage, input) =>
      underFaults(stage, 'API calls get the network edge’s 403 page.', {
        kind: 'html',
        match: { path: '/api/*' },
        ...given({ times: input.times, probability: input.probability }),
      }),
  }),
  scenario({
    name: 'throttled',
    does: 'API calls get 429 with Retry-After.',
    input: z.strictObject({
      retryAfterSec: z.number().int().min(1).default(30),
      times,
      probability,
      accountId,
    }),
    play: (stage, { retryAfterSec, accountId: account, ...rest }) =>
      underFaults(stage, `API calls get 429 with Retry-After: ${retryAfterSec}.`, {
        kind: 'status',
        status: 429,
        headers: { 'retry-after': String(retryAfterSec) },
        body: throttledBody(retryAfterSec),
        match: { path: '/api/*', ...given({ accountId: account }) },
        ...given(rest),
      }),
  }),
  scenario({
    name: 'refresh-throttled',
    does: 'Refreshes are limited per install, as Klaviyo reportedly does.',
    input: z.strictObject({ perMinute: z.number().int().min(1).default(10) }),
    play: (stage, { perMinute }) =>
      underSettings(stage, `Each install may refresh ${perMinute} times per minute.`, {
        refreshLimitPerMinute: perMinute,
      }),
  }),
  scenario({
    name: 'bad-tokens-incident',
    does: 'Token responses are 200, but the API rejects every new access token (as in 2026-05).',
    input: z.strictObject({}),
    play: (stage) =>
      underSettings(stage, 'Access tokens issued from now on never work.', {
        newAccessTokensWork: false,
      }),
  }),
  scenario({
    name: 'clock-skew',
    does: 'Access tokens expire before expires_in says, as when clocks disagree.',
    input: z.strictObject({ sec: z.number().int().min(1).default(300) }),
    play(stage, { sec }) {
      const { accessTokenTtlSec: said } = stage.control.settings();
      const ttlSec = Math.max(1, said - sec);
      return underSettings(stage, `Tokens say ${said} s and live ${ttlSec} s.`, {
        announcedTtlSec: said,
        accessTokenTtlSec: ttlSec,
      });
    },
  }),
  scenario({
    name: 'secret-regenerated',
    does: 'Somebody regenerates the client secret; the old one stops working, at once or after a grace period.',
    input: z.strictObject({
      clientId: z.string().optional(),
      graceSec: z.number().min(0).default(0),
    }),
    play({ control }, { clientId, graceSec }) {
      const made = control.regenerateClientSecret(clientId, graceSec);
      return {
        did: `The app ${made.clientId} has a new secret; the old one stops working in ${graceSec} s.`,
        clientSecret: made.clientSecret,
      };
    },
  }),
  scenario({
    name: 'mass-uninstall',
    does: 'Many accounts uninstall the app from Klaviyo’s side.',
    input: z.strictObject({ share: z.number().min(0).max(1).default(1) }),
    play({ engine }, { share }) {
      const { state } = engine.context;
      const installs = state.installs();
      const ended = installs.slice(0, Math.ceil(installs.length * share));
      for (const install of ended) state.removeInstall(install);
      engine.changed();
      return { did: `${ended.length} of ${installs.length} installs ended.` };
    },
  }),
  scenario({
    name: 'key-revoked',
    does: 'Private keys are disabled, of one account or all.',
    input: z.strictObject({ accountId }),
    play: ({ engine }, input) => {
      const { keys } = engine.context.state;
      const revoked = [...keys.values()].filter(
        ({ status, accountId: holder }) =>
          status === 'active' && (input.accountId ?? holder) === holder,
      );
      const setAll = (status: KeyStatus) => {
        for (const key of revoked) if (keys.has(key.key)) keys.set(key.key, { ...key, status });
        engine.changed();
      };
      setAll('disabled');
      return { did: `${revoked.length} private keys are disabled.`, end: () => setAll('active') };
    },
  }),
  scenario({
    name: 'idle-grants',
    does: 'Refresh tokens go unused until they expire.',
    input: z.strictObject({ days: z.number().positive().default(91) }),
    play({ control }, { days }) {
      control.advanceClock(days * 86_400_000);
      return { did: `The clock is ${days} days ahead.` };
    },
  }),
  scenario({
    name: 'duplicate-metrics',
    does: 'One event is sent with the key and over OAuth: two metrics with the same name.',
    input: z.strictObject({ accountId, metric: z.string().min(1).default('Placed Order') }),
    play: ({ engine }, input) => ({
      did: `${sendTwice(engine.context, input.metric, input.accountId)} accounts have two metrics named ${input.metric}.`,
    }),
  }),
];

/** Adds faults; ending the scenario removes those that are left. */
function underFaults({ control }: Stage, did: string, ...faults: Fault[]): ScenarioEffect {
  const removals = faults.map((fault) => control.addFault(fault));
  return {
    did,
    end: () => {
      for (const remove of removals) remove();
    },
  };
}

/** Changes settings; ending the scenario restores them. */
function underSettings(
  { control }: Stage,
  did: string,
  patch: Partial<SandboxSettings>,
): ScenarioEffect {
  const before = Object.entries(control.settings()).filter(([name]) => name in patch);
  control.changeSettings(patch);
  return { did, end: () => void control.changeSettings(Object.fromEntries(before)) };
}

function throttledBody(retryAfterSec: number) {
  return {
    errors: [
      {
        status: 429,
        code: 'throttled',
        title: 'Request was throttled.',
        detail: `Request was throttled. Expected available in ${retryAfterSec} seconds.`,
      },
    ],
  };
}

/** The values that are not undefined. */
function given<Values extends object>(
  values: Values,
): { [Name in keyof Values]?: NonNullable<Values[Name]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Values]?: NonNullable<Values[Name]>;
  };
}
