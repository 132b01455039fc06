import { describe, expect, it } from 'vitest';
import { shown_of } from './menu';

const by = (current: number) => ({ gap: 2, button: 60, current });

describe('the entries of a bar', () => {
  it('are all there where they fit to the last px, without a button', () => {
    expect(shown_of([100, 100, 100], 304, by(0))).toEqual([0, 1, 2]);
    expect(shown_of([100, 100, 100], 303, by(0))).toEqual([0, 1]);
  });
  it('are the first that fit beside the button', () => {
    expect(shown_of([100, 100, 100, 40], 264, by(0))).toEqual([0, 1]);
    expect(shown_of([100, 100, 100, 40], 263, by(0))).toEqual([0]);
  });
  it('are never without the current one', () => {
    expect(shown_of([100, 100, 100, 100], 270, by(3))).toEqual([0, 3]);
    expect(shown_of([100, 100, 100, 100], 50, by(2))).toEqual([2]);
  });
  it('without a current one are the first', () => {
    expect(shown_of([100, 100, 100, 100], 270, by(-1))).toEqual([0, 1]);
    expect(shown_of([], 10, by(-1))).toEqual([]);
  });
});
