import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createTerminal, formatTable } from './terminal.ts';

/** A stream that remembers what was written. */
function recorder(isTTY: boolean) {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  Object.assign(stream, { isTTY, columns: 80, cursorTo: () => true, clearLine: () => true });
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text };
}

describe('the terminal', () => {
  it('keeps answers apart from what stands beside them', () => {
    const [out, err] = [recorder(false), recorder(false)];
    const terminal = createTerminal({ stdout: out.stream, stderr: err.stream });
    terminal.print('an answer');
    terminal.print();
    terminal.note('a hint');
    expect(out.text()).toBe('an answer\n\n');
    expect(err.text()).toBe('a hint\n');
  });

  it('shows no bar where nobody watches', () => {
    const [out, err] = [recorder(true), recorder(false)];
    const bar = createTerminal({ stdout: out.stream, stderr: err.stream }).progress('work', 10);
    bar.update(5);
    bar.stop();
    expect(out.text() + err.text()).toBe('');
  });

  it('shows a bar beside the answer, never in it', () => {
    const [out, err] = [recorder(false), recorder(true)];
    const bar = createTerminal({ stdout: out.stream, stderr: err.stream }).progress('work', 10);
    bar.update(10);
    bar.stop();
    expect(out.text()).toBe('');
    expect(err.text()).toContain('work');
    expect(err.text()).toContain('10/10');
  });
});

describe('formatTable', () => {
  it('makes every column as wide as its longest cell', () => {
    expect(
      formatTable(
        ['CUSTOMER', 'NAME', 'ROUTE'],
        [
          ['acme', 'A', 'key'],
          ['a-longer-customer', '–', 'oauth'],
        ],
      ),
    ).toEqual([
      'CUSTOMER           NAME  ROUTE',
      'acme               A     key',
      'a-longer-customer  –     oauth',
    ]);
  });

  it('counts an accented letter and an emoji as one', () => {
    const [, first, second] = formatTable(
      ['N', 'X'],
      [
        ['Zoe\u0308 👍🏽', 'x'],
        ['Ada B', 'x'],
      ],
    );
    const segments = (line = '') => Array.from(new Intl.Segmenter().segment(line)).length;
    expect(segments(first)).toBe(segments(second));
  });

  it('drops what would move the cursor, break the line or colour the terminal', () => {
    const [, line] = formatTable(['N', 'X'], [['a\u001b[31m\r\nb\u202e\tc', 'x']]);
    expect(line).toBe('a[31mbc  x');
  });

  it('is a header alone when there is nothing to show, and bears short rows', () => {
    expect(formatTable(['A', 'B'], [])).toEqual(['A  B']);
    expect(formatTable(['A', 'B'], [['only']])).toEqual(['A     B', 'only']);
  });
});
