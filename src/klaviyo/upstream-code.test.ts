import { describe, expect, it } from 'vitest';
import { errorTable } from '../errors/error-table.ts';
import { upstreamCode } from './upstream-code.ts';

describe('the code of a status that is no verdict', () => {
  it.each([429, 502, 503, 504])('keeps %i for whoever called Keyshift', (status) => {
    expect(errorTable[upstreamCode(status)].status).toBe(status);
  });

  it.each([408, 425])('says of %i to try again later', (status) => {
    expect(upstreamCode(status)).toBe('upstream_unavailable');
  });

  it.each([200, 302, 404, 418, 500, 520])('calls %i an answer that cannot be read', (status) => {
    expect(upstreamCode(status)).toBe('upstream_unreadable');
    expect(errorTable[upstreamCode(status)].status).toBe(502);
  });
});
