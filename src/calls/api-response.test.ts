import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { openCallerBench } from '../../test/support/api-caller-fixture.ts';
import { htmlAnswer, jsonAnswer, type Answer } from '../../test/support/loopback-server.ts';
import { isKeyshiftError } from '../errors/keyshift-error.ts';
import { KlaviyoApiFailure } from './klaviyo-api-failure.ts';

const conflict = jsonAnswer(409, {
  errors: [
    {
      id: 'e-1',
      code: 'duplicate_profile',
      title: 'Conflict.',
      detail: 'A profile already exists.',
    },
  ],
});

async function failureOf(answer: Answer): Promise<KlaviyoApiFailure> {
  await using bench = await openCallerBench(answer);
  const response = await bench.call('/api/profiles', { method: 'POST', body: '{}' });
  const error = await response.orThrow().catch((reason: unknown) => reason);
  if (error instanceof KlaviyoApiFailure) return error;
  throw new Error(`not a KlaviyoApiFailure: ${inspect(error)}`);
}

describe('orThrow', () => {
  it('throws what Klaviyo said, with the id that its support asks for', async () => {
    const error = await failureOf(conflict);
    expect(error).toMatchObject({
      code: 'klaviyo_refused',
      httpStatus: 409,
      klaviyo: { id: 'e-1', code: 'duplicate_profile', detail: 'A profile already exists.' },
      message: 'Klaviyo answered 409 (duplicate_profile: A profile already exists.).',
    });
    expect(isKeyshiftError(error, 'klaviyo_refused')).toBe(true);
  });

  it('names the scopes that are missing', async () => {
    const detail = 'Your credentials are missing required scopes: lists:read, lists:write';
    const error = await failureOf(
      jsonAnswer(403, { errors: [{ code: 'permission_denied', detail }] }),
    );
    expect(error.klaviyo?.missingScopes).toEqual(['lists:read', 'lists:write']);
  });

  it('throws the status of an answer that is no error of Klaviyo’s API', async () => {
    const error = await failureOf(htmlAnswer(403));
    expect(error).toMatchObject({ httpStatus: 403, klaviyo: undefined });
    expect(error.message).not.toContain('<');
  });

  it('gives a good answer back, its body unread', async () => {
    await using bench = await openCallerBench(jsonAnswer(201, { data: { id: '1' } }));
    const response = await (await bench.call('/api/profiles')).orThrow();
    expect(await response.json()).toEqual({ data: { id: '1' } });
  });
});

describe('an answer', () => {
  it('that is not JSON says so when it is read as such', async () => {
    await using bench = await openCallerBench(htmlAnswer(200));
    await expect((await bench.call('/api/profiles')).json()).rejects.toMatchObject({
      code: 'upstream_unreadable',
      message: "The body of Klaviyo's 200 is not JSON.",
    });
  });

  it('that breaks off says so', async () => {
    await using bench = await openCallerBench((response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => setTimeout(() => response.destroy(), 20));
    });
    await expect((await bench.call('/api/profiles')).text()).rejects.toMatchObject({
      code: 'upstream_unreadable',
      message: "The body of Klaviyo's 200 broke off.",
    });
  });

  it('is read once', async () => {
    await using bench = await openCallerBench(jsonAnswer(200, {}));
    const response = await bench.call('/api/profiles');
    await response.text();
    await expect(response.text()).rejects.toBeInstanceOf(TypeError);
  });

  it('has headers by names in any case, repeated ones joined', async () => {
    await using bench = await openCallerBench((response) => {
      response.writeHead(200, { 'X-One': '1', 'x-many': ['a', 'b'] }).end();
    });
    const { headers } = await bench.call('/api/profiles');
    expect(headers.get('x-ONE')).toBe('1');
    expect(headers.get('x-many')).toBe('a, b');
    expect(headers.get('x-none')).toBeNull();
    expect(headers.has('X-MANY')).toBe(true);
    expect(headers.has('x-none')).toBe(false);
    expect(new Map(headers).get('x-one')).toBe('1');
  });

  it('can be streamed, or let go', async () => {
    const body = 'x'.repeat(300_000);
    await using bench = await openCallerBench((response) => response.end(body));
    const streamed = await bench.call('/api/profiles');
    let size = 0;
    for await (const chunk of streamed.body) size += (chunk as Buffer).length;
    expect(size).toBe(body.length);
    await (await bench.call('/api/profiles')).dump();
  });

  it('holds no credential, however it is printed', async () => {
    await using bench = await openCallerBench(conflict);
    const response = await bench.call('/api/profiles');
    const printed = inspect(response, { depth: 9, showHidden: true, getters: true });
    const { error } = await response.orThrow().then(
      () => ({ error: undefined }),
      (reason: unknown) => ({ error: reason }),
    );
    for (const text of [printed, JSON.stringify(error), inspect(error, { depth: 9 })]) {
      expect(text).not.toContain('token-1');
    }
  });
});
