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

  it('lets no control or bidi character of anybody’s through, and keeps JSON as it was', () => {
    const [out, err] = [recorder(true), recorder(true)];
    const terminal = createTerminal({ stdout: out.stream, stderr: err.stream });
    const foreign = [
      ...['\u001b[31m', '\u009b2J', '\u0007', '\u0000', '\u007f', '\r', '\b', '\u202e', '\u2066'],
      ...['\u200f', '\u061c', '\u2028', '\ufeff', '\ud800', '\u{e0041}'],
    ];
    for (const text of foreign) {
      terminal.print(`a${text}b`);
      terminal.write(JSON.stringify({ name: text }));
      terminal.note(`a${text}b`);
    }
    const written = out.text() + err.text();
    expect(written).not.toMatch(/[^\P{C}\n]|[\u2028\u2029]/u);
    const json = out.text().match(/\{.*?\}(?=a|$)/gm) ?? [];
    expect(json.map((text) => (JSON.parse(text) as { name: string }).name)).toEqual(foreign);
    terminal.print('two\r\nlines\tand a tab, Zoë 👩‍👩‍👧 نمی‌خواهم');
    expect(out.text()).toContain('two\r\nlines\tand a tab, Zoë 👩‍👩‍👧 نمی‌خواهم\n');
  });

  it('shows no bar where nobody watches', () => {
    const [out, err] = [recorder(true), recorder(false)];
    const bar = createTerminal({ stdout: out.stream, stderr: err.stream }).progress('work', 10);
    bar.update(5);
    bar.stop();
    expect(out.text() + err.text()).toBe('');
  });

  it('tells a log of a long job that it goes on, a line for many', () => {
    const [out, err] = [recorder(false), recorder(false)];
    const terminal = createTerminal({ stdout: out.stream, stderr: err.stream });
    const bar = terminal.progress('work', 2_500);
    for (let done = 0; done <= 2_500; done += 250) bar.update(done);
    const counter = terminal.counter('rows');
    for (let done = 0; done < 30_000; done += 250) counter.update(done);
    counter.stop();
    expect(err.text()).toBe('work: 1000 of 2500\nwork: 2000 of 2500\nrows: 10000\nrows: 20000\n');
    expect(out.text()).toBe('');
  });

  it('shows a number that grows where somebody watches', () => {
    const [out, err] = [recorder(true), recorder(true)];
    const counter = createTerminal({ stdout: out.stream, stderr: err.stream }).counter('rows');
    counter.update(250);
    counter.stop();
    expect(err.text()).toMatch(/^\rrows +250\n$/);
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
