import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDocSession, type DocSession } from '../support/doc-session.ts';
import { readDocument } from '../support/markdown.ts';

const readme = readDocument('README.md');

describe('README.md', () => {
  it('is shorter than 200 lines', () => {
    expect(readme.text.split('\n').length).toBeLessThan(200);
  });

  it('holds the two curl commands of the seed demo word for word', () => {
    expect(readme.text).toContain(
      `curl -X POST http://localhost:5000/auth/refresh -H "Content-Type: application/json" -d '{"refresh_token": "YOUR_REFRESH_TOKEN"}'`,
    );
    expect(readme.text).toContain(
      'curl -X GET http://localhost:5000/whoami -H "Authorization: Bearer YOUR_ACCESS_TOKEN"',
    );
  });
});

describe('a newcomer who follows README.md from top to bottom', () => {
  let session: DocSession;
  beforeAll(async () => {
    session = await startDocSession();
  });
  afterAll(() => session[Symbol.asyncDispose]());

  it('sees after every command what README.md says', { timeout: 120_000 }, async () => {
    for (const part of readme.parts) expect(await session.follow(part)).toEqual([]);
  });
});
