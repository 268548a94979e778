import { knownResources } from './sighting.ts';

/** A path of Klaviyo's API as it stands in a line of code. */
export interface PathLiteral {
  /** Ids that are put in at run time stand as `{}`. */
  readonly path: string;
  /** The host before it, where one stands there. */
  readonly host: string | undefined;
  /** Where the address begins in the line. */
  readonly column: number;
}

/** What the languages put into strings at run time, each become `{}`. */
const insertions: readonly (readonly [RegExp, string])[] = [
  // `${…}` of JavaScript and shells, `#{…}` of Ruby
  [/[$#]\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}/g, '{}'],
  // "…/" + id + "/…"; in PHP with dots
  [/\/(["'`])\s*\+\s*[^"'`;\n]+?\s*\+\s*["'`]/g, '/{}'],
  [/\/(["'])\s*\.\s*\$[^"'`;\n]+?\s*\.\s*["']/g, '/{}'],
  // "…/" + id at the end
  [/\/(["'`])\s*\+\s*(?=[\w($@])/g, '/{}$1 + '],
  [/\/(["'])\s*\.\s*(?=\$)/g, '/{}$1 . '],
  // {name} of Python, C# and templates, {$name} of PHP
  [/\{[^{}"'`]{0,80}\}/g, '{}'],
  // %s, %d, %(name)s
  [/%(?:\(\w+\))?[sdv]/g, '{}'],
  // /$name, /:name, /<name>
  [/\/\$[A-Za-z_]\w*(?:->\w+|\[[^\]]*\])*(?![\w:])/g, '/{}'],
  [/\/:[A-Za-z_]\w*/g, '/{}'],
  [/\/<[A-Za-z_][\w:]*>/g, '/{}'],
];

/** Puts `{}` for whatever a line inserts into its strings. */
export function markInsertions(line: string): string {
  return insertions.reduce((text, [pattern, mark]) => text.replace(pattern, mark), line);
}

const absolute =
  /(?:https?:\/\/([\w.-]+(?::\d+)?)|(?:^|[}"'`(\s=]))(\/(?:api|client)\/[\w{}%~:$*./-]*[\w{}%~*/-])/g;
const relative = /["'`](?:\{\})?\/?([a-z][a-z-]*[a-z](?:\/[\w{}%~:$.-]+)*\/?)(?=[?"'`])/g;

/** Addresses in a line that {@link markInsertions} went over. */
export function findPathLiterals(line: string): PathLiteral[] {
  return [...line.matchAll(absolute)].map((match) => ({
    path: match[2] ?? '',
    host: match[1],
    column: match.index,
  }));
}

/** Whether the text holds the API's base as a string that paths are added to. */
export function definesApiBase(text: string): boolean {
  return /(?:\ba\.klaviyo\.com|klaviyo\.com\/api)\/?["'`]/.test(text);
}

/** How sure a word in quotes is a path: `word` may be a key of a map or a query parameter as well. */
export type RelativePath = PathLiteral & { readonly looks: 'path' | 'word' };

const sends =
  /(?:post|put|patch|delete|request|fetch)\w*\s*(?:<[^>]*>)?\(\s*(?:["']\w+["']\s*,)?[^"'`]*$/i;
const reads = /(?:\.|->|::)get\w*\s*(?:<[^>]*>)?\(\s*[^"'`]*$/i;

/** Paths below the API's base, such as `"/profiles"` or `"events/"`, and `post("events"`. */
export function findRelativePaths(line: string): RelativePath[] {
  return [...line.matchAll(relative)].flatMap((match) => {
    const path = match[1] ?? '';
    if (!knownResources.has(path.split('/', 1)[0] ?? '')) return [];
    const before = line.slice(0, match.index);
    // A single word may be anything; with a slash, an id or as what is sent to it is a path.
    const isPath = /^["'`](?:\{\})?\//.test(match[0]) || path.includes('/') || sends.test(before);
    if (!isPath && !reads.test(before)) return [];
    const looks = isPath ? ('path' as const) : ('word' as const);
    return [{ path: `/api/${path}`, host: undefined, column: match.index, looks }];
  });
}

/** Whether a line asks for something by HTTP, as `client.post_request(…)` does. */
export function isRequest(line: string): boolean {
  return sends.test(line) || reads.test(line);
}
