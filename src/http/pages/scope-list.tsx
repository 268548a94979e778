import { describeScopeGroups } from '../../klaviyo/scopes.ts';
import { cleanText } from './clean-text.ts';
import type { PageLanguage } from './language.ts';

/** Permissions as one short line for each kind of thing, with the technical names to check. */
export function ScopeList({
  scopes,
  language,
}: {
  readonly scopes: readonly string[];
  readonly language?: PageLanguage | undefined;
}) {
  return (
    <ul class="scopes" role="list">
      {describeScopeGroups(scopes, language).map((group) => (
        <li>
          <span>{cleanText(group.sentence)}</span> <code>{cleanText(group.scopes.join(' '))}</code>
        </li>
      ))}
    </ul>
  );
}
