import { describe, expect, it } from 'vitest';
import { attentionReasons, stages } from '../../src/model/stages.ts';
import { readDocument } from '../support/markdown.ts';

const { text } = readDocument('docs/glossary.md');

/** The words in the first column of every table, without their code marks. */
const words = [...text.matchAll(/^\| `?([^|`]+?)`? +\|/gm)].map(([, word]) => word);

describe('docs/glossary.md', () => {
  it.each([...stages, ...attentionReasons, 'key', 'canary', 'oauth'])('explains `%s`', (name) => {
    expect(words).toContain(name);
  });

  it('explains no word twice, but for the canary that is a route and a stage', () => {
    const isHeading = (word: string | undefined) =>
      /^(word|route|stage|reason|-+)$/.test(word ?? '');
    const terms = words.filter((word) => !isHeading(word));
    const twice = terms.filter((word, index) => terms.indexOf(word) !== index);
    expect(twice).toEqual(['canary']);
  });
});
