import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorTable } from '../../src/errors/error-table.ts';
import { send } from '../support/answer.ts';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';
import { migrateToLive } from '../support/migration-steps.ts';
import { sendRaw, type RawAnswer } from '../support/raw-http.ts';

/** Stand for the state and the cookie of an attempt that was really started for this case. */
const realState = '{state}';
const realCookie = '{cookie}';

const hostileValue = fc.oneof(
  fc.constant(''),
  fc
    .string({ unit: 'binary', maxLength: 40 })
    .map((text) => encodeURIComponent(toWellFormed(text))),
  fc.constantFrom(
    '%',
    '%%',
    '%0',
    '%zz',
    '%u0041',
    '%00',
    'a%00b',
    '%C3%28',
    '%FF%FE',
    '%ED%A0%80',
  ),
  fc.constantFrom('%0d%0aset-cookie:%20a=b', '<script>', "'", '%27%20or%201=1', '../../etc', '{}'),
  fc.integer({ min: 1_000, max: 12_000 }).map((length) => 'A'.repeat(length)),
  fc
    .integer({ min: 100, max: 3_000 })
    .map((length) => '%F0%9F%92%A9'.slice(0, 12).repeat(length / 12)),
  // Bytes that no request line may hold: the parser of HTTP has to refuse them.
  fc.constantFrom('\x00', '\x7f', '\xff\xfe', '\xc3\x28', 'caf\xe9', ' ', '\t'),
);

const parameterName = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('state', 'code', 'error', 'error_description') },
  {
    weight: 3,
    arbitrary: fc.constantFrom('iss', 'response', 'scope', 'State', 'state[]', 'code%00'),
  },
  { weight: 1, arbitrary: fc.stringMatching(/^[\w%.-]{0,12}$/) },
);

const parameter = fc.tuple(
  parameterName,
  fc.oneof(
    { weight: 2, arbitrary: fc.constant(realState) },
    { weight: 2, arbitrary: fc.constantFrom('access_denied', 'server_error', 'x'.repeat(43)) },
    { weight: 5, arbitrary: hostileValue },
  ),
);

const query = fc
  .record({
    // Most cases carry the real state, so that they reach what lies behind its check.
    lead: fc.constantFrom(`state=${realState}`, `state=${realState}`, ''),
    rest: fc.array(
      parameter.map(([name, value]) => `${name}=${value}`),
      { maxLength: 6 },
    ),
    tail: fc.constantFrom(
      '',
      'code=made-up',
      'error=access_denied',
      'code=a&code=b',
      'error=x&error=y',
      `state=${realState}`,
    ),
    separator: fc.constantFrom('&', '&', '&', '&&', ';'),
  })
  .map(({ lead, rest, tail, separator }) => [lead, ...rest, tail].filter(Boolean).join(separator));

const cookie = fc.oneof(
  { weight: 4, arbitrary: fc.constant(realCookie) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('', ';;;=', `${realCookie}=x`, `a=%; ${realCookie}`, '%00=%FF'),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 60 }).map((text) => text.replace(/[\r\n]/g, '')) },
);

const accept = fc.oneof(
  fc.constantFrom(undefined, '*/*', 'text/html', 'application/json', 'text/html;q=0.1, */*', ','),
  fc.stringMatching(/^[ -~]{0,40}$/),
);

const callback = fc.record({
  method: fc.constantFrom('GET', 'GET', 'GET', 'GET', 'HEAD'),
  query,
  cookie,
  accept,
});

