/** The languages of the pages that customers see. */
export type PageLanguage = 'en' | 'de';

/**
 * Returns the choice between a page's texts, so that both stand next to each other.
 *
 * @example
 * ```tsx
 * const say = speak(props.language);
 * <h1>{say('Unsubscribe?', 'Abbestellen?')}</h1>
 * ```
 */
export function speak(language: PageLanguage | undefined) {
  return <Text>(english: Text, german: Text): Text => (language === 'de' ? german : english);
}

/**
 * The language of a page: the customer's, by the label that emails go by, else the first of the
 * browser's that there is a page in, else English.
 *
 * @param label such as `de-AT`
 * @param acceptLanguage the header, as `de-AT,de;q=0.9,en;q=0.8`
 */
export function choosePageLanguage(label: string | undefined, acceptLanguage = ''): PageLanguage {
  const tags = label === undefined ? acceptLanguage.split(',') : [label];
  for (const tag of tags) {
    const primary = /^\s*([a-z]+)/i.exec(tag)?.[1]?.toLowerCase();
    if (primary === 'de' || primary === 'en') return primary;
  }
  return 'en';
}
