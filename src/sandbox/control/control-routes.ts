import { z } from 'zod';
import { faultSchema } from '../faults/fault-schema.ts';
import { settingsPatchSchema } from '../settings.ts';
import { route, type ControlRoute } from './control-route.ts';

const nothing = z.strictObject({});
const accountId = z.string().min(1).describe('Id of an account.');
const clientId = z.string().min(1).describe('Client id of an app.');
const ms = z.number().describe('Milliseconds.');

/** Every control route. The router, the help page, the docs and the handle's test read it. */
export const controlRoutes: readonly ControlRoute[] = [
  route({
    ability: 'accounts',
    method: 'GET',
    path: '/accounts',
    does: 'lists accounts with their installs',
    input: nothing,
    run: (control) => control.accounts(),
  }),
  route({
    ability: 'requests',
    method: 'GET',
    path: '/requests',
    does: 'lists the last 1,000 requests, oldest first',
    input: nothing,
    run: (control) => control.requests(),
  }),
  route({
    ability: 'statistics',
    method: 'GET',
    path: '/statistics',
    does: 'counts requests by status and operation',
    input: nothing,
    run: (control) => control.statistics(),
  }),
  route({
    ability: 'uninstall',
    method: 'POST',
    path: '/uninstall',
    does: 'uninstalls an app, or all, from Klaviyo’s side',
    input: z.strictObject({ accountId, clientId: clientId.optional() }),
    run: (control, input) => ({ ended: control.uninstall(input.accountId, input.clientId) }),
  }),
  route({
    ability: 'expireAccessTokens',
    method: 'POST',
    path: '/tokens/expire',
    does: 'lets access tokens expire now, of one account or all',
    input: z.strictObject({ accountId: accountId.optional() }),
    run: (control, input) => ({ expired: control.expireAccessTokens(input.accountId) }),
  }),
  route({
    ability: 'invalidateAccessTokens',
    method: 'POST',
    path: '/tokens/invalidate',
    does: 'makes access tokens unknown before their time',
    input: z.strictObject({ accountId: accountId.optional() }),
    run: (control, input) => ({ invalidated: control.invalidateAccessTokens(input.accountId) }),
  }),
  route({
    ability: 'faults',
    method: 'GET',
    path: '/faults',
    does: 'lists the faults in force',
    input: nothing,
    run: (control) => control.faults(),
  }),
  route({
    ability: 'addFault',
    method: 'POST',
    path: '/faults',
    does: 'adds a fault',
    input: z.strictObject({ fault: faultSchema }),
    whole: 'fault',
    run: (control, input) => ({ id: control.addFault(input.fault).id }),
  }),
  route({
    ability: 'removeFault',
    method: 'POST',
    path: '/faults/remove',
    does: 'removes one fault',
    input: z.strictObject({ id: z.number().int() }),
    run: (control, input) => ({ removed: control.removeFault(input.id) }),
  }),
  route({
    ability: 'clearFaults',
    method: 'POST',
    path: '/faults/clear',
    does: 'removes all faults',
    input: nothing,
    run: (control) => ({ removed: control.clearFaults() }),
  }),
  route({
    ability: 'settings',
    method: 'GET',
    path: '/settings',
    does: 'shows the settings',
    input: nothing,
    run: (control) => control.settings(),
  }),
  route({
    ability: 'changeSettings',
    method: 'POST',
    path: '/settings',
    does: 'changes settings from the next request on',
    input: z.strictObject({ settings: settingsPatchSchema }),
    whole: 'settings',
    run: (control, input) => control.changeSettings(input.settings),
  }),
  route({
    ability: 'clock',
    method: 'GET',
    path: '/clock',
    does: 'shows the time of the sandbox',
    input: nothing,
    run: (control) => control.clock(),
  }),
  route({
    ability: 'freezeClock',
    method: 'POST',
    path: '/clock/freeze',
    does: 'stops the clock',
    input: z.strictObject({ atMs: ms.optional() }),
    run: (control, input) => control.freezeClock(input.atMs),
  }),
  route({
    ability: 'advanceClock',
    method: 'POST',
    path: '/clock/advance',
    does: 'moves the clock forward',
    input: z.strictObject({ ms: ms.positive() }),
    run: (control, input) => control.advanceClock(input.ms),
  }),
  route({
    ability: 'resumeClock',
    method: 'POST',
    path: '/clock/resume',
    does: 'lets the clock run again',
    input: z.strictObject({ from: z.enum(['here', 'real-time']).optional() }),
    run: (control, input) => control.resumeClock(input.from),
  }),
];
