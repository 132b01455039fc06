import { describe, expect, it } from 'vitest';
import type { WhatIf } from './share_api';
import { in_order, notices, outcome_of, served_part, users_of } from './what_if';

const fared = (wait_p95_ms: number | null, unserved = 0, requests = 100) => ({ requests, unserved, demanded: requests * 10, served: (requests - unserved) * 10, wait_p50_ms: 0, wait_p95_ms });
const answer = (...members: [string, ReturnType<typeof fared>, ReturnType<typeof fared>][]): WhatIf => ({
  from: '2026-11-24T08:00:00Z', to: '2026-11-25T08:00:00Z', rows: 200, shortened: false, users: 3, models: [],
  members: members.map(([member, before, after]) => ({ member, name: member, before, after })),
});

describe('a what-if', () => {
  it('tells whether the member itself waits longer', () => {
    expect(outcome_of(answer(['a', fared(100), fared(4000)]), 'a').own).toBe('more');
    expect(outcome_of(answer(['a', fared(100), fared(400)]), 'a').own).toBe('same');
    expect(outcome_of(answer(['a', fared(null, 0, 0), fared(400)]), 'a').own).toBe('new');
    expect(outcome_of(answer(['a', fared(100), fared(null, 100)]), 'a').own).toBe('nobody');
  });
  it('finds who among the others notices most', () => {
    const found = outcome_of(answer(['a', fared(100), fared(9000)], ['b', fared(100), fared(2000, 1)], ['c', fared(100), fared(5000, 2)]), 'a');
    expect(found.worst?.member).toBe('c');
    expect([found.others_unserved_before, found.others_unserved_after]).toEqual([0, 3]);
    expect(outcome_of(answer(['a', fared(1), fared(9000)], ['b', fared(100), fared(300)]), 'a').worst).toBeNull();
  });
  it('calls a change noticed from half a second and a tenth on', () => {
    expect(notices(fared(0), fared(500))).toBe(false);
    expect(notices(fared(0), fared(501))).toBe(true);
    expect(notices(fared(60_000), fared(65_000))).toBe(false);
    expect(notices(fared(60_000), fared(50_000))).toBe(false);
  });
  it('has the member first, then those who notice', () => {
    const all = in_order(answer(['b', fared(1), fared(1)], ['c', fared(1), fared(900)], ['a', fared(1), fared(1)]), 'a');
    expect(all.map((each) => each.member)).toEqual(['a', 'c', 'b']);
  });
  it('takes whole numbers as Danes and others write them', () => {
    expect([users_of('200'), users_of(' 1.000 '), users_of('10,000'), users_of('10000')]).toEqual([200, 1000, 10_000, 10_000]);
    expect([users_of(''), users_of('0'), users_of('-3'), users_of('2,5'), users_of('10001'), users_of('mange')]).toEqual([null, null, null, null, null, null]);
  });
  it('says how much of what was asked for is answered', () => {
    expect(served_part(fared(1, 25))).toBe(0.75);
    expect(served_part(fared(null, 0, 0))).toBeNull();
  });
});
