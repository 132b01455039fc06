import { afterEach, describe, expect, it, vi } from 'vitest';
import { key_state } from './keys';
import { age_of, day_text, distance, midnight, moment } from './when';

const now = new Date('2026-11-25T12:00:00Z');
const at = (hours: number) => new Date(now.getTime() + hours * 3_600_000).toISOString();

describe('a distance in time', () => {
  it('is said in the unit that says enough', () => {
    expect(distance(at(-3), now, 'da')).toBe('for 3 timer siden');
    expect(distance(at(-0.1), now, 'da')).toBe('for 6 minutter siden');
    expect(distance(at(24 * 5), now, 'da')).toBe('om 5 dage');
    expect(distance(at(24 * 45), now, 'en')).toBe('in 45 days');
    expect(distance(at(24 * 70), now, 'en')).toBe('in 2 months');
    expect(distance(at(0), now, 'en')).toBe('this minute');
  });

  it('is counted in days of the calendar, not in 24 hours', () => {
    const evening = new Date(2026, 10, 25, 23, 0);
    const said = (day: number, hour: number, language: 'da' | 'en' = 'da') => distance(new Date(2026, 10, day, hour).toISOString(), evening, language);
    expect(said(27, 1)).toBe('i overmorgen');
    expect(said(27, 1, 'en')).toBe('in 2 days');
    expect(said(26, 23)).toBe('i morgen');
    expect(said(24, 22)).toBe('i går');
    expect(said(23, 1)).toBe('i forgårs');
    expect(said(26, 22)).toBe('om 23 timer');
  });

  it('of a year is a year, not the calendar’s last or next one', () => {
    expect(distance(at(24 * 370), now, 'da')).toBe('om 1 år');
    expect(distance(at(-24 * 370), now, 'en')).toBe('1 year ago');
  });

  it('begins a day at the reader’s midnight', () => {
    expect(midnight(new Date(2026, 10, 25, 14, 30), 6)).toEqual(new Date(2026, 10, 19));
    expect(day_text('2026-11-25T12:00:00Z', 'da')).toBe('25. november 2026');
  });
});

describe('a day of the calendar', () => {
  afterEach(() => void vi.unstubAllEnvs());

  it('has the hours it has, also when the clock is changed', () => {
    vi.stubEnv('TZ', 'Europe/Copenhagen');
    expect(moment('2026-10-25')).toBe('2026-10-24T22:00:00.000Z');
    expect(moment('2026-10-25', 1)).toBe('2026-10-25T23:00:00.000Z');
    expect(moment('2026-03-29', 1)).toBe('2026-03-29T22:00:00.000Z');
    expect(moment('i går')).toBeUndefined();
  });

  it('is what conversations are grouped by', () => {
    const morning = new Date(2026, 0, 14, 9, 0);
    const age = (day: number, hour: number) => age_of(new Date(2026, 0, day, hour).toISOString(), morning);
    expect(age(14, 0)).toBe('today');
    expect(age(13, 23)).toBe('yesterday');
    expect(age(12, 23)).toBe('week');
    expect(age(8, 12)).toBe('week');
    expect(age(7, 12)).toBe('older');
  });

  it('groups the long day’s first hour with the rest of it', () => {
    vi.stubEnv('TZ', 'Europe/Copenhagen');
    const now = new Date('2026-10-26T08:00:00Z');
    expect(age_of('2026-10-24T22:10:00Z', now)).toBe('yesterday');
    expect(age_of('2026-10-24T21:50:00Z', now)).toBe('week');
  });
});

describe('a key', () => {
  const key = (more: Partial<Parameters<typeof key_state>[0]>) => key_state({ expires_at: null, revoked_at: null, last_used_at: null, ...more }, now);

  it('works until it expires or is revoked', () => {
    expect(key({})).toBe('works');
    expect(key({ expires_at: at(24 * 100) })).toBe('works');
    expect(key({ expires_at: at(24 * 13) })).toBe('soon');
    expect(key({ expires_at: at(-1) })).toBe('expired');
    expect(key({ revoked_at: at(-1), expires_at: at(-2) })).toBe('revoked');
  });

  it('that was replaced still works for a while', () => {
    expect(key({ replaced_by: 'key_2', expires_at: at(24 * 3) })).toBe('replaced');
    expect(key({ replaced_by: 'key_2', expires_at: at(-24) })).toBe('expired');
  });
});
