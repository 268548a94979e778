import { describe, expect, it } from 'vitest';
import { matchesTranscript, readTranscript } from './transcript.ts';

describe('matchesTranscript', () => {
  it('refuses another number, a missing line and a line too many', () => {
    expect(matchesTranscript('12 rows', '13 rows')).toBe(false);
    expect(matchesTranscript('one\ntwo', 'one')).toBe(false);
    expect(matchesTranscript('one', 'one\ntwo')).toBe(false);
    expect(matchesTranscript('', 'one')).toBe(false);
  });

  it('takes … for text within a line, and never for a line break', () => {
    expect(matchesTranscript('link …/connect/…', 'link http://x/connect/abc\n')).toBe(true);
    expect(matchesTranscript('a…b', 'a\nb')).toBe(false);
  });

  it('takes a line of … for any number of lines', () => {
    expect(matchesTranscript('one\n…\nfour', 'one\ntwo\nthree\nfour')).toBe(true);
    expect(matchesTranscript('one\n…\nfour', 'one\nfour')).toBe(true);
    expect(matchesTranscript('one\n…\nfour', 'one\ntwo\nfive')).toBe(false);
  });

  it('takes what regular expressions call special as it stands', () => {
    expect(matchesTranscript('a.b (c)', 'a.b (c)')).toBe(true);
    expect(matchesTranscript('a.b', 'axb')).toBe(false);
  });
});

describe('readTranscript', () => {
  it('refuses a block that does not begin with a command', () => {
    expect(() => readTranscript('12 rows\n')).toThrow(/no command/);
  });

  it('reads commands, their continuations and their output', () => {
    expect(readTranscript('$ one \\\n  --more\nout 1\nout 2\n$ two\n')).toEqual([
      { command: 'one \\\n  --more', expected: 'out 1\nout 2' },
      { command: 'two', expected: '' },
    ]);
  });
});