/** The callback as bytes: each character is one, so that invalid UTF-8 can be sent. */
function toRequest(
  parts: { method: string; query: string; cookie: string; accept: string | undefined },
  port: number,
  attempt: { state: string; cookie: string },
): Buffer {
  const lines = [
    `${parts.method} /auth/callback?${parts.query.replaceAll(realState, attempt.state)} HTTP/1.1`,
    `Host: localhost:${port}`,
    'Connection: close',
    ...(parts.accept === undefined ? [] : [`Accept: ${parts.accept}`]),
    ...(parts.cookie === ''
      ? []
      : [`Cookie: ${parts.cookie.replaceAll(realCookie, attempt.cookie)}`]),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** Whether HTTP allows the request at all, and Node takes one of its size. */
function isHttp(request: Buffer): boolean {
  const [line = '', ...headers] = request.toString('latin1').split('\r\n');
  return (
    request.length < 16_000 &&
    /^\w+ [\x21-\x7e]+ HTTP\/1\.1$/.test(line) &&
    headers.every((header) => /^[\t\x20-\x7e\x80-\xff]*$/.test(header))
  );
}

/** The code that a person or a program is told. */
function codeOf({ head, body }: RawAnswer): string | undefined {
  if (/content-type: application\/json/i.test(head)) {
    return (JSON.parse(body) as { error?: string }).error;
  }
  if (body.includes('You declined the connection')) return 'authorization_denied';
  return /<code>(\w+)<\/code>/.exec(body)?.[1];
}

async function startAttempt({ url }: FlowFixture) {
  const answer = await send(`${url}/auth/start`);
  return {
    state: new URL(answer.headers.get('location') ?? '').searchParams.get('state') ?? '',
    cookie: answer.headers.getSetCookie()[0]?.split(';', 1)[0] ?? '',
  };
}

describe('malformed callbacks over a real socket', () => {
  it(
    'each get a known refusal in time, never a 500, a token or a secret',
    { timeout: 60_000 },
    async () => {
      await using fixture = await startFlow();
      const live = await migrateToLive(fixture, 'acme', 0);
      const grant = await fixture.keyshift.store.grants.find({
        clientId: 'flow-app',
        accountId: live.accountId!,
      });
      const secrets: readonly string[] = [
        grant!.accessToken.reveal(),
        grant!.refreshToken.reveal(),
        ...Object.values(fixture.secrets),
        ...fixture.seed.accounts.flatMap(({ keys }) => keys.map(({ key }) => key)),
      ];
      const seen = { cases: 0, refusedByParser: 0, codes: new Map<string, number>() };

      const property = fc.asyncProperty(callback, async (parts) => {
        const attempt = await startAttempt(fixture);
        const request = toRequest(parts, fixture.port, attempt);
        const answer = await sendRaw(fixture.port, request, 2_000);
        seen.cases += 1;

        expect(answer.status).toBeGreaterThanOrEqual(400);
        expect(answer.status).toBeLessThan(500);
        const shown = answer.head + answer.body;
        for (const secret of [...secrets, attempt.state, attempt.cookie.split('=')[1]!]) {
          expect(shown.includes(secret)).toBe(false);
        }
        expect(answer.body).not.toMatch(/eyJ\w|access_token|refresh_token"/);
        if (!isHttp(request)) {
          seen.refusedByParser += 1;
          return;
        }
        expect(answer.status).toBe(400);
        if (parts.method === 'HEAD') {
          expect(answer.body).toBe('');
          return;
        }
        const code = codeOf(answer);
        expect(Object.keys(errorTable)).toContain(code);
        seen.codes.set(code!, (seen.codes.get(code!) ?? 0) + 1);
      });
      await fc.assert(property, { seed: 20_261_123, numRuns: 300 });

      expect(seen.cases).toBeGreaterThanOrEqual(300);
      expect(seen.cases - seen.refusedByParser).toBeGreaterThanOrEqual(200);
      // The cases reach every depth of the callback, not its first check alone.
      expect([...seen.codes.keys()]).toEqual(
        expect.arrayContaining([
          'authorization_denied',
          'authorization_failed',
          'code_missing',
          'exchange_failed',
          'state_invalid',
        ]),
      );
      expect(fixture.sandbox.statistics().exchanges).toBe(1);
    },
  );

  it('answers the next person as always after all of that', async () => {
    await using fixture = await startFlow();
    for (const garbage of ['GET', '\0\0\0\0\r\n\r\n', 'GET /auth/callback?\xff HTTP/1.1\r\n\r\n']) {
      await sendRaw(fixture.port, Buffer.from(`${garbage}\r\n\r\n`, 'latin1'), 2_000);
    }
    const answer = await fixture.newBrowser().signIn(`${fixture.url}/auth/start`);
    expect(answer.status).toBe(200);
  });
});

/** Without lone surrogates, which percent-encoding cannot express. */
function toWellFormed(text: string): string {
  return text.replace(/[\uD800-\uDFFF]/gu, '\uFFFD');
}
