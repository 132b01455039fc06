import { describe, expect, it } from 'vitest';
import { address_of, place_of, query_with } from './address';
import { number, title_from } from './format';

describe('the address', () => {
  it('holds the state', () => {
    expect(place_of('/', '')).toEqual({ page: 'chat', conversation: null });
    expect(place_of('/c/con_1', '')).toEqual({ page: 'chat', conversation: 'con_1' });
    expect(place_of('/sign-in', '#abc')).toEqual({ page: 'sign-in', token: 'abc' });
    expect(place_of('/sign-in', '')).toEqual({ page: 'sign-in', token: null });
  });

  it('names a page and one part of it', () => {
    expect(place_of('/keys', '')).toEqual({ page: 'keys', part: null });
    expect(place_of('/people/audit', '')).toEqual({ page: 'people', part: 'audit' });
    expect(place_of('/people/audit/x', '')).toEqual({ page: 'chat', conversation: null });
  });

  it('holds filters, and forgets those that are empty', () => {
    expect(query_with('?days=7&rows=1', { rows: null, model: 'm' })).toBe('?days=7&model=m');
    expect(query_with('?days=7', { days: '' })).toBe('');
  });

  it('goes there and back', () => {
    for (const id of ['con_1', 'a b', 'æ/å']) expect(place_of(address_of(id), '')).toEqual({ page: 'chat', conversation: id });
    expect(address_of(null)).toBe('/');
  });

  it('that is broken leads to a new conversation or as it stands', () => {
    expect(place_of('/c/', '')).toEqual({ page: 'chat', conversation: null });
    expect(place_of('/c/%E0%A4%A', '')).toEqual({ page: 'chat', conversation: '%E0%A4%A' });
  });
});

describe('numbers and times', () => {
  it('are written as Danes write them', () => {
    expect(number(4900.5, 'da')).toBe('4.900,5');
    expect(number(4900.5, 'en')).toBe('4,900.5');
  });
});

describe('a conversation’s first name', () => {
  it('is its first line, cut at a word', () => {
    expect(title_from('  Hej\nmed dig')).toBe('Hej');
    const long = title_from('Skriv et venligt brev til en borger, der har klaget over larm fra genbrugspladsen');
    expect(long).toBe('Skriv et venligt brev til en borger, der har…');
    expect(title_from('x'.repeat(100))).toBe('x'.repeat(48) + '…');
  });

  it('never cuts a letter in two, and fits the server’s 200 bytes', () => {
    const title = title_from('🐄'.repeat(100));
    expect(title.isWellFormed()).toBe(true);
    expect(new TextEncoder().encode(title).length).toBeLessThanOrEqual(200);
  });
});
