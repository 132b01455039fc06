// What was used, put together for the reader: the server sums by the hour in UTC, a day is the reader's own.
import { midnight } from './when';

export interface HourSum {
  hour?: string | undefined;
  model: string;
  requests: number;
  input_tokens: number;
  output_tokens: number;
}

export interface Sum {
  requests: number;
  input_tokens: number;
  output_tokens: number;
}

export interface Span {
  /** Begins here, and ends where the next begins. */
  from: Date;
  to: Date;
}

export const spans_offered = [1, 7, 30] as const;
export type Days = (typeof spans_offered)[number];

export function days_of(text: string | null): Days {
  return spans_offered.find((each) => String(each) === text) ?? 7;
}

/** The columns of the chart: hours of today, or days up to today. */
export function spans(now: Date, days: Days): Span[] {
  if (days === 1) {
    const start = midnight(now);
    const hour = (count: number) => new Date(start.getFullYear(), start.getMonth(), start.getDate(), count);
    return Array.from({ length: 24 }, (_, at) => ({ from: hour(at), to: hour(at + 1) }));
  }
  return Array.from({ length: days }, (_, at) => ({ from: midnight(now, days - 1 - at), to: midnight(now, days - 2 - at) }));
}

export function sum_of(rows: readonly HourSum[]): Sum {
  const sum = { requests: 0, input_tokens: 0, output_tokens: 0 };
  for (const row of rows) {
    sum.requests += row.requests;
    sum.input_tokens += row.input_tokens;
    sum.output_tokens += row.output_tokens;
  }
  return sum;
}

export function in_span(rows: readonly HourSum[], { from, to }: Span): HourSum[] {
  return rows.filter((row) => row.hour !== undefined && new Date(row.hour) >= from && new Date(row.hour) < to);
}

/** Most asked first. */
export function by_model(rows: readonly HourSum[]): (Sum & { model: string })[] {
  return [...new Set(rows.map((row) => row.model))]
    .map((model) => ({ model, ...sum_of(rows.filter((row) => row.model === model)) }))
    .sort((a, b) => b.requests - a.requests || a.model.localeCompare(b.model));
}
