/**
 * Sends what a `curl` command of a document says, and answers what curl would print: the body.
 * Knows `-X`, `-H`, `-d` and `-s`; anything else throws, so that no option is passed over.
 */
export async function runCurl(command: string): Promise<string> {
  const [program, ...words] = splitWords(command);
  if (program !== 'curl') throw new Error(`${program ?? ''} is not curl`);
  let headers: Record<string, string> = {};
  const init: { method?: string; body?: string } = {};
  let url: string | undefined;
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '-X') init.method = take(words, word);
    else if (word === '-d') addData(init, take(words, word));
    else if (word === '-H') addHeader(headers, take(words, word));
    else if (/^https?:/.test(word)) url = word;
    else if (word !== '-s') throw new Error(`curl ${word} is not known here`);
  }
  if (url === undefined) throw new Error('the curl command names no URL');
  if (init.body !== undefined) {
    init.method ??= 'POST';
    headers = { 'content-type': 'application/x-www-form-urlencoded', ...headers };
  }
  const signal = AbortSignal.timeout(15_000);
  return (await fetch(url, { ...init, headers, redirect: 'manual', signal })).text();
}

/** Splits by blanks; quotes and backslashes at line ends work as in a shell. */
function splitWords(command: string): string[] {
  const pattern = /'([^']*)'|"((?:\\.|[^"\\])*)"|(\S+)/g;
  return [...command.replaceAll('\\\n', ' ').matchAll(pattern)].map(
    ([, single, double, bare]) => single ?? double?.replace(/\\(.)/g, '$1') ?? bare ?? '',
  );
}

function take(words: string[], option: string): string {
  const value = words.shift();
  if (value === undefined) throw new Error(`curl ${option} lacks its value`);
  return value;
}

/** Several `-d` become one form. */
function addData(init: { body?: string }, data: string): void {
  init.body = init.body === undefined ? data : `${init.body}&${data}`;
}

function addHeader(headers: Record<string, string>, line: string): void {
  const colon = line.indexOf(':');
  headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
}
