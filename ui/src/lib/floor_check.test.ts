import { describe, expect, it } from 'vitest';
import { check_standing, troubles_of, type Check } from './floor_check';

const never: Check = {
  running: false, checked_at: null, from: null, to: null, events: null, skipped: null, floor_violations: null, violations: null, differing: null, faults: null, first_faults: [],
};
const ended = (more: Partial<Check> = {}): Check => ({
  ...never, checked_at: '2026-11-25T08:00:00Z', from: '2026-11-24T08:00:00Z', to: '2026-11-25T07:59:00Z',
  events: 12_345, skipped: 0, floor_violations: 0, violations: 0, differing: 0, faults: 0, ...more,
});

describe('the check of the floors', () => {
  it('that nobody has made is not zero', () => {
    expect(check_standing(null)).toBe('never');
    expect(check_standing(never)).toBe('never');
    expect(check_standing({ ...never, running: true })).toBe('never');
  });
  it('that found nothing is well, also while the next one runs and on a server that has decided nothing', () => {
    expect(check_standing(ended())).toBe('kept');
    expect(check_standing(ended({ running: true }))).toBe('kept');
    expect(check_standing(ended({ events: 0 }))).toBe('kept');
    expect(troubles_of(ended())).toEqual([]);
  });
  it('that could make no decision again is no zero either', () => {
    expect(check_standing(ended({ events: 0, skipped: 9_000 }))).toBe('undecided');
    expect(troubles_of(ended({ events: 0, skipped: 9_000 }))).toEqual([]);
  });
  it.each([{ floor_violations: 1, violations: 1 }, { violations: 1 }, { differing: 1 }, { faults: 1 }, { events: 0, skipped: 9, faults: 1 }])('is red with %o', (found) => {
    expect(check_standing(ended(found))).toBe('broken');
  });
  it('says what else it found', () => {
    expect(troubles_of(ended({ floor_violations: 3, violations: 3, faults: 3 }))).toEqual([{ what: 'faults', count: 3 }]);
    expect(troubles_of(ended({ floor_violations: 1, violations: 5, differing: 2, faults: 3, skipped: 70 }))).toEqual([
      { what: 'promises', count: 4 }, { what: 'differing', count: 2 }, { what: 'faults', count: 3 }, { what: 'skipped', count: 70 },
    ]);
  });
});
