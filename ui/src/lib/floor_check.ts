// How the server's check of its own decisions came out. Pure.
import type { components } from '../generated/api';

export type Check = components['schemas']['DecisionCheck'];

/** never: none has ended; undecided: the lines hold, and no decision could be made again; broken: something to act on. */
export type CheckStanding = 'never' | 'undecided' | 'kept' | 'broken';

export function check_standing(check: Check | null): CheckStanding {
  if (!check || check.checked_at === null) return 'never';
  if (check.violations || check.floor_violations || check.differing || check.faults) return 'broken';
  return check.skipped && !check.events ? 'undecided' : 'kept';
}

export interface Trouble {
  what: 'promises' | 'differing' | 'faults' | 'skipped';
  count: number;
}

/** What was found beside broken floors, each with how often: other promises, decisions, faults, and what they kept from being looked at. */
export function troubles_of(check: Check): Trouble[] {
  const all: Trouble[] = [
    { what: 'promises', count: (check.violations ?? 0) - (check.floor_violations ?? 0) },
    { what: 'differing', count: check.differing ?? 0 },
    { what: 'faults', count: check.faults ?? 0 },
    { what: 'skipped', count: check.skipped ?? 0 },
  ];
  return check_standing(check) === 'broken' ? all.filter((each) => each.count > 0) : [];
}
