import { describe, expect, it } from 'vitest';
import { errorTable, type ErrorEntry } from './error-table.ts';

const entries: [string, ErrorEntry][] = Object.entries(errorTable);

describe('the error table', () => {
  it('has codes to check', () => {
    expect(entries.length).toBeGreaterThan(30);
  });

  it.each(entries)('says of %s what it is, what to do, and to whom', (code, entry) => {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(entry.title).toMatch(/^[A-Z].{4,58}[^.!?\s]$/);
    expect(entry.fix).toMatch(/^[A-Z].{10,}\.$/);
    expect(entry.status).toBeGreaterThanOrEqual(400);
    expect(entry.status).toBeLessThan(600);
    expect(['customer', 'developer', 'operator']).toContain(entry.audience);
    expect(Object.keys(entry).sort()).toEqual(['audience', 'fix', 'kind', 'status', 'title']);
  });

  it('gives a code that names its kind that kind', () => {
    for (const kind of ['grant', 'upstream'] as const) {
      const named = entries.filter(([code]) => code.startsWith(`${kind}_`));
      expect(named.length).toBeGreaterThan(1);
      expect(named.every(([, entry]) => entry.kind === kind)).toBe(true);
      expect(entries.filter(([, entry]) => entry.kind === kind)).toEqual(named);
    }
  });

  it('calls a private key that is missing another kind than a keyring that does not fit', () => {
    expect(errorTable.key_not_found.kind).toBe('key');
    expect(errorTable.keyring_mismatch.kind).toBe('storage');
  });

  it('gives no two codes the same headline', () => {
    expect(new Set(entries.map(([, { title }]) => title)).size).toBe(entries.length);
  });

  it.each(entries.filter(([, { audience }]) => audience === 'customer'))(
    'never answers a customer’s own mistake with a failure of the server: %s',
    (_code, { status }) => {
      expect(status).toBeLessThan(500);
    },
  );

  it('answers what Klaviyo does not do with the gateway’s statuses', () => {
    expect(errorTable.upstream_timeout.status).toBe(504);
    expect(errorTable.upstream_unreachable.status).toBe(502);
    expect(errorTable.upstream_unreadable.status).toBe(502);
    expect(errorTable.upstream_unavailable.status).toBe(503);
    expect(errorTable.upstream_throttled.status).toBe(429);
  });
});
