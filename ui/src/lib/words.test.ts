import { describe, expect, it } from 'vitest';
import { fill, type Words } from './words';

const holes = (words: string) => [...words.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
const files = Object.entries(import.meta.glob('./words/*.ts', { eager: true }) as Record<string, Words<string>>);

describe('the words', () => {
  it('are in one file per page', () => {
    expect(files.length).toBeGreaterThan(2);
  });

  it.each(files)('of %s are the same set in Danish and English', (_, words) => {
    expect(Object.keys(words.en).sort()).toEqual(Object.keys(words.da).sort());
  });

  it.each(files)('of %s say something, with the same holes, in both', (_, { da, en }) => {
    for (const key of Object.keys(da)) {
      expect(da[key]?.trim(), key).not.toBe('');
      expect(en[key]?.trim(), key).not.toBe('');
      expect(holes(en[key] ?? ''), key).toEqual(holes(da[key] ?? ''));
    }
  });

  it('are said once: no key stands in two files', () => {
    const keys = files.flatMap(([, words]) => Object.keys(words.da));
    expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([]);
  });

  it.each(files)('of %s are all used', (_, { da }) => {
    const sources = import.meta.glob(['../**/*.svelte', '../**/*.ts', '!../**/*.test.ts', '!./words.ts', '!./words/**', '!../generated/**'], {
      query: '?raw',
      import: 'default',
      eager: true,
    }) as Record<string, string>;
    const source = Object.values(sources).join('\n');
    // A key may also be put together, as in t(`state_${model.state}`).
    const made_up = [...source.matchAll(/`(\w+_)\$\{/g)].map((match) => match[1] ?? '');
    const unused = Object.keys(da).filter((key) => !new RegExp(`['"\`]${key}['"\`]`).test(source) && !made_up.some((start) => key.startsWith(start)));
    expect(unused).toEqual([]);
  });

  it('are filled in', () => {
    expect(fill('I er nr. {position} i køen', { position: 3 })).toBe('I er nr. 3 i køen');
    expect(fill('»{title}« er slettet', { title: '{title} $& $1' })).toBe('»{title} $& $1« er slettet');
  });
});
