/**
 * Patterns of secrets as Klaviyo and OAuth write them. The first group, where there is one, is
 * kept, so that a reader still sees what stood there.
 */
const secretPatterns: readonly (readonly [RegExp, string])[] = [
  [/\bpk_[A-Za-z0-9_-]{6,}/g, 'pk_[scrubbed]'],
  [/\beyJ[\w-]{8,}\.[\w-]+\.?[\w-]*/g, '[scrubbed token]'],
  [/\b(Bearer|Basic|Klaviyo-API-Key)(\s+)[\w.~+/=-]{6,}/gi, '$1$2[scrubbed]'],
  [
    /((?:access_token|refresh_token|client_secret|code_verifier|password)(?:\\?["']?\s*[:=]\s*\\?["']?))[\w.~+/=%-]{16,}/gi,
    '$1[scrubbed]',
  ],
  [/([?&](?:code|state|token)=)[^&\s"'\\]+/gi, '$1[scrubbed]'],
  [/(\/connect\/)[\w.~%-]{8,}/g, '$1[scrubbed]'],
  [/(\w+:\/\/[^\s:/@]+:)[^\s@/]+@/g, '$1[scrubbed]@'],
];

/**
 * Removes anything that looks like a secret from a line of text. The last net under the typed
 * secrets: it also catches what a library puts into an error message.
 *
 * @example
 * ```ts
 * scrub('401 for pk_0123456789abcdef'); // "401 for pk_[scrubbed]"
 * ```
 */
export function scrub(text: string): string {
  let clean = text;
  for (const [pattern, replacement] of secretPatterns) clean = clean.replace(pattern, replacement);
  return clean;
}
