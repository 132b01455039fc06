// How far a model's file has come: "Hentes, 37 %, ca. 4 min". Pure.
import type { ModelResidency } from './residency_api';
import type { Say } from './residency_words';

const minute_s = 60;
const hour_s = 3600;

/** To ten seconds, minutes or hours: it stands still between two looks. */
function time_words(left_s: number, say: Say): string {
  if (left_s <= minute_s) return say('fetching_seconds', { count: Math.max(1, Math.ceil(left_s / 10)) * 10 });
  if (left_s <= 2 * hour_s) return say('fetching_minutes', { count: Math.ceil(left_s / minute_s) });
  return say('fetching_hours', { count: Math.ceil(left_s / hour_s) });
}

export function fetching_words({ bytes, total, left_s }: NonNullable<ModelResidency['fetching']>, say: Say): string {
  const percent = total > 0 ? say('fetching_percent', { percent: Math.floor((100 * Math.min(bytes, total)) / total) }) : null;
  return [say('stands_fetching'), percent, left_s === null ? null : time_words(left_s, say)].filter(Boolean).join(', ');
}
