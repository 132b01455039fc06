import { describe, expect, it } from 'vitest';
import { behind_s, bins_of, busy_of, hours_of, jain_of, part_of_all, parts_now, parts_of, standing_of, used, waited, type Sample, type Share } from './share';

const share = (more: Partial<Share>): Share => ({
  member: 'mem_1', name: 'Prøvekommunen', share: 3, shares_all: 12, places: 0, places_max: 0, waiting: 0, running: 0, recent: 0, floor: 0,
  entitled_per_s: 10, delivered: 0, lent: 0, borrowed: 0, credit: 0, lent_hours: 0, borrowed_hours: 0, wait_p50_ms: 0, wait_p95_ms: 0, wait_max_ms: 30_000, ...more,
});
const sample = (minute: number, more: Partial<Sample> = {}): Sample => ({
  from: new Date(Date.UTC(2026, 10, 24, 8, minute)).toISOString(), entitled: 3600, own: 1800, lent: 900, borrowed: 0, wait_p50_ms: 10, wait_p95_ms: 100, ...more,
});

describe('a share', () => {
  it('is what was used of the entitlement, and what was borrowed beyond it', () => {
    expect(parts_now(share({ recent: 300 }))).toEqual({ own: 0.5, borrowed: 0, lent: 0, idle: 0.5 });
    expect(parts_now(share({ recent: 840 }))).toEqual({ own: 1, borrowed: expect.closeTo(0.4), lent: 0, idle: 0 });
  });
  it('is not known where the entitlement is not', () => {
    expect(parts_now(share({ entitled_per_s: 0, recent: 5 }))).toBeNull();
    expect(parts_now(share({ entitled_per_s: 0, recent: 50, floor: 200 }))?.own).toBe(0.25);
    expect(parts_of([])).toBeNull();
    expect(parts_of([sample(0, { entitled: 0 })])).toBeNull();
  });
  it('is summed over time', () => {
    const parts = parts_of([sample(0), sample(6, { own: 3600, lent: 0, borrowed: 1800 })]);
    expect(parts).toEqual({ own: 0.75, borrowed: 0.25, lent: 0.125, idle: 0.125 });
    expect(parts && used(parts)).toBe(1);
  });
  it('of all shares is told once the commons has heard of the member', () => {
    expect(part_of_all(share({}))).toBe(0.25);
    expect(part_of_all(share({ entitled_per_s: 0 }))).toBe(0.25);
    expect(part_of_all(share({ share: 1, shares_all: 1, entitled_per_s: 0 }))).toBeNull();
  });
  it('is none without an agreement, which the server tells by what it delivers and the member is not entitled to', () => {
    expect(standing_of(share({}))).toBe('known');
    expect(standing_of(share({ entitled_per_s: 0 }))).toBe('unheard');
    expect(standing_of(share({ entitled_per_s: 0, delivered: 1 }))).toBe('no_agreement');
    expect(part_of_all(share({ share: 1, shares_all: 0, entitled_per_s: 0, delivered: 1 }))).toBeNull();
  });
});

describe('the past', () => {
  it('is drawn stretch by stretch while that is few', () => {
    const bins = bins_of([sample(0), sample(6), sample(18)]);
    expect(bins.map((each) => each.from.getUTCMinutes())).toEqual([0, 6, 18]);
    expect(bins[0]?.parts.lent).toBe(0.25);
  });
  it('is put together into at most 48 columns of a round time, each with its longest waits', () => {
    const day = Array.from({ length: 240 }, (_, at) => sample(at * 6, at === 1 ? { wait_p50_ms: 40, wait_p95_ms: 900 } : {}));
    const bins = bins_of(day);
    expect(bins.length).toBe(48);
    expect(bins[0]).toMatchObject({ wait_p50_ms: 40, wait_p95_ms: 900 });
    expect(bins[1]?.from.getUTCMinutes()).toBe(30);
    expect((bins[0]?.to.getTime() ?? 0) - (bins[0]?.from.getTime() ?? 0)).toBe(30 * 60_000);
  });
  it('has no column where nobody was entitled to anything', () => {
    expect(bins_of([sample(0, { entitled: 0 })])).toEqual([]);
  });
});

describe('figures', () => {
  it('become hours of the member’s own entitlement', () => {
    expect(hours_of(72_000, 10)).toBe(2);
    expect(hours_of(72_000, 0)).toBeNull();
  });
  it('tell how far behind its floor a member is, only while it waits', () => {
    expect(behind_s(share({ waiting: 1, floor: 600, recent: 400 }))).toBe(20);
    expect(behind_s(share({ waiting: 0, floor: 600, recent: 400 }))).toBe(0);
    expect(behind_s(share({ waiting: 1, floor: 600, recent: 900 }))).toBe(0);
  });
  it('tell how alike those who wait are served', () => {
    expect(jain_of([share({ waiting: 1, recent: 300 })])).toBeNull();
    expect(jain_of([share({ waiting: 1, recent: 300 }), share({ waiting: 2, share: 1, recent: 100 })])).toBeCloseTo(1);
    expect(jain_of([share({ waiting: 1, recent: 300 }), share({ waiting: 2, recent: 0 })])).toBeCloseTo(0.5);
  });
  it('say how the waits stand to the promise', () => {
    expect(waited(share({}))).toBe('none');
    expect(waited(share({ delivered: 1, wait_p95_ms: 500 }))).toBe('within');
    expect(waited(share({ delivered: 1, wait_p95_ms: 29_000 }))).toBe('near');
    expect(waited(share({ delivered: 1, wait_p95_ms: 31_000 }))).toBe('beyond');
  });
});

describe('the line', () => {
  it('is of those who ask or wait, the one that waits most first', () => {
    const [idle, asks, waits, both] = [share({ member: 'idle' }), share({ member: 'asks', running: 9 }), share({ member: 'waits', waiting: 2 }), share({ member: 'both', waiting: 2, running: 1 })];
    expect(busy_of([idle, asks, waits, both]).map((each) => each.member)).toEqual(['both', 'waits', 'asks']);
  });
});
