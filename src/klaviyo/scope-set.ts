/** The scopes of a space-separated list, without repeats, in order. */
export function parseScopes(scope: string): string[] {
  return [...new Set(scope.split(/[\s,]+/).filter(Boolean))];
}

/**
 * Scopes that are asked for and not granted. `:write` does not imply `:read` at Klaviyo, so
 * names are compared as they are.
 */
export function missingScopes(needed: string, granted: string): string[] {
  const held = new Set(parseScopes(granted));
  return parseScopes(needed).filter((scope) => !held.has(scope));
}
