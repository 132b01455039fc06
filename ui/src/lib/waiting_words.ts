// What is told of an answer that has not begun: place in line, what wakes up, how long, and why.
import { bound_text } from './format';
import { t } from './preferences.svelte';
import type { Waiting } from './turn';

/** `told_s` ago the server said so. */
export function waiting_words(waiting: Waiting, told_s: number): { words: string; why: string } {
  const { position, ready_in_s } = waiting;
  const at_most = waiting.at_most_s === null || waiting.at_most_s === undefined ? '' : ` ${t('waiting_at_most', { time: bound_text(waiting.at_most_s) })}`;
  if (waiting.reason === 'queue') return { words: position ? t('waiting_queue', { position }) : t('waiting_line'), why: t('waiting_queue_why') + at_most };
  const left_s = ready_in_s === null ? 0 : Math.ceil(ready_in_s - told_s);
  const wakes = left_s > 0 ? t('waiting_starting', { seconds: left_s }) : t('waiting_starting_soon');
  // The first in line waits for the model alone.
  return { words: position && position > 1 ? `${wakes}, ${t('waiting_number', { position })}` : wakes, why: t('waiting_starting_why') + at_most };
}
