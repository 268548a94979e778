import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  betaOperations,
  betaRevision,
  operations,
  operationsRevision,
  type Operation,
} from '../../klaviyo/operations.ts';
import { startTestSandbox, type TestSandbox } from '../../../test/support/sandbox-client.ts';
import type { SandboxSeed, SeedApp } from '../seed/seed.ts';
import { coverageOf } from './resource-registry.ts';

const all = [...operations, ...betaOperations];
const betaIds = new Set(betaOperations.map(({ id }) => id));
const authorized = all.filter(({ path }) => path.startsWith('/api/'));
const client = all.filter(({ path }) => path.startsWith('/client/'));

/** A scope that the operation does not need, so that a credential without its own has one. */
const strange = ({ scopes }: Operation) =>
  scopes.includes('accounts:read') ? 'metrics:read' : 'accounts:read';
const without = (operation: Operation, scope: string) => [
  ...operation.scopes.filter((other) => other !== scope),
  strange(operation),
];

/** Every set of scopes that a credential of these tests holds, each once. */
const scopeSets = [
  ...new Set(
    authorized
      .flatMap((operation) => [
        operation.scopes,
        ...operation.scopes.map((scope) => without(operation, scope)),
      ])
      .map((scopes) => scopes.join(' ')),
  ),
];
const app: SeedApp = {
  clientId: 'app-all',
  clientSecret: 'secret-all',
  name: 'App with every scope',
  redirectUris: ['http://localhost:5000/auth/callback'],
  scopes: [...new Set(all.flatMap(({ scopes }) => scopes))],
};
const accountOf = (index: number) => `S${String(index).padStart(5, '0')}`;
const seed: SandboxSeed = {
  apps: [app],
  accounts: scopeSets.map((scopes, index) => ({
    id: accountOf(index),
    name: `Scopes ${index}`,
    keys: [{ key: `pk_scopes${index}`, name: 'Key', scopes: scopes.split(' ') }],
  })),
};

let test: TestSandbox;
const tokens = new Map<string, string>();
beforeAll(async () => {
  test = await startTestSandbox({ seed });
  for (const [index, scope] of scopeSets.entries()) {
    const changes = { client_id: app.clientId, scope };
    const code = await test.obtainCode({ account: accountOf(index) }, changes);
    tokens.set(scope, (await test.exchange(code, {}, app)).text('access_token'));
  }
});
afterAll(() => test.sandbox.close());

const credentials = {
  key: (scopes: readonly string[]) =>
    `Klaviyo-API-Key pk_scopes${scopeSets.indexOf(scopes.join(' '))}`,
  bearer: (scopes: readonly string[]) => `Bearer ${tokens.get(scopes.join(' ')) ?? 'none'}`,
} as const;

const rightRevision = ({ id }: Operation) => (betaIds.has(id) ? betaRevision : operationsRevision);
function call(operation: Operation, authorization: string | undefined, revision: string) {
  const path = operation.path.replace(/\{\w+\}/g, 'X');
  return test.request(path, {
    method: operation.method,
    headers: { revision, ...(authorization === undefined ? {} : { authorization }) },
  });
}
const named = (list: readonly Operation[]) =>
  list.map((operation) => [`${operation.method} ${operation.path}`, operation] as const);

it('covers all 345 operations of the stable API and the beta ones', () => {
  expect(operations).toHaveLength(345);
  expect(authorized.length + client.length).toBe(all.length);
  expect(betaOperations.length).toBeGreaterThan(0);
});

describe.each(Object.keys(credentials) as (keyof typeof credentials)[])('by %s', (kind) => {
  const credential = credentials[kind];

  it.each(named(authorized))('%s', async (_, operation) => {
    const revision = rightRevision(operation);
    expect((await call(operation, undefined, revision)).status).toBe(401);

    for (const scope of operation.scopes) {
      const refused = await call(operation, credential(without(operation, scope)), revision);
      expect(refused.status).toBe(403);
      expect(refused.text('errors.0.detail')).toMatch(
        new RegExp(`missing required scopes: ${scope}$`),
      );
    }
    if (operation.scopes.length > 1) {
      const none = await call(operation, credential([strange(operation)]), revision);
      expect([401, 403]).toContain(none.status);
    }

    const full = credential(operation.scopes);
    for (const wrong of [
      '',
      '2026-7-15',
      '2026-07-14',
      ...(betaIds.has(operation.id) ? [operationsRevision] : []),
    ]) {
      expect((await call(operation, full, wrong)).status).toBe(400);
    }

    const reply = await call(operation, full, revision);
    expect([401, 403]).not.toContain(reply.status);
    expect(reply.status).not.toBe(500);
    const lacking = coverageOf(operation.id) === '501';
    expect(reply.status === 501).toBe(lacking);
    if (lacking) {
      expect(reply.headers.get('keyshift-sandbox')).toBe('not-implemented');
      expect(reply.text('errors.0.detail')).toContain(
        `${operation.id} (${operation.method} ${operation.path})`,
      );
    }
  });
});

describe('without a credential', () => {
  it.each(named(client))('%s', async (_, operation) => {
    expect((await call(operation, undefined, '')).status).toBe(400);
    const stranger = await call(operation, undefined, operationsRevision);
    expect(stranger.status).toBe(400);
    expect(stranger.at('errors.0.source.parameter')).toBe('company_id');
    const path = operation.path.replace(/\{\w+\}/g, 'X');
    const known = await test.request(`${path}?company_id=${accountOf(0)}`, {
      method: operation.method,
      headers: { revision: operationsRevision },
    });
    expect(known.status).toBe(coverageOf(operation.id) === '501' ? 501 : 415);
    expect(known.headers.get('access-control-allow-origin')).toBe('*');
  });
});
