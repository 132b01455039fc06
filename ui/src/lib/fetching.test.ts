import { describe, expect, it } from 'vitest';
import { fetching_words } from './fetching';
import type { Say } from './residency_words';
import * as words from './words/residency';

const say_in =
  (all: Record<string, string>): Say =>
  (key, values = {}) =>
    Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, String(value)), all[key] ?? '');
const da = say_in(words.da);
const en = say_in(words.en);

describe('how far a file has come', () => {
  it('is said in per cent and time', () => {
    expect(fetching_words({ bytes: 379, total: 1000, left_s: 230 }, da)).toBe('Hentes, 37 %, ca. 4 min');
    expect(fetching_words({ bytes: 379, total: 1000, left_s: 230 }, en)).toBe('Being fetched, 37 %, about 4 min');
  });
  it('leaves out what nobody knows', () => {
    expect(fetching_words({ bytes: 379, total: 0, left_s: null }, da)).toBe('Hentes');
    expect(fetching_words({ bytes: 0, total: 10, left_s: null }, da)).toBe('Hentes, 0 %');
  });
  it.each([[0.2, 'ca. 10 s'], [41, 'ca. 50 s'], [60, 'ca. 60 s'], [61, 'ca. 2 min'], [7200, 'ca. 120 min'], [7300, 'ca. 3 timer']])('takes %d s for %s', (left_s, text) => {
    expect(fetching_words({ bytes: 1, total: 2, left_s }, da)).toBe(`Hentes, 50 %, ${text}`);
  });
});
