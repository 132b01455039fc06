import { expect, test } from 'vitest';
import { all_models, each_once, first_models, is_large, with_row } from './model_list';

/** A server with so many models, each page of which it ends early after `searched` of them. */
function server(count: number, searched = Infinity) {
  const asked: { limit: number; search?: string; after?: string }[] = [];
  const ids = Array.from({ length: count }, (_, at) => ({ id: `n${String(at).padStart(6, '0')}` }));
  return {
    asked,
    async get(query: { limit: number; search?: string; after?: string }) {
      asked.push(query);
      const from = query.after ? ids.findIndex(({ id }) => id === query.after) + 1 : 0;
      const looked_at = ids.slice(from, from + Math.min(searched, query.search ? Infinity : query.limit));
      const models = looked_at.filter(({ id }) => id.includes(query.search ?? '')).slice(0, query.limit);
      const last = models.length === query.limit ? models.at(-1) : looked_at.at(-1);
      return { models, total: count, next: last && last.id !== ids.at(-1)?.id ? last.id : null };
    },
  };
}

test('a small catalogue is one page', async () => {
  const { get, asked } = server(40);
  const { models, next, total } = await first_models(get, { search: '', wanted: 100 });
  expect([models.length, next, total]).toEqual([40, null, 40]);
  expect(asked).toEqual([{ limit: 100 }]);
});

test('more than a page has is fetched page by page, and no more than is wanted', async () => {
  const { get, asked } = server(5000);
  const { models, next } = await first_models(get, { search: '', wanted: 2100 });
  expect(new Set(models.map(({ id }) => id)).size).toBe(2100);
  expect(next).toBe('n002099');
  expect(asked.map(({ limit }) => limit)).toEqual([1000, 1000, 100]);
});

test('a search goes on over pages in which nothing was found', async () => {
  const { get, asked } = server(5000, 1000);
  const { models, next } = await first_models(get, { search: '4999', wanted: 100 });
  expect(models).toEqual([{ id: 'n004999' }]);
  expect(next).toBeNull();
  expect(asked).toHaveLength(5);
});

test('a file has everything', async () => {
  expect((await all_models(server(2500).get, '')).models).toHaveLength(2500);
});

test('a catalogue is large where one look does not show it all', () => {
  expect(is_large(100, null, '')).toBe(false);
  expect(is_large(101, null, '')).toBe(true);
  expect(is_large(100, 'x', '')).toBe(true);
  expect(is_large(1, null, 'x')).toBe(true);
});

test('each once, as the first list has it', () => {
  expect(each_once([{ id: 'c', from: 1 }], [{ id: 'a', from: 2 }, { id: 'c', from: 2 }])).toEqual([{ id: 'c', from: 1 }, { id: 'a', from: 2 }]);
});

test('a row takes the place of the one of its id', () => {
  expect(with_row([{ id: 'a', at: 1 }, { id: 'b', at: 1 }], { id: 'a', at: 2 })).toEqual([{ id: 'a', at: 2 }, { id: 'b', at: 1 }]);
  expect(with_row([{ id: 'a', at: 1 }], { id: 'b', at: 2 })).toEqual([{ id: 'a', at: 1 }, { id: 'b', at: 2 }]);
});
