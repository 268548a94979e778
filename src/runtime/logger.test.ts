import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { createLogger, type LogLevel } from './logger.ts';

function collect(options: { level?: LogLevel; readable?: boolean } = {}) {
  const lines: string[] = [];
  const logger = createLogger({
    level: options.level ?? 'debug',
    readable: options.readable ?? false,
    destination: { write: (line) => lines.push(line) },
  });
  return { logger, lines, text: () => lines.join('') };
}

const key = 'pk_0123456789abcdef0123456789abcdef01';
const refreshToken = '9f8e7d6c5b4a39281706f5e4d3c2b1a0';

/** An error as HTTP libraries throw them: credentials in the message, the cause and its fields. */
function leakyError() {
  const cause = new Error(`POST failed: refresh_token=${refreshToken}`);
  const error = new Error(`refused ${key}`, { cause });
  return Object.assign(error, {
    config: { headers: { Authorization: `Klaviyo-API-Key ${key}` } },
    body: JSON.stringify({ refresh_token: refreshToken }),
  });
}

describe.each([false, true])('the logger (readable: %s)', (readable) => {
  it.each([
    ['as err', { err: leakyError() }],
    ['under another name', { problem: leakyError() }],
    ['as the cause of ours', { err: new KeyshiftError('internal', 'x', { cause: leakyError() }) }],
    ['inside a list', { all: [leakyError(), { key }] }],
  ])('removes secrets from an error logged %s', (_name, fields) => {
    const { logger, text } = collect({ readable });
    logger.error(fields, `failed for ${key}`);
    expect(text()).toContain('failed for pk_');
    expect(text()).not.toContain(key);
    expect(text()).not.toContain(refreshToken);
  });

  it('removes secrets from what a child logger adds to every line', () => {
    const { logger, text } = collect({ readable });
    logger.child({ credential: key }).info('called');
    expect(text()).not.toContain(key);
  });

  it('removes a key that stands on a line of its own', () => {
    const { logger, text } = collect({ readable });
    logger.info(`these keys are refused:\n${key}\n`);
    expect(text()).not.toContain(key);
  });

  it('never throws and never tears a line, whatever the text', () => {
    const fragment = fc.constantFrom(
      ...['password', 'refresh_token', ':', '=', '\n', '\t', '"', '\\', "'", ' ', '{', '}', '@'],
      ...['Bearer ', 'pk_', 'http://localhost:5000', 'postgres://u:', 'a'.repeat(20), '?code='],
    );
    const text = fc.array(fragment, { maxLength: 8 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, text, text, (msg, first, second) => {
        const { logger, lines } = collect({ readable });
        logger.warn({ deep: { first }, second, err: new Error(first) }, msg);
        expect(lines).toHaveLength(1);
        if (!readable) expect(JSON.parse(lines[0] ?? '')).toHaveProperty('level', 'warn');
      }),
      { numRuns: 500 },
    );
  });
});

describe('the logger', () => {
  it('writes one line an event on a terminal, whatever the message holds', () => {
    const { logger, text } = collect({ readable: true });
    logger.info('name: one\n08:00:00 error forged line');
    expect(text().trimEnd().split('\n')).toHaveLength(1);
  });

  it('lets no control characters through to a terminal', () => {
    const { logger, text } = collect({ readable: true });
    logger.info({ name: '\u001b[2Jgone' }, 'customer \u001b[31mred');
    expect(text()).not.toContain('\u001b');
  });

  it('leaves lines below its level out', () => {
    const { logger, lines } = collect({ level: 'warn' });
    logger.debug('no');
    logger.info('no');
    logger.warn('yes');
    logger.error('yes');
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['yes', 'yes']);
  });

  it('writes nothing at all when silent', () => {
    const { logger, lines } = collect({ level: 'silent' });
    logger.error('no');
    expect(lines).toEqual([]);
  });

  it('writes JSON lines with level, time, fields and message', () => {
    const { logger, lines } = collect();
    logger.info({ customer: 'acme', count: 3 }, 'customer connected');
    const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
    expect(line).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
      customer: 'acme',
      count: 3,
      msg: 'customer connected',
    });
  });

  it('keeps message, code, stack and cause of an error in JSON', () => {
    const { logger, lines } = collect();
    const cause = new Error('the disk is full');
    logger.error({ err: new KeyshiftError('internal', 'It failed.', { cause }) }, 'request failed');
    const { err } = JSON.parse(lines[0] ?? '') as { err: Record<string, string> };
    expect(err['code']).toBe('internal');
    expect(err['message']).toContain('It failed.');
    expect(err['stack']).toContain('the disk is full');
  });

  it('writes time, level, message and fields readably, with blanks in quotes', () => {
    const { logger, text } = collect({ readable: true });
    logger.warn({ customer: 'acme', name: 'Alpha & Sons', err: new Error('no luck') }, 'odd');
    expect(text()).toMatch(
      /^\d\d:\d\d:\d\d warn {2}odd customer=acme name="Alpha & Sons" error="no luck"\n$/,
    );
  });
});
