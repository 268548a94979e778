import { expect } from 'vitest';
import type { Answer } from './answer.ts';

/** Expects a 400 in a form that its caller can read, not to be cached, that shows no internals. */
export function expectClear400(answer: Answer): void {
  expect(answer.status).toBe(400);
  expect(answer.headers.get('cache-control')).toContain('no-store');
  expect(answer.headers.get('content-type')).toMatch(/^(application\/json|text\/html)/);
  expect(answer.body).not.toMatch(/eyJ|_token"|at \w+ \(/);
}
