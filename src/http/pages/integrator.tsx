import { speak, type PageLanguage } from './language.ts';
import { Name } from './name.tsx';

/**
 * The integrator by name, or by role where its name is not configured; `begins` a sentence or not.
 * `dative` is for German.
 */
export function Integrator({
  name,
  language,
  begins = false,
  dative = false,
}: {
  readonly name?: string | undefined;
  readonly language?: PageLanguage | undefined;
  readonly begins?: boolean;
  readonly dative?: boolean;
}) {
  if (name !== undefined) return <Name value={name} />;
  const article = dative ? 'dem' : 'das';
  return speak(language)(
    <>{begins ? 'The' : 'the'} company that sent you this link</>,
    <>{begins ? article.replace('d', 'D') : article} Unternehmen, von dem Sie diesen Link haben</>,
  );
}
