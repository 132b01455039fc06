import { describe, expect, it } from 'vitest';
import { by_model, days_of, in_span, spans, sum_of } from './usage';

const now = new Date(2026, 10, 25, 14, 30);
const row = (hour: Date, model: string, requests: number) => ({ hour: hour.toISOString(), model, requests, input_tokens: requests * 10, output_tokens: requests * 5 });
const rows = [row(new Date(2026, 10, 24, 23), 'small', 2), row(new Date(2026, 10, 25, 0), 'small', 3), row(new Date(2026, 10, 25, 9), 'large', 4)];

describe('usage', () => {
  it('is told by the reader’s days', () => {
    const days = spans(now, 7);
    expect(days).toHaveLength(7);
    expect(days.at(-1)).toEqual({ from: new Date(2026, 10, 25), to: new Date(2026, 10, 26) });
    expect(days.map((each) => sum_of(in_span(rows, each)).requests)).toEqual([0, 0, 0, 0, 0, 2, 7]);
  });

  it('of today is told by the hour', () => {
    const hours = spans(now, 1);
    expect(hours).toHaveLength(24);
    expect(sum_of(in_span(rows, hours[9]!)).requests).toBe(4);
  });

  it('is summed by model, most asked first', () => {
    expect(by_model(rows)).toEqual([
      { model: 'small', requests: 5, input_tokens: 50, output_tokens: 25 },
      { model: 'large', requests: 4, input_tokens: 40, output_tokens: 20 },
    ]);
    expect(by_model([])).toEqual([]);
  });

  it('is of seven days unless the address says otherwise', () => {
    expect([days_of(null), days_of('30'), days_of('1'), days_of('x')]).toEqual([7, 30, 1, 7]);
  });
});
