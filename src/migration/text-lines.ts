import { StringDecoder } from 'node:string_decoder';

/**
 * Splits bytes of UTF-8 into lines, whichever of the three line ends they use. A line beyond
 * `longest` characters is given in pieces, so that memory stays flat.
 */
export async function* readLines(
  input: AsyncIterable<Buffer | string>,
  longest = 10_000_000,
): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of input) {
    rest += typeof chunk === 'string' ? chunk : decoder.write(chunk);
    // A return at the end of a chunk may be half of a line end.
    const held = rest.endsWith('\r') ? '\r' : '';
    const lines = rest.slice(0, rest.length - held.length).split(/\r\n|\n|\r/);
    rest = (lines.pop() ?? '') + held;
    yield* lines;
    if (rest.length > longest) {
      yield rest;
      rest = '';
    }
  }
  rest += decoder.end();
  if (rest !== '') yield* rest.split(/\r\n|\n|\r/);
}
