/**
 * The headers every page is served with: nothing but the stylesheet loads, no script runs, forms
 * go to Keyshift alone, no other site may frame the page, and nothing of it is kept by a cache.
 *
 * @example
 * ```ts
 * context.html(<ConnectPage {...props} />, 200, pageHeaders());
 * ```
 */
export function pageHeaders(): Record<string, string> {
  return {
    'content-security-policy': [
      "default-src 'none'",
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
