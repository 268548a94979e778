const verbs = 'GET|POST|PUT|PATCH|DELETE';

/** Ways in which code names the method of a request, each with the method in its first group. */
const hints: readonly RegExp[] = [
  new RegExp(`\\b(?:method|type|verb)["']?\\s*(?:[:=]|=>)\\s*["'\`:]?(${verbs})\\b`, 'i'),
  new RegExp(`(?:-X|--request)[\\s=]*["']?(${verbs})\\b`),
  new RegExp(`["'\`](${verbs})["'\`]`, 'i'),
  new RegExp(`\\bHTTP::(${verbs})\\b`, 'i'),
  new RegExp(`\\b(?:http\\.)?Method\\.?(${verbs})\\b`, 'i'),
  new RegExp(`\\bHttpMethod\\.(${verbs})\\b`, 'i'),
];
/** `.post(`, `->postJson(`, `client.post_request(`, `_post(`, `postRequest(`. */
const methodCall = new RegExp(
  `(?:(?:\\.|->|::)_*|\\b_+|api_)(${verbs})(?:_?(?:as_?|from_?)?(?:json|request|api|data))*(?:_?async)?\\s*(?:<[^>]*>)?\\s*\\(` +
    `|\\b(${verbs})_?(?:json|request|api)(?:_?async)?\\s*\\(`,
  'gi',
);
/** A call behind the address, as in `url = "…"` and then `requests.post(url)`. */
const laterCall = new RegExp(
  `(?:\\.|->|::)(${verbs})(?:AsJson)?(?:Async)?\\s*\\(\\s*(?:[\\w.$@]*(?:url|uri|endpoint|path)\\b|$)`,
  'i',
);
const sendsBody = /CURLOPT_POST(?:FIELDS)?\b|(?:^|\s)(?:-d|--data(?:-\w+)?|--json)(?:\s|=)/;
const readsByDefault = /(?:^|[\s"'`(])curl(?:\s|$)|\bfetch\s*\(|\burlopen\s*\(/;

/** How far around the address its method is looked for. */
const linesBehind = 6;
const linesBefore = 2;

/**
 * Guesses the method of the request whose address stands at `column` of `lines[index]`: from the
 * same line, then from the lines behind it, then from those before.
 *
 * @param isAddress tells a line that holds an address of its own, where the search ends
 * @returns `undefined` where nothing tells
 */
export function guessMethod(
  lines: readonly string[],
  index: number,
  column: number,
  isAddress: (line: string) => boolean,
): string | undefined {
  const line = lines[index] ?? '';
  const [before, behind] = [line.slice(0, column), line.slice(column)];
  const sameLine = lastCall(before) ?? firstHint(before) ?? firstHint(behind);
  if (sameLine !== undefined) return sameLine.toUpperCase();

  const following = until(lines.slice(index + 1, index + 1 + linesBehind), isAddress);
  const preceding = until(
    lines.slice(Math.max(0, index - linesBefore), index).reverse(),
    isAddress,
  );
  const around =
    firstOf(following, (each) => firstHint(each) ?? laterCall.exec(each)?.[1]) ??
    firstOf(preceding, (each) => lastCall(each) ?? firstHint(each));
  if (around !== undefined) return around.toUpperCase();
  if ([line, ...following].some((each) => sendsBody.test(each))) return 'POST';
  return [line, ...preceding].some((each) => readsByDefault.test(each)) ? 'GET' : undefined;
}

function firstHint(text: string): string | undefined {
  return firstOf(hints, (hint) => hint.exec(text)?.[1]);
}

function lastCall(text: string): string | undefined {
  const call = [...text.matchAll(methodCall)].at(-1);
  return call?.[1] ?? call?.[2];
}

function firstOf<Item, Found>(
  items: readonly Item[],
  find: (item: Item) => Found | undefined,
): Found | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function until(lines: readonly string[], isEnd: (line: string) => boolean): string[] {
  const end = lines.findIndex(isEnd);
  return lines.slice(0, end < 0 ? lines.length : end);
}
