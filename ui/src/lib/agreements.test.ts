import { describe, expect, it } from 'vitest';
import { day_before, day_words, differences, followed, kroner, kroner_field, ore_of, percent, short_day_words, way_back, type Agreement, type Plan, type Tier } from './agreements';

const agreement = (more: Partial<Agreement> = {}): Agreement => ({
  id: 'agr_1', member: 'aarhus', tier: 'stor', state: 'in_force', from: '2026-01-01', until: null, share: 52, places: 16, places_now: 16, wait_s: 60, models: [], fee_ore: 566_800,
  inhabitants: null, suspended: false, reason_da: null, reason_en: null, follows: null, begins_at: '2026-01-01T00:00:00Z', made_at: null, made_by: null, ended_at: null, ended_by: null, ...more,
});
const tier = (more: Partial<Tier> = {}): Tier => ({ id: 'stor', name: 'Stor by', share: 52, places: 16, places_now: 16, wait_s: 60, models: [], fee_ore: 566_800, ...more });
const plan = (steps: Plan['steps']): Plan => ({ applied: true, plan: 'x', problems: [], warnings: [], steps, over: 0, places: { promised: 16, there: 16 } });

describe('money', () => {
  it('is written as its readers write it', () => {
    expect(kroner(566_800, 'da')).toBe('5.668,00 kr.');
    expect(kroner(5, 'en')).toBe('0.05 kr.');
    expect(kroner_field(566_805, 'da')).toBe('5668,05');
    expect(kroner_field(null, 'da')).toBe('');
  });

  it('is read however people write it, and what is no amount is none', () => {
    for (const text of ['5668', '5.668', '5 668', '5668,00', '5.668,00', '5,668.00', '5668,0 kr.', ' 5668 ']) expect(ore_of(text), text).toBe(566_800);
    expect(ore_of('0')).toBe(0);
    expect(ore_of('12,5')).toBe(1250);
    expect(ore_of('1.234.567')).toBe(123_456_700);
    for (const text of ['', 'gratis', '-5', '5,678,5', '5.66.8', '1,2345', '5.668.00', '12.34,56']) expect(ore_of(text), text).toBeNull();
  });
});

describe('a share', () => {
  it('is told as a part of all', () => {
    expect(percent(52, 740, 'da').replace('\u00a0', ' ')).toBe('7,0 %');
    expect(percent(1, 0, 'en')).toBe('0.0%');
  });
});

describe('a day', () => {
  it('is the agreement’s, wherever the reader is', () => {
    expect(day_words('2026-01-01', 'da')).toBe('1. januar 2026');
    expect(short_day_words('2026-12-31', 'da')).toBe('31.12.2026');
    expect(day_before('2026-01-01')).toBe('2025-12-31');
  });
});

describe('a new agreement', () => {
  const wanted = { member: 'aarhus', tier: 'stor', from: '2027-01-01', until: null };
  it('has the one without a last day end the day before', () => {
    const others = [agreement({ id: 'agr_0', until: '2025-12-31', from: '2025-01-01' }), agreement(), agreement({ id: 'agr_2', member: 'als' })];
    const { agreements } = followed(wanted, others);
    expect(agreements).toMatchObject([{ member: 'aarhus', from: '2026-01-01', until: '2026-12-31', replaces: 'agr_1' }, wanted]);
  });
  it('is alone where nothing has to end', () => {
    expect(followed(wanted, [agreement({ until: '2026-06-30' }), agreement({ from: '2027-06-01' })])).toEqual({ agreements: [wanted] });
  });
});

describe('the way back', () => {
  it('ends what was begun, and lets the old terms follow what was changed', () => {
    const back = way_back(plan([
      { kind: 'begin', tier_before: null, tier_after: null, before: null, after: agreement({ id: 'agr_new', member: 'ribe' }) },
      { kind: 'change', tier_before: null, tier_after: null, before: agreement({ share: 20 }), after: agreement({ id: 'agr_2' }) },
      { kind: 'end', tier_before: null, tier_after: null, before: agreement({ id: 'agr_3', member: 'odense', suspended: true, reason_da: 'Ubetalt', reason_en: 'Unpaid' }), after: null },
    ]));
    expect(back.ended).toEqual(['agr_new']);
    expect(back.agreements).toHaveLength(2);
    expect(back.agreements?.[0]).toMatchObject({ member: 'aarhus', share: 20, replaces: 'agr_2' });
    expect(back.agreements?.[1]).toMatchObject({ member: 'odense', suspended: true, reason_da: 'Ubetalt' });
    expect(back.agreements?.[1]).not.toHaveProperty('replaces');
  });

  it('puts tiers back as they were', () => {
    const back = way_back(plan([
      { kind: 'add_tier', tier_before: null, tier_after: tier({ id: 'ny' }), before: null, after: null },
      { kind: 'change_tier', tier_before: tier({ share: 20 }), tier_after: tier(), before: null, after: null },
      { kind: 'remove_tier', tier_before: tier({ id: 'gammel' }), tier_after: null, before: null, after: null },
    ]));
    expect(back.tiers_removed).toEqual(['ny']);
    expect(back.tiers?.map((each) => [each.id, each.share])).toEqual([['stor', 20], ['gammel', 52]]);
  });
});

describe('a difference', () => {
  it('of a change names only what differs', () => {
    const found = differences({ kind: 'change', tier_before: null, tier_after: null, before: agreement({ share: 20 }), after: agreement() });
    expect(found).toEqual([{ field: 'share', before: 20, after: 52 }]);
  });

  it('of what begins or ends names everything', () => {
    const begun = differences({ kind: 'begin', tier_before: null, tier_after: null, before: null, after: agreement() });
    expect(begun.map((each) => each.field)).toEqual(['tier', 'from', 'until', 'share', 'places', 'wait_s', 'models', 'fee_ore', 'suspended']);
    expect(differences({ kind: 'remove_tier', tier_before: tier(), tier_after: null, before: null, after: null })[0]).toEqual({ field: 'name', before: 'Stor by', after: null });
  });
});
