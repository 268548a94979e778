import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  betaOperations,
  betaRevision,
  operations,
  operationsRevision,
  type Operation,
} from '../../klaviyo/operations.ts';
import { existsUnder } from '../../klaviyo/revisions.ts';
import { startTestSandbox, type TestSandbox } from '../../../test/support/sandbox-client.ts';
import type { SandboxSeed, SeedApp } from '../seed/seed.ts';
import { coverageOf } from './resource-registry.ts';

const all = [...operations, ...betaOperations];
const betaIds = new Set(betaOperations.map(({ id }) => id));
const authorized = all.filter(({ path }) => path.startsWith('/api/'));
const client = all.filter(({ path }) => path.startsWith('/client/'));

/** All a key needs: an app that asks about itself needs less. */
const keyScopes = ({ scopes, optionalScopes = [] }: Operation) => [...scopes, ...optionalScopes];

/** A scope that the operation does not need, so that a credential without its own has one. */
const strange = (operation: Operation) =>
  keyScopes(operation).includes('accounts:read') ? 'metrics:read' : 'accounts:read';
const without = (operation: Operation, scope: string) => [
  ...keyScopes(operation).filter((other) => other !== scope),
  strange(operation),
];

/** Every set of scopes that a credential of these tests holds, each once. */
const scopeSets = [
  ...new Set(
    authorized
      .flatMap((operation) => [
        keyScopes(operation),
        ...keyScopes(operation).map((scope) => without(operation, scope)),
      ])
      .map((scopes) => scopes.join(' ')),
  ),
];
const app: SeedApp = {
  clientId: 'app-all',
  clientSecret: 'secret-all',
  name: 'App with every scope',
  redirectUris: ['http://localhost:5000/auth/callback'],
  scopes: [...new Set(all.flatMap(keyScopes))],
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
const everyRevision = [
  '2025-01-15',
  '2026-07-15',
  '2026-07-15.pre',
  '2026-10-15',
  '2026-10-15.pre',
];
const presentUnder = (operation: Operation) =>
  everyRevision.filter((revision) => existsUnder(operation, revision));
const absentUnder = (operation: Operation) =>
  everyRevision.filter((revision) => !existsUnder(operation, revision));

/** The status of a call, 0 where its revision is not what is wrong with it. */
async function statusBeyondRevision(
  operation: Operation,
  authorization: string,
  revision: string,
): Promise<number> {
  const reply = await call(operation, authorization, revision);
  return /revision/.test(reply.body) ? reply.status : 0;
}

const named = (list: readonly Operation[]) =>
  list.map((operation) => [`${operation.method} ${operation.path}`, operation] as const);

it('covers all 345 operations of July’s stable API, and 149 beta ones of which October has 35', () => {
  expect(operations).toHaveLength(345);
  expect(authorized.length + client.length).toBe(all.length);
  expect(betaOperations).toHaveLength(149);
  expect(all.filter((one) => existsUnder(one, '2026-10-15'))).toHaveLength(380);
});

describe.each(Object.keys(credentials) as (keyof typeof credentials)[])('by %s', (kind) => {
  const credential = credentials[kind];

  it.each(named(authorized))('%s', async (_, operation) => {
    const revision = rightRevision(operation);
    expect((await call(operation, undefined, revision)).status).toBe(401);

    const needed = kind === 'key' ? keyScopes(operation) : operation.scopes;
    for (const scope of needed) {
      const refused = await call(operation, credential(without(operation, scope)), revision);
      expect(refused.status).toBe(403);
      expect(refused.text('errors.0.detail')).toMatch(
        new RegExp(`missing required scopes: ${scope}$`),
      );
    }
    if (needed.length > 1) {
      const none = await call(operation, credential([strange(operation)]), revision);
      expect([401, 403]).toContain(none.status);
    }

    const full = credential(keyScopes(operation));
    for (const wrong of ['', '2026-7-15', '2026-07-14', ...absentUnder(operation)]) {
      expect((await call(operation, full, wrong)).status).toBe(400);
    }
    expect((await call(operation, full, '2024-10-15')).status).toBe(410);
    for (const other of presentUnder(operation)) {
      expect([400, 410]).not.toContain(await statusBeyondRevision(operation, full, other));
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
    const revision = rightRevision(operation);
    const stranger = await call(operation, undefined, revision);
    expect(stranger.status).toBe(400);
    expect(stranger.at('errors.0.source.parameter')).toBe('company_id');
    const path = operation.path.replace(/\{\w+\}/g, 'X');
    const known = await test.request(`${path}?company_id=${accountOf(0)}`, {
      method: operation.method,
      headers: { revision },
    });
    expect(known.status).toBe(coverageOf(operation.id) === '501' ? 501 : 415);
    expect(known.headers.get('access-control-allow-origin')).toBe('*');
  });
});
