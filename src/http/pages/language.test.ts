import { describe, expect, it } from 'vitest';
import { choosePageLanguage } from './language.ts';

describe('the language of a page', () => {
  it.each([
    ['de-AT', 'en', 'de'],
    ['fr', 'de', 'en'],
    [undefined, 'fr-CH, de;q=0.9, en;q=0.8', 'de'],
    [undefined, 'en-GB,de;q=0.9', 'en'],
    [undefined, '', 'en'],
    [undefined, undefined, 'en'],
  ])('for a customer of %j whose browser speaks %j is %s', (label, header, language) => {
    expect(choosePageLanguage(label, header)).toBe(language);
  });
});
