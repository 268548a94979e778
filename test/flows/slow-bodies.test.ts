import { describe, expect, it } from 'vitest';
import { startFlow } from '../support/flow-fixture.ts';
import { sendRaw } from '../support/raw-http.ts';

describe('a body that stops in the middle', () => {
  it('ends after half a minute with an answer that says so, on every route', async () => {
    await using fixture = await startFlow();
    const head = [
      'POST /auth/refresh HTTP/1.1',
      `Host: localhost:${fixture.port}`,
      'Content-Type: application/json',
      'Content-Length: 100',
    ].join('\r\n');
    const request = Buffer.from(`${head}\r\n\r\n{"refresh_token":`);
    const { status, body, tookMs } = await sendRaw(fixture.port, request, 50_000);
    expect(status).toBe(408);
    expect(JSON.parse(body)).toMatchObject({
      error: 'request_incomplete',
      error_description: expect.stringContaining('30 seconds') as string,
    });
    expect(tookMs).toBeGreaterThan(25_000);
  }, 60_000);
});
