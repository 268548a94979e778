import { expect, it } from 'vitest';
import { send } from '../../../test/support/answer.ts';
import { startFlow } from '../../../test/support/flow-fixture.ts';

it('answers figures for Prometheus, also to scrapes that come at once', async () => {
  await using flow = await startFlow();
  const scrapes = await Promise.all([1, 2, 3].map(() => send(`${flow.url}/metrics`)));
  for (const { status, headers, body } of scrapes) {
    expect(status).toBe(200);
    expect(headers.get('content-type')).toContain('text/plain');
    expect(body).toContain('# TYPE keyshift_connections gauge');
    expect(body).toContain('# TYPE keyshift_refreshes_total counter');
  }
});
