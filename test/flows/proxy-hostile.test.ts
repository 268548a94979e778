import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { send } from '../support/answer.ts';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';
import {
  jsonAnswer,
  startLoopbackServer,
  type LoopbackServer,
} from '../support/loopback-server.ts';
import { importAndCheck, keyOf } from '../support/migration-steps.ts';

const found = {
  data: [{ type: 'account', id: 'AbC123', attributes: { contact_information: {} } }],
};

let api: LoopbackServer;
let other: LoopbackServer;
let fixture: FlowFixture;
beforeAll(async () => {
  api = await startLoopbackServer(jsonAnswer(200, found));
  other = await startLoopbackServer(jsonAnswer(200, { stolen: true }));
  fixture = await startFlow({ environment: { KLAVIYO_API_URL: api.url } });
  await importAndCheck(fixture, [{ customerId: 'acme', key: keyOf(fixture, 0) }]);
});
afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

/** Writes bytes and answers what came back until the server closed or fell silent. */
function exchange(bytes: string, waitMs = 3_000): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(fixture.port, 'localhost');
    const done = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(Buffer.concat(chunks).toString('latin1'));
    };
    let timer = setTimeout(done, waitMs);
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      clearTimeout(timer);
      timer = setTimeout(done, 30);
    });
    socket.on('error', done);
    socket.on('close', done);
    socket.write(Buffer.from(bytes, 'latin1'));
  });
}

const authorization = () => `Authorization: Klaviyo-API-Key ${keyOf(fixture, 0)}`;

/** The server is alive and right, whatever was sent before. */
async function expectHealthy(): Promise<void> {
  const headers = { authorization: `Klaviyo-API-Key ${keyOf(fixture, 0)}` };
  const answer = await send(`${fixture.url}/api/profiles`, { headers });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('keyshift-route')).toBe('key');
}

