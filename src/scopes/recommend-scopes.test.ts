import { describe, expect, it } from 'vitest';
import { forecastScopes, recommendScopes } from './recommend-scopes.ts';
import { interpretCall, type Sighting } from './sighting.ts';

function seen(method: string | undefined, path: string, count = 1): Sighting {
  const at = { source: 'log', method, path, count, where: 'access.log' } as const;
  return { ...interpretCall(method, path), ...at };
}

describe('recommendScopes', () => {
  it('recommends nothing when nothing was seen', () => {
    expect(recommendScopes([]).scopes).toEqual([]);
  });

  it('takes every scope of an operation, and no read for a write', () => {
    const { scopes } = recommendScopes([seen('POST', '/api/back-in-stock-subscriptions')]);
    expect(scopes).toEqual(['accounts:read', 'catalogs:write', 'profiles:write']);
  });

  it('gives each scope its reasons, most used first', () => {
    const calls = [seen('GET', '/api/profiles/1', 2), seen('GET', '/api/profiles', 9)];
    const [reason] = recommendScopes(calls).reasons.filter(
      ({ scope }) => scope === 'profiles:read',
    );
    expect(reason?.uses.map(({ operation, calls: count }) => [operation.id, count])).toEqual([
      ['get_profiles', 9],
      ['get_profile', 2],
    ]);
  });

  it('asks a person where the method is not known', () => {
    const { scopes, questions } = recommendScopes([seen(undefined, '/api/profiles')]);
    expect(scopes).toEqual([]);
    expect(questions).toMatchObject([{ kind: 'ambiguous', path: '/api/profiles' }]);
    expect(questions[0]?.candidates.map(({ id }) => id)).toEqual([
      'get_profiles',
      'create_profile',
    ]);
  });

  it('keeps calls of /client/* apart: no scope makes them part of an OAuth app', () => {
    const { scopes, clientUses } = recommendScopes([seen('POST', '/client/events', 5)]);
    expect(scopes).toEqual(['accounts:read']);
    expect(clientUses).toMatchObject([{ operation: { id: 'create_client_event' }, calls: 5 }]);
  });
});

describe('forecastScopes', () => {
  const recommendation = recommendScopes([
    seen('GET', '/api/profiles', 40),
    seen('POST', '/api/events', 60),
  ]);

  it('names what would be refused, and what is asked for in vain', () => {
    const forecast = forecastScopes(recommendation, [
      'accounts:read',
      'events:write',
      'flows:read',
    ]);
    expect(forecast).toMatchObject({
      unused: ['flows:read'],
      missing: ['profiles:read'],
      refusedCalls: 40,
      calls: 100,
    });
    expect(forecast.refused).toMatchObject([
      { use: { operation: { id: 'get_profiles' } }, lacking: ['profiles:read'] },
    ]);
  });

  it('refuses nothing under the recommended set', () => {
    expect(forecastScopes(recommendation, recommendation.scopes)).toMatchObject({
      unused: [],
      missing: [],
      refused: [],
      refusedCalls: 0,
    });
  });
});
