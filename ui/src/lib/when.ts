// Days and distances in time as their readers say them. All take the present as an argument.
import { locale, type Language } from './format';

const minute_ms = 60_000;
const hour_ms = 60 * minute_ms;
export const day_ms = 24 * hour_ms;

/** "24. november 2026". */
export function day_text(iso: string, language: Language): string {
  return new Intl.DateTimeFormat(locale[language], { dateStyle: 'long' }).format(new Date(iso));
}

/** "24. nov." for the axis of a chart. */
export function short_day(time: Date, language: Language): string {
  return new Intl.DateTimeFormat(locale[language], { day: 'numeric', month: 'short' }).format(time);
}

/** "24.11.2026 16.33". */
export function short_time(iso: string, language: Language): string {
  return new Intl.DateTimeFormat(locale[language], { dateStyle: 'short', timeStyle: 'short' }).format(new Date(iso));
}

/** Days of the calendar between two times, where the reader is: a day may have 23 or 25 hours. */
const calendar_days = (from: Date, to: Date) => Math.round((midnight(to).getTime() - midnight(from).getTime()) / day_ms);

/** "for 3 timer siden", "i morgen", "om 5 dage": in the largest unit that says enough. */
export function distance(iso: string, now: Date, language: Language): string {
  const time = new Date(iso);
  const ms = time.getTime() - now.getTime();
  const units: [Intl.RelativeTimeFormatUnit, number][] = [
    ['year', 365 * day_ms],
    ['month', 30 * day_ms],
    ['day', day_ms],
    ['hour', hour_ms],
    ['minute', minute_ms],
  ];
  // "sidste år" is the calendar's, too; of what is a year away it may be neither.
  const said = (count: number, unit: Intl.RelativeTimeFormatUnit) => new Intl.RelativeTimeFormat(locale[language], { numeric: unit === 'year' ? 'always' : 'auto' }).format(count, unit);
  for (const [unit, size] of units) {
    if (Math.abs(ms) < (unit === 'month' ? 2 * size : size)) continue;
    return said(unit === 'day' ? calendar_days(now, time) : Math.trunc(ms / size), unit);
  }
  return said(0, 'minute');
}

/** The beginning of the reader's day, `days_ago` days before today's. */
export function midnight(now: Date, days_ago = 0): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() - days_ago);
}

/** When a day of the calendar ("2026-11-24") begins for the reader, or one `days_on` days later; undefined for no day. */
export function moment(day: string, days_on = 0): string | undefined {
  const time = new Date(`${day}T00:00`);
  if (Number.isNaN(time.getTime())) return undefined;
  time.setDate(time.getDate() + days_on); // a day may have 23 or 25 hours
  return time.toISOString();
}

export type Age = 'today' | 'yesterday' | 'week' | 'older';

/** By calendar days where the reader is, not by 24 hours. */
export function age_of(iso: string, now: Date): Age {
  const time = new Date(iso);
  if (time >= midnight(now)) return 'today';
  if (time >= midnight(now, 1)) return 'yesterday';
  return time >= midnight(now, 6) ? 'week' : 'older';
}