describe('whatever bytes a caller sends', () => {
  const otherHost = () => other.url.slice('http://'.length);
  const line = () =>
    fc.constantFrom(
      ...[
        'GET /api/profiles HTTP/1.1',
        'POST /api/events HTTP/1.1',
        'GET //{other}/api/x HTTP/1.1',
      ],
      ...['GET http://{other}/api/profiles HTTP/1.1', 'GET /api//{other}/x HTTP/1.1'],
      ...['GET /api/@{other}/ HTTP/1.1', 'GET /api/..%2f..%2f{other} HTTP/1.1'],
      ...[
        'CONNECT {other} HTTP/1.1',
        'GET /api/x%0d%0aHost:{other} HTTP/1.1',
        'GET /api/ HTTP/9.9',
      ],
      ...['GET /api/profiles/a%2Fb HTTP/1.1', 'GET /api/profiles/a%2F..%2F..%2Foauth HTTP/1.1'],
      ...[
        'OPTIONS * HTTP/1.1',
        'PRI * HTTP/2.0',
        'get /api/profiles http/1.1',
        'GET /api\\x HTTP/1.1',
      ],
    );
  const header = () =>
    fc.constantFrom(
      ...[
        'Host: {other}',
        'Host: localhost',
        'Host: a\r\nHost: {other}',
        'X-Forwarded-Host: {other}',
      ],
      ...['Content-Length: 5', 'Content-Length: 5\r\nContent-Length: 6', 'Content-Length: -1'],
      ...['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked, identity'],
      ...[
        'Transfer-Encoding:\tchunked',
        'Transfer-Encoding : chunked',
        'Transfer-Encoding: xchunked',
      ],
      ...['Content-Length: 3\r\nTransfer-Encoding: chunked', 'Expect: 100-continue', 'Expect: x'],
      ...[
        'Connection: close, authorization, content-length',
        'Upgrade: websocket\r\nConnection: upgrade',
      ],
      ...[
        'X-A: 1\rX-B: 2',
        'X-A: 1\nX-B: 2',
        ' folded: 1',
        'X-Null: a\0b',
        'X-High: \xff\xfe',
        ': none',
      ],
      ...[
        'Keyshift-Account: {other}',
        'Trailer: X',
        'TE: trailers',
        'Proxy-Authorization: Basic eA==',
      ],
    );
  const body = () =>
    fc.constantFrom(
      ...[
        '',
        'hello',
        '0\r\n\r\n',
        '5\r\nhello\r\n0\r\n\r\n',
        'ffffffffffffffff\r\nx',
        '-1\r\n\r\n',
      ],
      ...['0\r\n\r\nGET /api/smuggled HTTP/1.1\r\nHost: x\r\n\r\n', '\0\0\0', 'x'.repeat(70_000)],
    );

  it('reaches Klaviyo as one whole call with the right credential or not at all, no other host, and never ends the server', async () => {
    await fc.assert(
      fc.asyncProperty(
        // Half of them begin like any other call, so that some are.
        fc.oneof(
          fc.constantFrom('GET /api/profiles HTTP/1.1', 'POST /api/events HTTP/1.1'),
          line(),
        ),
        fc.constantFrom('Host: localhost', 'X-No-Host: 1'),
        fc.array(header(), { maxLength: 4 }),
        body(),
        async (first, host, headers, rest) => {
          const fill = (text: string) => text.replaceAll('{other}', otherHost());
          const before = api.received.length;
          const text = [first, host, authorization(), ...headers].map(fill).join('\r\n');
          await exchange(`${text}\r\n\r\n${rest}`, 300);
          for (const call of api.received.slice(before)) {
            expect(call.path.startsWith('/api/')).toBe(true);
            expect(call.headers.host).toBe(api.url.slice('http://'.length));
            expect(call.headers.authorization).toMatch(/^Klaviyo-API-Key pk_/);
            expect(call.headers['x-forwarded-host']).toBeUndefined();
            expect(
              Object.keys(call.headers).filter((name) => name.startsWith('keyshift-')),
            ).toEqual([]);
          }
          expect(api.received.slice(before).map(({ path }) => path)).not.toContain('/api/smuggled');
        },
      ),
      { numRuns: 150, endOnFailure: true },
    );
    expect(api.received.length).toBeGreaterThan(3);
    expect(other.received).toEqual([]);
    await expectHealthy();
  }, 120_000);

  it('is refused where length and encoding of a body conflict', async () => {
    const before = api.received.length;
    for (const conflict of [
      'Content-Length: 3\r\nTransfer-Encoding: chunked',
      'Content-Length: 3\r\nContent-Length: 4',
      'Transfer-Encoding: identity, chunked\r\nContent-Length: 3',
    ]) {
      const head = `POST /api/profiles HTTP/1.1\r\nHost: x\r\n${authorization()}\r\n${conflict}`;
      expect(await exchange(`${head}\r\n\r\n0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /);
    }
    expect(api.received.length).toBe(before);
  });
});

describe('a caller that goes away', () => {
  const open = (): Promise<Socket> =>
    new Promise((resolve) => {
      const socket = connect(fixture.port, 'localhost', () => {
        resolve(socket);
      });
      socket.on('error', () => undefined);
    });

  it('in the middle of its body never reaches Klaviyo with half of it', async () => {
    const before = api.received.length;
    for (const size of [10, 300_000]) {
      const socket = await open();
      socket.write(
        `POST /api/profiles HTTP/1.1\r\nHost: x\r\n${authorization()}\r\nContent-Length: ${size + 1}\r\n\r\n`,
      );
      await new Promise((resolve) => socket.write('x'.repeat(size), resolve));
      socket.destroy();
    }
    await expectHealthy();
    expect(api.received.slice(before).filter(({ method }) => method === 'POST')).toEqual([]);
  });

  it('by sending a byte at a time, with hundreds like it, holds up nobody', async () => {
    const before = api.received.length;
    const sockets = await Promise.all(Array.from({ length: 300 }, open));
    const halves = [
      `GET /api/profiles HTTP/1.1\r\nHost: x\r\n${authorization()}\r\nX-Slow: `,
      `POST /api/events HTTP/1.1\r\nHost: x\r\n${authorization()}\r\nContent-Length: 50\r\n\r\n`,
      'G',
    ];
    for (const [at, socket] of sockets.entries()) socket.write(halves[at % halves.length] ?? '');
    for (let round = 0; round < 5; round += 1) {
      for (const socket of sockets) socket.write('x');
      await expectHealthy();
    }
    for (const socket of sockets) socket.destroy();
    await expectHealthy();
    // The calls of the others, and not one of theirs.
    expect(api.received.slice(before).map(({ method }) => method)).toEqual(Array(6).fill('GET'));
  });

  it('ends its call at Klaviyo', async () => {
    let ended!: () => void;
    const closed = new Promise<void>((resolve) => (ended = resolve));
    let began!: () => void;
    const arrived = new Promise<void>((resolve) => (began = resolve));
    api.answerWith((response) => {
      response.on('close', ended);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"data":');
      began();
    });
    try {
      const socket = await open();
      socket.write(`GET /api/profiles HTTP/1.1\r\nHost: x\r\n${authorization()}\r\n\r\n`);
      await arrived;
      socket.destroy();
      await closed;
    } finally {
      api.answerWith(jsonAnswer(200, found));
    }
    await expectHealthy();
  });

  it('on its side alone counts as gone, and leaves nothing behind', async () => {
    const socket = await open();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resume();
    socket.end(`GET /api/profiles HTTP/1.1\r\nHost: x\r\n${authorization()}\r\n\r\n`);
    await closed;
    await expectHealthy();
  });
});

describe('Klaviyo that breaks off', () => {
  it('before its answer: a read is sent again, a write is told as an error', async () => {
    let failures = 1;
    api.answerWith((response, request) => {
      if (failures > 0) {
        failures -= 1;
        response.destroy();
      } else {
        jsonAnswer(200, found)(response, request);
      }
    });
    try {
      await expectHealthy();
      failures = 1;
      const answer = await send(`${fixture.url}/api/profiles`, {
        method: 'POST',
        headers: { authorization: `Klaviyo-API-Key ${keyOf(fixture, 0)}` },
        body: '{}',
      });
      expect(answer.status).toBe(502);
      expect(answer.headers.get('keyshift-error')).toBe('upstream_unreachable');
    } finally {
      api.answerWith(jsonAnswer(200, found));
    }
    await expectHealthy();
  });
});

it('100 MB go through both ways', async () => {
  const size = 100 * 1024 * 1024;
  const chunk = Buffer.alloc(1024 * 1024, 'x');
  api.answerWith((response, request) => {
    response.writeHead(200, {
      'content-length': String(size),
      'x-size': String(request.body.length),
    });
    let left = size;
    const more = () => {
      while (left > 0) {
        left -= chunk.length;
        if (!response.write(chunk) && left > 0) {
          response.once('drain', more);
          return;
        }
      }
      response.end();
    };
    more();
  });
  try {
    const sent = Readable.from(Array.from({ length: 100 }, () => chunk));
    const answer = await fetch(`${fixture.url}/api/profiles`, {
      method: 'POST',
      headers: { authorization: `Klaviyo-API-Key ${keyOf(fixture, 0)}` },
      body: Readable.toWeb(sent) as ReadableStream,
      duplex: 'half',
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-size')).toBe(String(size));
    let read = 0;
    for await (const part of answer.body as AsyncIterable<Uint8Array>) read += part.length;
    expect(read).toBe(size);
  } finally {
    api.answerWith(jsonAnswer(200, found));
  }
}, 60_000);
