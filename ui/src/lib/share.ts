// How a member stands in the commons, as it is drawn. Work is a number that says nothing to people: here it becomes a
// part of the member's own entitlement. Pure.
import type { components } from '../generated/api';

export type Share = components['schemas']['Share'];
export type Sample = components['schemas']['ShareSample'];

/** Parts of the entitlement of some time: 1 is all of it. */
export interface Parts {
  own: number;
  /** Above the entitlement. */
  borrowed: number;
  /** Left unused, and used by others. */
  lent: number;
  /** Left unused, and needed by nobody. */
  idle: number;
}

const stretch_ms = 6 * 60_000;
const minute_s = 60;

/** Whether there is a share to speak of: an agreement, and a speed of the machines that has been measured. */
type Standing = 'known' | 'no_agreement' | 'unheard';

export function standing_of(share: Share): Standing {
  if (share.entitled_per_s > 0) return 'known';
  return share.delivered > 0 || share.running > 0 || share.waiting > 0 ? 'no_agreement' : 'unheard';
}

/** What the last minute's work is held against: the entitlement, or without an agreement the floor. */
export function basis_of(share: Share): number {
  return share.entitled_per_s > 0 ? share.entitled_per_s * minute_s : share.floor;
}

/** The last minute; null: there is nothing yet to hold it against. What the member left unused may be lent or not. */
export function parts_now(share: Share): Parts | null {
  const basis = basis_of(share);
  if (basis <= 0) return null;
  const used = share.recent / basis;
  return { own: Math.min(1, used), borrowed: Math.max(0, used - 1), lent: 0, idle: Math.max(0, 1 - used) };
}

export function parts_of(samples: readonly Sample[]): Parts | null {
  const sum = { entitled: 0, own: 0, lent: 0, borrowed: 0 };
  for (const each of samples) {
    sum.entitled += each.entitled;
    sum.own += each.own;
    sum.lent += each.lent;
    sum.borrowed += each.borrowed;
  }
  if (sum.entitled <= 0) return null;
  const part = (work: number) => Math.max(0, work) / sum.entitled;
  return { own: part(sum.own), borrowed: part(sum.borrowed), lent: part(sum.lent), idle: Math.max(0, 1 - part(sum.own) - part(sum.lent)) };
}

export const used = (parts: Parts) => parts.own + parts.borrowed;

export interface Bin {
  from: Date;
  to: Date;
  parts: Parts;
  wait_p50_ms: number;
  wait_p95_ms: number;
}

const widths_min = [6, 12, 30, 60];

/** Some `most` columns of the past (one more where it begins inside one), each a round time long. Where nothing was measured there is none. */
export function bins_of(past: readonly Sample[], most = 48): Bin[] {
  const first = past[0];
  const last = past.at(-1);
  if (!first || !last) return [];
  const span_ms = Date.parse(last.from) + stretch_ms - Date.parse(first.from);
  const width_ms = (widths_min.find((each) => each * 60_000 * most >= span_ms) ?? 60) * 60_000;
  const by_start = new Map<number, Sample[]>();
  for (const each of past) {
    // The shortest begin when the server looked; wider ones at the full and half hour.
    const at = Date.parse(each.from);
    const start = width_ms === stretch_ms ? at : Math.floor(at / width_ms) * width_ms;
    by_start.set(start, [...(by_start.get(start) ?? []), each]);
  }
  const bins: Bin[] = [];
  for (const [start, samples] of by_start) {
    const parts = parts_of(samples);
    if (!parts) continue;
    // Those of the busiest stretch: what somebody had to wait at the worst.
    const worst = samples.reduce((found, each) => (each.wait_p95_ms > found.wait_p95_ms ? each : found));
    bins.push({ from: new Date(start), to: new Date(start + width_ms), parts, wait_p50_ms: worst.wait_p50_ms, wait_p95_ms: worst.wait_p95_ms });
  }
  return bins;
}

/** Its part of all shares, 0 to 1; null: there is no agreement, or the commons has not heard of the member. */
export function part_of_all(share: Share): number | null {
  const standing = standing_of(share);
  const told = standing === 'known' || (standing === 'unheard' && share.shares_all > share.share);
  return told && share.shares_all > 0 ? share.share / share.shares_all : null;
}

/** In hours of the member's own entitlement; null: not known yet. */
export function hours_of(work: number, entitled_per_s: number): number | null {
  return entitled_per_s > 0 ? work / entitled_per_s / 3600 : null;
}

/** How far a member that waits is behind what it could claim, in seconds of its own entitlement. */
export function behind_s(share: Share): number {
  if (share.waiting === 0 || share.entitled_per_s <= 0) return 0;
  return Math.max(0, share.floor - share.recent) / share.entitled_per_s;
}

/** Jain's index of what those who wait got for their shares: 1 is all alike; null: fewer than two wait. */
export function jain_of(shares: readonly Share[]): number | null {
  const got = shares.filter((each) => each.waiting > 0 && each.share > 0).map((each) => each.recent / each.share);
  const sum = got.reduce((all, each) => all + each, 0);
  if (got.length < 2 || sum === 0) return null;
  return (sum * sum) / (got.length * got.reduce((all, each) => all + each * each, 0));
}

export type Waited = 'none' | 'within' | 'near' | 'beyond';

/** How the slowest waits stand to what was promised. */
export function waited(share: Pick<Share, 'wait_p95_ms' | 'wait_max_ms' | 'delivered'>): Waited {
  if (share.delivered === 0 && share.wait_p95_ms === 0) return 'none';
  if (share.wait_max_ms > 0 && share.wait_p95_ms > share.wait_max_ms) return 'beyond';
  return share.wait_max_ms > 0 && share.wait_p95_ms > share.wait_max_ms * 0.8 ? 'near' : 'within';
}

/** Who asks or waits now, the one that waits most first. */
export function busy_of(members: readonly Share[]): Share[] {
  return members.filter((each) => each.running + each.waiting > 0).sort((a, b) => b.waiting - a.waiting || b.running - a.running || a.name.localeCompare(b.name, 'da'));
}
