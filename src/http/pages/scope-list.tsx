import { describeScopeGroups } from '../../klaviyo/scopes.ts';
import { cleanText } from './clean-text.ts';

/** Permissions as one plain sentence for each kind of thing, with the technical names to check. */
export function ScopeList({ scopes }: { readonly scopes: readonly string[] }) {
  return (
    <ul class="scopes" role="list">
      {describeScopeGroups(scopes).map((group) => (
        <li>
          <span>{cleanText(group.sentence)}</span> <code>{cleanText(group.scopes.join(' '))}</code>
        </li>
      ))}
    </ul>
  );
}
