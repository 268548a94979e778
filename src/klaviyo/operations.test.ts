import { describe, expect, it } from 'vitest';
import {
  betaOperations,
  createOperationFinder,
  findOperation,
  operations,
  rateWindows,
  type Operation,
} from './operations.ts';

const idOf = (method: string, path: string) => findOperation(method, path)?.operation.id;

describe('findOperation', () => {
  it('finds nothing for a path, a method or a version Klaviyo does not have', () => {
    expect(idOf('GET', '/api/nothing')).toBeUndefined();
    expect(idOf('DELETE', '/api/accounts')).toBeUndefined();
    expect(idOf('get', '/api/accounts')).toBeUndefined();
    expect(idOf('GET', '/api/v2/accounts')).toBeUndefined();
  });

  it('finds nothing for paths that only look alike', () => {
    for (const path of [
      '',
      '/',
      '//',
      'api/accounts',
      '/api',
      '/api/',
      '/api//accounts',
      '/api/accounts//',
      '/api/accounts/A/B',
      '/API/accounts',
      '/api/profiles//lists',
      '/api/__proto__',
      '/api/constructor',
    ]) {
      expect(idOf('GET', path), path).toBeUndefined();
    }
  });

  it('finds every operation by its own template, with and without a trailing slash', () => {
    for (const operation of [...operations, ...betaOperations]) {
      const path = operation.path.replace(/\{\w+\}/g, 'X-1');
      expect(findOperation(operation.method, path)?.operation).toBe(operation);
      expect(findOperation(operation.method, `${path}/`)?.operation).toBe(operation);
    }
  });

  it('hands path parameters over as they were sent, percent-encoding included', () => {
    expect(
      findOperation('GET', '/api/catalog-items/%24custom%3A%3A%3A%24default%3A%3A%3A1')?.params,
    ).toEqual({ id: '%24custom%3A%3A%3A%24default%3A%3A%3A1' });
    expect(findOperation('GET', '/api/catalog-items/$custom:::$default:::1/')?.params).toEqual({
      id: '$custom:::$default:::1',
    });
    expect(findOperation('GET', '/api/accounts')?.params).toEqual({});
  });

  it('is quick enough for the hot path: 100,000 look-ups within a second', () => {
    const startedAt = performance.now();
    for (let round = 0; round < 100_000; round++) findOperation('GET', '/api/profiles/01ABC/lists');
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});

describe('createOperationFinder', () => {
  const operation = (id: string, path: string): Operation => ({
    id,
    method: 'GET',
    path,
    tag: 'Test',
    scopes: [],
    burst: '1/s',
    steady: '1/m',
    success: 200,
  });

  it('prefers a literal segment and falls back to the parameter when the rest does not fit', () => {
    const find = createOperationFinder([
      operation('by-id', '/api/things/{id}/parts'),
      operation('special', '/api/things/special'),
    ]);
    expect(find('GET', '/api/things/special')?.operation.id).toBe('special');
    expect(find('GET', '/api/things/special/parts')).toMatchObject({
      operation: { id: 'by-id' },
      params: { id: 'special' },
    });
  });

  it('keeps the earlier of two operations with one template', () => {
    const find = createOperationFinder([
      operation('stable', '/api/x'),
      operation('beta', '/api/x'),
    ]);
    expect(find('GET', '/api/x')?.operation.id).toBe('stable');
  });
});

describe('the operations table', () => {
  it('holds the 345 stable operations and the beta ones, each with scopes in the right form', () => {
    expect(operations).toHaveLength(345);
    expect(betaOperations.map(({ id }) => id)).toContain('get_api_keys_beta');
    for (const { id, scopes, path } of operations) {
      for (const scope of scopes) expect(scope, id).toMatch(/^[a-z-]+:(read|write)$/);
      if (scopes.length === 0) expect(path).toMatch(/^\/client\//);
    }
  });

  it('gives every operation its burst and steady windows, and daily where there is one', () => {
    const [accounts] = operations;
    expect(accounts && rateWindows(accounts)).toEqual([
      { limit: 1, windowSec: 1 },
      { limit: 15, windowSec: 60 },
    ]);
    const daily = operations.find(({ id }) => id === 'create_custom_metric');
    expect(daily && rateWindows(daily)).toContainEqual({ limit: 15, windowSec: 86_400 });
    for (const operation of operations) {
      expect(rateWindows(operation).length).toBeGreaterThanOrEqual(2);
    }
  });
});
