import { cleanText } from './clean-text.ts';

/**
 * A name from outside, isolated so that its writing direction stays its own.
 *
 * @example `<Name value={connection.accountName} />`
 */
export function Name({ value }: { readonly value: string }) {
  return <bdi>{cleanText(value) || '(no name)'}</bdi>;
}
