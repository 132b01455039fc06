import './page_testing';
import { afterEach, describe, expect, it } from 'vitest';
import { preferences } from './preferences.svelte';
import { waiting_words } from './waiting_words';

const starting = { reason: 'starting', position: null, ready_in_s: 12 } as const;
const queue = { reason: 'queue', position: 3, ready_in_s: null } as const;

describe('who waits', () => {
  afterEach(() => preferences.set_language('da'));

  it('is told what wakes up, how long, and their number where others are before them', () => {
    expect(waiting_words(starting, 0).words).toBe('Modellen vågner, ca. 12 s');
    expect(waiting_words({ ...starting, position: 3 }, 4.5).words).toBe('Modellen vågner, ca. 8 s, nr. 3');
    expect(waiting_words({ ...starting, position: 1 }, 0).words).toBe('Modellen vågner, ca. 12 s');
    expect(waiting_words({ ...starting, position: 2 }, 20).words).toBe('Modellen vågner, snart klar, nr. 2');
    expect(waiting_words({ ...starting, position: 0, ready_in_s: null }, 0).words).toBe('Modellen vågner, snart klar');
  });

  it('is told their place in line, where it is known', () => {
    expect(waiting_words(queue, 0).words).toBe('I er nr. 3 i køen');
    expect(waiting_words({ ...queue, position: 0 }, 0).words).toBe('I er i køen');
  });

  it('is told how long at most, rounded up to what people read', () => {
    const why = (at_most_s: number | null) => waiting_words({ ...queue, at_most_s }, 0).why;
    expect(why(120)).toBe('Alle pladser er i brug lige nu. Svaret begynder af sig selv. Ventetiden er højst 2 min.');
    expect(why(121)).toContain('højst 3 min.');
    expect(why(30)).toContain('højst 30 s.');
    expect(why(31.2)).toContain('højst 35 s.');
    expect(why(0.4)).toContain('højst 5 s.');
    expect(why(null)).not.toContain('højst');
    expect(waiting_words(queue, 0).why, 'of a server that does not say so').not.toContain('højst');
    preferences.set_language('en');
    expect(why(600)).toBe('All places are in use right now. The answer will begin by itself. The wait is 10 min at most.');
  });
});
