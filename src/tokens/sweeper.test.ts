import { expect, it } from 'vitest';
import { engineGrantKey as key, openEngineBench } from '../../test/support/engine-fixture.ts';
import { granted } from '../../test/support/fake-oauth-client.ts';
import { createLogger } from '../runtime/logger.ts';
import type { ClaimRequest } from '../store/store.ts';
import { createSweeper } from './sweeper.ts';

it('claims until a whole millisecond at any rate, since PostgreSQL stores no others', async () => {
  await using bench = await openEngineBench();
  await bench.expire();
  bench.oauth.answerRefresh(() => granted({ accessToken: 'a-2', refreshToken: 'r-2' }));
  const { clock, random, engine: tokens } = bench;
  const logger = createLogger({ level: 'silent' });
  const { grants } = bench.store;
  const claims: ClaimRequest[] = [];
  const sweeper = createSweeper({
    ...{ clock, random, logger, tokens, ratePerSec: 7 },
    clientId: key.clientId,
    grants: {
      ...grants,
      claimDue: (request) => {
        claims.push(request);
        return grants.claimDue(request);
      },
    },
  });
  expect(await sweeper.sweep()).toEqual({ refreshed: 1, lost: 0, failed: 0 });
  expect(claims.map(({ leaseExpiresAtMs }) => leaseExpiresAtMs % 1)).toEqual([0, 0]);
});
