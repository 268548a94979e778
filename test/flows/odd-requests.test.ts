import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createMiddleware } from '../../src/http/create-middleware.ts';
import { send } from '../support/answer.ts';
import { createCollectingLogger } from '../support/collecting-logger.ts';
import { createConnectApp } from '../support/connect-app.ts';
import { pageAccept } from '../support/browser.ts';
import { startFlow } from '../support/flow-fixture.ts';
import { importAndCheck, invite, keyOf } from '../support/migration-steps.ts';

const form = 'application/x-www-form-urlencoded';
const broken: readonly (readonly [name: string, contentType: string | undefined, body: string])[] =
  [
    ['multipart without a boundary', 'multipart/form-data', 'address=a'],
    ['multipart with a boundary that never comes', 'multipart/form-data; boundary=x', 'address=a'],
    ['multipart that breaks off', 'multipart/form-data; boundary=x', '--x\r\nContent-Disposition'],
    ['multipart without a name', 'multipart/form-data; boundary=x', '--x\r\n\r\na\r\n--x--\r\n'],
    ['an empty multipart', 'multipart/form-data; boundary=x', ''],
    ['a boundary of odd characters', 'multipart/form-data; boundary="\\"', '--'],
    ['a broken percent', form, 'address=%zz&%=%&csrf_token=%E0%A4%A'],
    ['bytes that are no UTF-8', form, 'address=%ff%fe'],
    ['another charset', `${form}; charset=utf-16`, 'a\0d\0'],
    ['JSON that is a form', 'application/json', 'address=a'],
    ['JSON that breaks off', 'application/json', '{"refresh_token":'],
    ['deep JSON', 'application/json', '['.repeat(30_000)],
    ['JSON of another charset', 'application/json; charset=utf-16', '{\0}\0'],
    ['a type that is none', '////', 'x'],
    ['no type', undefined, 'x'],
    ['more than 64 KiB', form, 'x'.repeat(70_000)],
    ['more than 64 KiB of multipart', 'multipart/form-data; boundary=x', 'x'.repeat(70_000)],
  ];

describe('a broken body', () => {
  it(
    'gets a clear 4xx on every form, and leaves no stack in the log',
    { timeout: 60_000 },
    async () => {
      const { logger, lines } = createCollectingLogger();
      await using flow = await startFlow({
        mode: 'production',
        logger,
        environment: { SMTP_URL: 'smtp://localhost:9', MAIL_FROM: 'Acme <a@acme.example>' },
      });
      await importAndCheck(flow, [{ customerId: 'acme', key: keyOf(flow, 0) }]);
      const link = await invite(flow, 'acme');
      const urls = [
        `${link}/administrator`,
        `${link}/unsubscribe/x`,
        `${flow.url}/console/login`,
        `${flow.url}/console/logout`,
        `${flow.url}/auth/refresh`,
        `${flow.url}/auth/disconnect`,
      ];
      for (const url of urls) {
        for (const [name, contentType, body] of broken) {
          for (const accept of [pageAccept, '*/*']) {
            const answer = await send(url, {
              method: 'POST',
              headers: {
                accept,
                authorization: `Bearer ${flow.secrets.serviceToken}`,
                ...(contentType === undefined ? {} : { 'content-type': contentType }),
              },
              body: new TextEncoder().encode(body),
            });
            const { status } = answer;
            const isLogout = url.endsWith('logout') && status === 303;
            expect([url, name, isLogout || (status >= 400 && status < 500)]).toEqual([
              url,
              name,
              true,
            ]);
            if (!isLogout) expect(answer.body.length, name).toBeGreaterThan(20);
          }
        }
      }
      const log = lines.raw.join('');
      expect(log).not.toMatch(/"stack"|"level":50| at .*\.js:/);
    },
  );
});

/** The status of a request whose path is sent as it is. */
function statusOf(port: number, path: string, headers = ''): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, 'localhost', () => {
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n${headers}\r\n`,
      );
    });
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('close', () => {
      resolve(Number(text.slice(9, 12)));
    });
    socket.on('error', reject);
  });
}

const oddPaths = [
  '/connect/../metrics',
  '/connect/..',
  '/connect/%2e%2e/metrics',
  '/connect/.%2E/healthz',
  '/connect/./x',
  '/connect/..;a=b/healthz',
  '/connect/..%2fhealthz',
  '/connect/x%2f..%2f..%2fhealthz',
  '/connect//x',
  '/connect/x\\..\\..\\healthz',
  '/connect/%5c..%5chealthz',
  '/auth/../healthz',
  '//healthz',
  '/./healthz',
  '/connect/x/../../console',
];

describe('a path that leads elsewhere', () => {
  it.each(oddPaths)('is refused by the server: %s', async (path) => {
    await using flow = await startFlow();
    expect(await statusOf(flow.port, path)).toBe(400);
    expect(await statusOf(flow.port, '/healthz')).toBe(200);
  });

  it('is refused inside of an application, or left to it', async () => {
    await using flow = await startFlow();
    const app = createConnectApp();
    app.use('/klaviyo', createMiddleware(flow.keyshift.face));
    app.use(createMiddleware(flow.keyshift.face));
    const port = Number(new URL(await app.listen()).port);
    for (const path of oddPaths.flatMap((each) => [each, `/klaviyo${each}`])) {
      expect([path, [400, 404].includes(await statusOf(port, path))]).toEqual([path, true]);
    }
    await app[Symbol.asyncDispose]();
  });
});
