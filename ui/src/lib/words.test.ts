import { describe, expect, it } from 'vitest';
import { da, en, fill } from './words';

const holes = (words: string) => [...words.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

describe('the words', () => {
  it('are the same set in Danish and English', () => {
    expect(Object.keys(en).sort()).toEqual(Object.keys(da).sort());
  });

  it('say something, with the same holes, in both', () => {
    for (const key of Object.keys(da) as (keyof typeof da)[]) {
      expect(da[key].trim(), key).not.toBe('');
      expect(en[key].trim(), key).not.toBe('');
      expect(holes(en[key]), key).toEqual(holes(da[key]));
    }
  });

  it('are all used', () => {
    const files = import.meta.glob(['../**/*.svelte', '../**/*.ts', '!../**/*.test.ts', '!./words.ts', '!../generated/**'], {
      query: '?raw',
      import: 'default',
      eager: true,
    }) as Record<string, string>;
    const source = Object.values(files).join('\n');
    const unused = Object.keys(da).filter((key) => !new RegExp(`['"\`]${key}['"\`]`).test(source) && !key.startsWith('state_'));
    expect(unused).toEqual([]);
  });

  it('are filled in', () => {
    expect(fill('I er nr. {position} i køen', { position: 3 })).toBe('I er nr. 3 i køen');
    expect(fill('»{title}« er slettet', { title: '{title} $& $1' })).toBe('»{title} $& $1« er slettet');
  });
});
