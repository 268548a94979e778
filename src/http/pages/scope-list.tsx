import type { ScopeLine } from '../../klaviyo/scopes.ts';
import { cleanText } from './clean-text.ts';

/** Permissions in plain words, each with its technical name for whoever wants to check. */
export function ScopeList({ scopes }: { readonly scopes: readonly ScopeLine[] }) {
  return (
    <ul class="scopes" role="list">
      {scopes.map((line) => (
        <li>
          <span>{cleanText(line.description)}</span> <code>{cleanText(line.scope)}</code>
        </li>
      ))}
    </ul>
  );
}
