import { describe, expect, it } from 'vitest';
import { begin_with, boxes_max, is_searched, rows_of, wrong_in_choice } from './model_choice';

const models = (count: number) => Array.from({ length: count }, (_, at) => ({ id: `m${at}`, name: `Model ${at}` }));

describe('choosing some of all models', () => {
  it('is by a box for each, and by search where those would be many', () => {
    expect(is_searched(models(boxes_max), false)).toBe(false);
    expect(is_searched(models(boxes_max + 1), false)).toBe(true);
    expect(is_searched(models(1), true)).toBe(true);
  });

  it('begins with all, and with none where all of them could not be saved', () => {
    expect(begin_with(models(2), false)).toEqual(['m0', 'm1']);
    expect(begin_with(models(500), false)).toHaveLength(500);
    expect(begin_with(models(501), false)).toEqual([]);
    expect(begin_with(models(2), true)).toEqual([]);
  });

  it('can be saved with all, and with one to five hundred', () => {
    const some = (count: number) => models(count).map(({ id }) => id);
    expect([null, some(1), some(500)].map(wrong_in_choice)).toEqual([null, null, null]);
    expect([some(0), some(501)].map(wrong_in_choice)).toEqual(['none', 'too_many']);
  });

  it('keeps what was chosen in sight and in its place, by its id where no list has its name', () => {
    const first = rows_of([], ['far', 'm1'], models(2));
    expect(first).toEqual([{ id: 'far', name: 'far' }, { id: 'm1', name: 'Model 1' }]);
    expect(rows_of(first, ['m1', 'm0'], models(2)).map(({ id }) => id)).toEqual(['far', 'm1', 'm0']);
  });
});
