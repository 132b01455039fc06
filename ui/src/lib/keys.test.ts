import { describe, expect, it } from 'vitest';
import { models_to_try } from './keys';

const listed = [{ id: 'chat', name: 'Chat', serves: 'chat' }, { id: 'vectors', name: 'Vectors', serves: 'embeddings' }, { id: 'order', name: 'Order', serves: 'rerank' }, { id: 'other', name: 'Other', serves: 'chat' }] as const;
const ids = (allowed: string[] | null) => models_to_try(allowed, listed).map(({ id }) => id);

describe('what examples ask with a key', () => {
  it('are models that can be talked with and that it is for', () => {
    expect(ids(null)).toEqual(['chat', 'other']);
    expect(ids(['vectors', 'order', 'other'])).toEqual(['other']);
  });

  it('are models that no list has, by their id', () => {
    expect(models_to_try(['far'], listed)).toEqual([{ id: 'far', name: 'far' }]);
  });

  it('is what it is for, where none can be talked with', () => {
    expect(models_to_try(['vectors'], listed)).toEqual([{ id: 'vectors', name: 'Vectors' }]);
  });
});
