// What a what-if comes to, in the few figures that a steering group asks for. Pure.
import type { WhatIf, WhatIfMember } from './share_api';

type Fared = WhatIfMember['before'];

interface Outcome {
  own: 'same' | 'more' | 'new' | 'nobody';
  /** Of the member itself; null where it is not among those who asked. */
  member: WhatIfMember | null;
  /** Whose waits grow most among the others; null: nobody notices. */
  worst: WhatIfMember | null;
  others_unserved_before: number;
  others_unserved_after: number;
}

/** Half a second, or a tenth of what it was: less is not noticed. */
export function notices(before: Fared, after: Fared): boolean {
  const was = before.wait_p95_ms ?? 0;
  return after.wait_p95_ms !== null && after.wait_p95_ms - was > Math.max(500, was / 10);
}

const grown = (each: WhatIfMember) => (each.after.wait_p95_ms ?? 0) - (each.before.wait_p95_ms ?? 0);

export function outcome_of(answer: WhatIf, id: string): Outcome {
  const member = answer.members.find((each) => each.member === id) ?? null;
  const others = answer.members.filter((each) => each.member !== id);
  const noticing = others.filter((each) => notices(each.before, each.after)).sort((a, b) => grown(b) - grown(a));
  const unserved = (when: 'before' | 'after') => others.reduce((sum, each) => sum + each[when].unserved, 0);
  const own = !member || member.after.requests === 0 ? 'same' : member.after.wait_p95_ms === null ? 'nobody' : member.before.wait_p95_ms === null ? 'new' : notices(member.before, member.after) ? 'more' : 'same';
  return { own, member, worst: noticing[0] ?? null, others_unserved_before: unserved('before'), others_unserved_after: unserved('after') };
}

/** The member first, then those whose waits change most. */
export function in_order(answer: WhatIf, id: string): WhatIfMember[] {
  return [...answer.members].sort((a, b) => Number(b.member === id) - Number(a.member === id) || Math.abs(grown(b)) - Math.abs(grown(a)) || a.name.localeCompare(b.name, 'da'));
}

/** A whole number in [1, 10000], thousands written with a dot or not; null: it is none. */
export function users_of(text: string): number | null {
  const trimmed = text.trim();
  if (!/^(\d{1,5}|\d{1,2}[.,]\d{3})$/.test(trimmed)) return null;
  const value = Number(trimmed.replace(/\D/g, ''));
  return value >= 1 && value <= 10_000 ? value : null;
}

export function served_part(fared: Fared): number | null {
  return fared.demanded > 0 ? fared.served / fared.demanded : null;
}
