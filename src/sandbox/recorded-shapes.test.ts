import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { differences, type Json } from '../../test/support/match-shape.ts';
import { openScene, type RecordedShape, type ShapeScene } from '../../test/support/shape-scene.ts';

// Answers recorded at Klaviyo, as shapes without values. RECORDED_SHAPES names another file of them.

const file =
  process.env['RECORDED_SHAPES'] ??
  new URL('../../test/fixtures/klaviyo/recorded-shapes.json', import.meta.url);

/** Where the sandbox differs on purpose, and why. */
const onPurpose: Readonly<Record<string, string>> = {};

let scene: ShapeScene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

async function differencesOf(name: string, shape: RecordedShape): Promise<string[]> {
  let replayed: Awaited<ReturnType<ShapeScene['replay']>>;
  try {
    replayed = await scene.replay(name, shape);
  } catch (error) {
    return [(error as Error).message];
  }
  const { reply, called, asked } = replayed;
  const { origin } = scene;
  const told = (what: string, wanted: unknown, answered: unknown) =>
    wanted === answered ? [] : [`${what}: ${String(wanted)} wanted, ${String(answered)} answered`];
  const body = reply.body === '' ? null : (reply.json as Json);
  const retryAfter = /^\d+$/.test(reply.headers.get('retry-after') ?? '') ? 'int' : undefined;
  return [
    ...told('status', shape.status, reply.status),
    ...told('content type', shape.contentType, reply.headers.get('content-type')),
    ...told('RateLimit-Limit', shape.rateLimit, reply.headers.get('ratelimit-limit') ?? undefined),
    ...told('Retry-After', shape.retryAfter, retryAfter),
    ...differences(shape.body, body, { origin, called: called.pathname + called.search, asked }),
  ];
}

it('answers as Klaviyo did', async () => {
  const shapes = JSON.parse(await readFile(file, 'utf8')) as Record<string, RecordedShape>;
  const names = Object.keys(shapes);
  const different = new Map<string, string[]>();
  for (const [name, shape] of Object.entries(shapes)) {
    const found = await differencesOf(name, shape);
    if (found.length > 0) different.set(name, found);
  }
  const lines = [...different].map(
    ([name, found]) => `  ${name}: ${onPurpose[name] ?? `NOT ON PURPOSE ${found.join(' · ')}`}`,
  );
  const same = names.length - different.size;
  process.stdout.write([`same ${same} of ${names.length}`, ...lines, ''].join('\n'));
  expect([...different.keys()].filter((name) => onPurpose[name] === undefined)).toEqual([]);
  expect(same / names.length).toBeGreaterThanOrEqual(0.97);
});
