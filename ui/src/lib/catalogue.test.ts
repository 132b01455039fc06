import { describe, expect, it } from 'vitest';
import { definition_of, question_of, typed_of, wrong_in } from './catalogue';
import type { Definition } from './catalogue_api';

const small: Definition = { id: 'org/small:1b', engine: 'llama', file: '/m.gguf', concurrency: 2, stop: ['</s>'], aliases: ['standard'] };

describe('a model as a form', () => {
  it('comes back as it was, with what the form does not ask', () => {
    expect(definition_of(typed_of(small), small)).toEqual({ id: 'org/small:1b', engine: 'llama', file: '/m.gguf', concurrency: 2, stop: ['</s>'], aliases: ['standard'] });
  });

  it('says only what was answered', () => {
    const typed = { ...typed_of(null), id: ' lille ', file: ' /m.gguf ', name: '  ', pinned: true };
    expect(definition_of(typed, null)).toEqual({ id: 'lille', engine: 'llama', file: '/m.gguf', concurrency: 1, pinned: true });
  });

  it('takes a key away whose answer was emptied', () => {
    const before: Definition = { ...small, name: 'Lille', context_tokens: 512 };
    expect(definition_of({ ...typed_of(before), name: '', context_tokens: '' }, before)).not.toHaveProperty('name');
    expect(definition_of({ ...typed_of(before), name: '', context_tokens: '' }, before)).not.toHaveProperty('context_tokens');
  });

  it('of another server has an address and no file', () => {
    const before: Definition = { id: 'far', engine: 'openai', url: 'https://h/v1' };
    expect(definition_of({ ...typed_of(before), file: '/x', pinned: true }, before)).toMatchObject({ engine: 'openai', url: 'https://h/v1' });
    expect(definition_of({ ...typed_of(before), file: '/x', pinned: true }, before)).not.toHaveProperty('file');
    expect([...wrong_in({ ...typed_of(before), url: 'h/v1' }, true)]).toEqual(['url']);
  });
});

describe('what cannot be meant', () => {
  const right = { ...typed_of(null), id: 'lille', file: '/m.gguf' };
  it.each([
    [{ id: '' }, 'id'], [{ id: 'a b' }, 'id'], [{ id: 'år' }, 'id'], [{ id: 'a,b' }, 'id'],
    [{ file: '' }, 'file'], [{ file: 'models/m.gguf' }, 'file'],
    [{ concurrency: '' }, 'concurrency'], [{ concurrency: '0' }, 'concurrency'], [{ concurrency: '257' }, 'concurrency'], [{ concurrency: '1,5' }, 'concurrency'],
    [{ context_tokens: '15' }, 'context_tokens'], [{ context_tokens: 'mange' }, 'context_tokens'],
    [{ chat_template_file: 'x.jinja' }, 'chat_template_file'],
  ])('%o is told beside its question', (more, question) => {
    expect([...wrong_in({ ...right, ...more }, false)]).toEqual([question]);
  });
  it('is nothing in a form that is right', () => {
    expect(wrong_in(right, false).size).toBe(0);
  });
});

describe('an error of the server', () => {
  it('belongs to a question, or to the form as a whole', () => {
    expect(question_of('definition.file')).toBe('file');
    expect(question_of('definition.aliases')).toBeNull();
    expect(question_of('version')).toBeNull();
    expect(question_of(null)).toBeNull();
  });
});
