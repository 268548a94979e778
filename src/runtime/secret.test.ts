import { format, inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createLogger } from './logger.ts';
import { Secret } from './secret.ts';

const value = 'a-value-nobody-may-read';
const secret = new Secret('access_token', value);

describe('a secret', () => {
  it.each([
    ['JSON.stringify', () => JSON.stringify({ deep: [{ secret }] })],
    ['util.inspect', () => inspect({ deep: [{ secret }] }, { depth: Infinity, showHidden: true })],
    ['util.inspect without its hook', () => inspect(secret, { customInspect: false })],
    ['a template string', () => `${secret}`], // eslint-disable-line @typescript-eslint/restrict-template-expressions
    ['string concatenation', () => 'token ' + String(secret)],
    ['console formats', () => format('%s %o %O %j', secret, secret, secret, secret)],
    ['its own properties', () => JSON.stringify(Object.entries({ ...secret }))],
    ['a structured clone', () => inspect(structuredClone({ ...secret }))],
    ['an error made of it', () => new Error(String(secret)).message],
  ])('does not print by %s', (_way, print) => {
    const printed = print();
    expect(printed).toContain('access_token');
    expect(printed).not.toContain(value);
  });

  it('does not print in the log', () => {
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', destination: { write: (l) => lines.push(l) } });
    logger.info({ secret, nested: { list: [secret] } }, 'a token');
    expect(lines.join('')).toContain('[access_token]');
    expect(lines.join('')).not.toContain(value);
  });

  it('gives its value to who asks for it by name', () => {
    expect(secret.reveal()).toBe(value);
  });

  it('tells other values from its own, of any length', () => {
    expect(secret.equals('')).toBe(false);
    expect(secret.equals(`${value}x`)).toBe(false);
    expect(secret.equals(new Secret('access_token', value.toUpperCase()))).toBe(false);
    expect(secret.equals('[access_token]')).toBe(false);
    expect(secret.equals(value)).toBe(true);
    expect(secret.equals(new Secret('refresh_token', value))).toBe(true);
  });
});
