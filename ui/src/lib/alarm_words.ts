// What an alarm says, from what the server found: "17 d", "-1 d", "49 h", "4100 MB". Pure.
import { bytes_text, type Language } from './format';
import type { Alarm } from './status_api';
import * as words from './words/maintenance';

type Key = keyof typeof words.da;
type Say = (key: Key, values?: Record<string, string | number>) => string;

const known = (key: string): key is Key => key in words.da;

function reading_of(reading: string): { count: number; unit: string } | null {
  const [, count, unit] = /^(-?\d+) (d|h|MB)$/.exec(reading) ?? [];
  return count && unit ? { count: Number(count), unit } : null;
}

function reading_words(reading: string, say: Say, language: Language): string {
  const read = reading_of(reading);
  if (!read) return reading;
  const { count, unit } = read;
  if (unit === 'MB') return bytes_text(count * 1_000_000, language);
  if (unit === 'd') return say(count === 1 ? 'maint_days_one' : 'maint_days', { count });
  return say(count === 1 ? 'maint_hours_one' : 'maint_hours', { count });
}

export function alarm_words({ id, about, reading }: Pick<Alarm, 'id' | 'about' | 'reading'>, say: Say, language: Language): string {
  const left = reading_of(reading ?? '')?.count ?? 1;
  // The server counts whole days: of the last one none is left, and what is over has less than none.
  const due = left < 0 ? '-over' : left === 0 ? '-last' : '';
  const key = [`alarm_${id}${due}`, `alarm_${id}`].find(known);
  if (!key) return `${id} ${about ?? ''} ${reading ?? ''}`;
  return say(key, { about: about ?? '', reading: reading_words(reading ?? '', say, language) });
}
