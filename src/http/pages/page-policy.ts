/**
 * The headers every page is served with: nothing but the stylesheet loads, no script runs (one of
 * our own at most, where `script` says so), forms
 * go to Keyshift alone, no other site may frame the page, and nothing of it is kept by a cache.
 *
 * @example
 * ```ts
 * context.html(<ConnectPage {...props} />, 200, pageHeaders());
 * ```
 */
export function pageHeaders(options: { readonly script?: boolean } = {}): Record<string, string> {
  return {
    'content-security-policy': [
      "default-src 'none'",
      ...(options.script === true ? ["script-src 'self'"] : []),
      "style-src 'self'",
      "img-src 'self' data:",
      "form-action 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ].join('; '),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'x-robots-tag': 'noindex, nofollow',
  };
}
