import { describe, expect, it } from 'vitest';
import { excerpt_with, words_of_query } from './word_search';

describe('looking for words', () => {
  it('takes a query apart, without regard to case', () => {
    expect(words_of_query('  Grøn \t CYKELSTI grøn\n')).toEqual(['grøn', 'cykelsti']);
    expect(words_of_query(' \n')).toEqual([]);
    expect(words_of_query('1 2 3 4 5 6 7 8 9 10')).toHaveLength(8);
  });

  it('wants every word, and shows where the first stands', () => {
    const text = 'Høringssvar om den nye\ncykelsti langs ÅEN';
    expect(excerpt_with(text, ['åen', 'cykel'])).toBe('Høringssvar om den nye cykelsti langs ÅEN');
    expect(excerpt_with(text, ['åen', 'bus'])).toBeNull();
    expect(excerpt_with(text, [])).toBeNull();
  });

  it('cuts what is long on both sides', () => {
    const shown = excerpt_with(`${'a '.repeat(200)}mål${' b'.repeat(200)}`, ['mål']);
    expect(shown).toMatch(/^….*mål.*…$/);
    expect(shown?.length).toBeLessThan(115);
  });
});
