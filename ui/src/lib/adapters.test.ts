import { describe, expect, it } from 'vitest';
import { may_have_adapters, with_adapter, without_adapter, wrong_in_adapter } from './adapters';
import type { Definition } from './catalogue_api';

const model: Definition = { id: 'm', engine: 'llama', file: '/m.gguf', adapters: [{ name: 'law', file: '/law.gguf' }] };

describe('adapters of a definition', () => {
  it('come at the end, for all or for the members named', () => {
    expect(with_adapter(model, { name: ' tax ', path: ' /tax.gguf ', members: '' }).adapters).toEqual([{ name: 'law', file: '/law.gguf' }, { name: 'tax', file: '/tax.gguf' }]);
    expect(with_adapter({ ...model, adapters: undefined }, { name: 'tax', path: '/t', members: 'aarhus, odense' }).adapters).toEqual([{ name: 'tax', file: '/t', members: ['aarhus', 'odense'] }]);
    expect(with_adapter({ id: 'v', engine: 'vllm', folder: '/v' }, { name: 'tax', path: '/tax', members: '' }).adapters).toEqual([{ name: 'tax', folder: '/tax' }]);
  });
  it('go by their name, and the list with the last', () => {
    expect(without_adapter(model, 'law')).toEqual({ id: 'm', engine: 'llama', file: '/m.gguf' });
    expect(without_adapter(model, 'other')).toEqual(model);
  });
  it('have names without a colon and a whole path', () => {
    for (const name of ['', 'a b', 'a:b', 'a,b', 'law', 'æ']) expect(wrong_in_adapter({ name, path: '/x', members: '' }, model)).toEqual(new Set(['name']));
    expect(wrong_in_adapter({ name: 'tax', path: 'x', members: '' }, model)).toEqual(new Set(['path']));
    expect(wrong_in_adapter({ name: 'tax', path: '/x', members: '' }, model).size).toBe(0);
  });
  it('belong to models that write and run here', () => {
    expect(may_have_adapters(model)).toBe(true);
    expect(may_have_adapters({ id: 'o', engine: 'openai' })).toBe(false);
    expect(may_have_adapters({ ...model, embeddings: true })).toBe(false);
  });
});
