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

describe('a model that is fetched', () => {
  const sha256 = 'a1'.repeat(32);
  const far: Definition = { id: 'far', engine: 'llama', source: 'https://host/x.gguf', sha256, concurrency: 1 };

  it('has a source in place of a file', () => {
    expect(definition_of(typed_of(far), far)).toEqual(far);
    expect(definition_of({ ...typed_of(far), fetched: false, file: '/m.gguf' }, far)).toEqual({ id: 'far', engine: 'llama', file: '/m.gguf', concurrency: 1 });
    expect(definition_of({ ...typed_of(small), fetched: true, source: ' hf:o/r/x.gguf ' }, small)).toMatchObject({ source: 'hf:o/r/x.gguf' });
    expect(definition_of({ ...typed_of(small), fetched: true, source: 'hf:o/r/x.gguf' }, small)).not.toHaveProperty('file');
  });
  it.each<[Partial<ReturnType<typeof typed_of>>, string[]]>([
    [{ source: '', sha256: '' }, ['source', 'sha256']], [{ source: '/m.gguf' }, ['source']], [{ source: 'https://host/x.bin' }, ['source']], [{ source: 'https://host/x.gguf?a' }, ['source']],
    [{ source: 'hf:x.gguf' }, ['source']], [{ sha256: '' }, ['sha256']], [{ sha256: 'a1' }, ['sha256']], [{ source: 'hf:o/r/x.gguf', sha256: 'a1' }, ['sha256']],
    [{ source: 'hf:o/r/x.gguf', sha256: '' }, []], [{}, []],
  ])('with %o is told what is wrong', (more, questions) => {
    expect([...wrong_in({ ...typed_of(far), ...more }, false)]).toEqual(questions);
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
