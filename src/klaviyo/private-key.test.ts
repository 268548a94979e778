import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parsePrivateKey } from './private-key.ts';

describe('parsePrivateKey', () => {
  it.each([
    ['nothing', ''],
    ['the prefix alone', 'pk_'],
    ['another prefix', 'sk_0123456789abcdef'],
    ['the prefix in capitals', 'PK_0123456789abcdef'],
    ['a prefix in the middle', 'x-pk_0123456789abcdef'],
    ['a blank inside', 'pk_01234567 89abcdef'],
    ['a line break inside', 'pk_01234567\n89abcdef'],
    ['a second key', 'pk_0123456789abcdef,pk_0123456789abcdef'],
    ['quotes', '"pk_0123456789abcdef"'],
    ['what is not ASCII', 'pk_0123456789abcdéf'],
    ['a character nobody sees', 'pk_0123456789abc\u200bdef'],
    ['what a header cannot hold', 'pk_0123456789abcdef\u0000'],
    ['an account id', 'AbC123'],
    ['more than anyone pastes', `pk_${'a'.repeat(257)}`],
  ])('does not take %s for a key', (_name, value) => {
    expect(parsePrivateKey(value)).toBeUndefined();
  });

  it.each([
    ['a key of 34 characters', `pk_${'a1'.repeat(17)}`],
    ['a key of another length', 'pk_abc'],
    ['a key with _ and -', 'pk_AbC123_0123-456789'],
    ['a key between blanks', ' \tpk_0123456789abcdef\r\n'],
  ])('takes %s', (_name, value) => {
    expect(parsePrivateKey(value)?.reveal()).toBe(value.trim());
  });

  it('answers a key that does not print', () => {
    const key = parsePrivateKey('pk_0123456789abcdef');
    expect(key).toBeDefined();
    expect(inspect(key) + JSON.stringify({ key })).not.toContain('0123456789');
  });
});
