// Parts, waits and hours as people say them.
import { locale, percent_text } from './format';
import { preferences, words_of } from './preferences.svelte';
import * as words from './words/share';

const say = words_of(words);
export const figure = (value: number, digits: number) => new Intl.NumberFormat(locale[preferences.language], { maximumFractionDigits: digits, signDisplay: 'negative' }).format(value);
export const percent = (part: number) => percent_text(part, preferences.language);

/** "under 0,1 s", "1,5 s", "40 s", "3 minutter". */
export function wait_words(ms: number): string {
  if (ms < 100) return say('share_under', { seconds: figure(0.1, 1) });
  if (ms < 120_000) return say('share_seconds', { seconds: figure(ms / 1000, ms < 9_950 ? 1 : 0) });
  return say('share_minutes', { minutes: figure(ms / 60_000, 0) });
}

/** "41 timer", "1 time", "0,3 timer". */
export function hours_words(hours: number): string {
  const text = figure(hours, hours < 9.95 ? 1 : 0);
  return say(text === '1' ? 'share_hour' : 'share_hours', { hours: text });
}
