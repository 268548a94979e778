/** Fields that hold a secret whatever they look like. */
const secretNames = 'access_token|refresh_token|client_secret|code_verifier|password';

/**
 * Patterns of secrets as Klaviyo and OAuth write them. What tells a reader where the secret stood
 * is kept. No pattern asks for a boundary on the left: in escaped text, a letter stands there.
 */
const secretPatterns: readonly (readonly [RegExp, string])[] = [
  [/pk_[A-Za-z0-9_-]{6,}/g, 'pk_[scrubbed]'],
  [/ks_[A-Za-z0-9_-]{16,}/g, 'ks_[scrubbed]'],
  [/eyJ[\w-]{8,}\.[\w-]+\.?[\w-]*/g, '[scrubbed token]'],
  [/(Bearer|Basic|Klaviyo-API-Key)(\s+)[\w.~+/=-]{16,}/gi, '$1$2[scrubbed]'],
  [
    new RegExp(
      String.raw`((?:${secretNames})\\*["']?\s*[:=]\s*\\*["']?)[^\s"'\\&,;{}[\]]{8,}`,
      'gi',
    ),
    '$1[scrubbed]',
  ],
  [/([?&](?:code|state|token)=)[\w.~%-]{16,}/gi, '$1[scrubbed]'],
  [/(\/connect\/)[\w.~%-]{16,}/g, '$1[scrubbed]'],
  // Our own advice on how to write an address says "password", and that is none.
  [/(\w+:\/\/[^\s:/@"'\\]*:)(?!password@)[^\s@/"'\\,]+@/g, '$1[scrubbed]@'],
];

const secretName = new RegExp(`^(?:${secretNames})$`, 'i');

/**
 * Removes anything that looks like a secret from a text, or from every string of a line of JSON.
 * The last net under the typed secrets: it also catches what a library puts into an error message.
 *
 * @example
 * ```ts
 * scrub('401 for pk_0123456789abcdef'); // "401 for pk_[scrubbed]"
 * ```
 */
export function scrub(text: string): string {
  if (!text.startsWith('{')) return scrubText(text);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return scrubText(text);
  }
  // In JSON, line ends and quotes are escaped: patterns see the strings as they are meant.
  return JSON.stringify(scrubValue(json)) + (text.endsWith('\n') ? '\n' : '');
}

function scrubText(text: string): string {
  let clean = text;
  for (const [pattern, replacement] of secretPatterns) clean = clean.replace(pattern, replacement);
  return clean;
}

function scrubValue(value: unknown): unknown {
  if (typeof value === 'string') return scrubText(value);
  if (Array.isArray(value)) return value.map(scrubValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      scrubText(name),
      typeof field === 'string' && secretName.test(name) ? '[scrubbed]' : scrubValue(field),
    ]),
  );
}
