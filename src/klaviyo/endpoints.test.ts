import { describe, expect, it } from 'vitest';
import { klaviyoEndpoints, klaviyoRevision } from './endpoints.ts';

describe('Klaviyo’s endpoints', () => {
  it('authorize on www, where people sign in', () => {
    expect(klaviyoEndpoints.authorizeUrl).toBe('https://www.klaviyo.com/oauth/authorize');
  });

  it('take tokens on a, since www answers those calls with an HTML 403', () => {
    expect(new URL(klaviyoEndpoints.tokenUrl).host).toBe('a.klaviyo.com');
    expect(new URL(klaviyoEndpoints.revokeUrl).host).toBe('a.klaviyo.com');
  });

  it('are all https, and the API is an origin to which a path can be appended', () => {
    for (const url of Object.values(klaviyoEndpoints)) expect(url).toMatch(/^https:\/\//);
    expect(klaviyoEndpoints.apiUrl).toBe(new URL(klaviyoEndpoints.apiUrl).origin);
  });

  it('are spoken to in a stable revision', () => {
    expect(klaviyoRevision).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  });
});
