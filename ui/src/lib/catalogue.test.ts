import { describe, expect, it } from 'vitest';
import { definition_of, has_gpu, question_of, typed_of, with_engine, wrong_in, type Typed } from './catalogue';
import type { Definition } from './catalogue_api';

const small: Definition = { id: 'org/small:1b', engine: 'llama', file: '/m.gguf', concurrency: 2, members: ['aarhus', 'ribe'], card: { da: {}, en: {} } };
const served: Definition = {
  id: 'q', engine: 'vllm', folder: '/srv/q', concurrency: 8, context_tokens: 32768, device: 'gpu', tool_parser: 'hermes', threads: 4, copies: 2, adapters_max: 2, adapters_rank: 32,
  adapters_folder: '/srv/a', chat_template_file: '/t.jinja', pinned: true, demo: true, aliases: ['standard', { name: 'titel', lane: 'batch' }], stop: ['</s>', 'a\n\\n'], adapters: [{ name: 'jura', folder: '/srv/a/jura' }],
};
const vectors: Definition = { id: 'v', engine: 'openai', url: 'https://h/v1', upstream_model: 'bge', api_key_file: '/k', ca_file: '/ca', certificate_file: '/c', key_file: '/kk', concurrency: 64, embeddings: true, shorter_vectors: true };

describe('a model as a form', () => {
  it.each([small, served, vectors, { ...vectors, embeddings: undefined, shorter_vectors: undefined, rerank: true }, { ...small, device: 'host' as const }])('comes back as it was, with what the form does not ask: %o', (definition) => {
    expect(definition_of(typed_of(definition), definition)).toEqual(definition);
    expect([...wrong_in(typed_of(definition))]).toEqual([]);
  });

  it('says only what was answered', () => {
    const typed = { ...typed_of(null), id: ' lille ', file: ' /m.gguf ', name: '  ', pinned: true };
    expect(definition_of(typed, null)).toEqual({ id: 'lille', engine: 'llama', file: '/m.gguf', concurrency: 1, pinned: true });
  });

  it('takes a key away whose answer was emptied', () => {
    expect(definition_of({ ...typed_of(small), members: ' ' }, small), 'everybody’s again').not.toHaveProperty('members');
    const emptied = definition_of({ ...typed_of(served), aliases: '', stop: '', tool_parser: ' ', context_tokens: '', pinned: false }, served);
    for (const key of ['aliases', 'stop', 'tool_parser', 'context_tokens', 'pinned']) expect(emptied).not.toHaveProperty(key);
  });

  it('is for the members whose ids were typed, or else for everybody', () => {
    expect(definition_of({ ...typed_of(null), id: 'm', file: '/m.gguf', members: ' aarhus,ribe; odense\n' }, null).members).toEqual(['aarhus', 'ribe', 'odense']);
    expect(typed_of(small).members).toBe('aarhus ribe');
    expect(typed_of(served).members).toBe('');
  });

  it('keeps what an alias is beside its name', () => {
    expect(definition_of({ ...typed_of(served), aliases: 'titel, ny' }, served).aliases).toEqual([{ name: 'titel', lane: 'batch' }, 'ny']);
  });

  it('of another engine says nothing that is not of it', () => {
    const typed: Typed = { ...typed_of(served), engine: 'openai', url: 'https://h/v1', file: '/x' };
    expect(definition_of(typed, null)).toEqual({ id: 'q', engine: 'openai', url: 'https://h/v1', concurrency: 8, context_tokens: 32768, demo: true, aliases: ['standard', 'titel'], stop: ['</s>', 'a\n\\n'] });
  });
});

describe('a new model', () => {
  it('lies on a GPU where there is one, and with vLLM where that was built for where there is none', () => {
    const typed = (engine: Typed['engine'], has_gpu: boolean) => definition_of(with_engine({ ...typed_of(null, has_gpu), id: 'm' }, engine, has_gpu), null).device;
    expect(typed('llama', true)).toBe('gpu');
    expect(typed('vllm', true)).toBe('gpu');
    expect(typed('llama', false)).toBeUndefined();
    expect(typed('vllm', false)).toBeUndefined();
    expect(typed('openai', true)).toBeUndefined();
    expect(with_engine(with_engine(typed_of(null), 'vllm', false), 'llama', false).device).toBe('host');
  });
  it('lies in GPUs that are one memory only where its engine divides it', () => {
    const groups_alone = { alone: false, groups: true };
    expect(has_gpu(groups_alone, 'llama')).toBe(true);
    expect(has_gpu(groups_alone, 'vllm')).toBe(false);
    expect(has_gpu({ alone: true, groups: true }, 'vllm')).toBe(true);
    expect(has_gpu({ alone: false, groups: false }, 'llama')).toBe(false);
  });
  it('has as many places as its engine has by itself, until some are chosen', () => {
    expect(with_engine(typed_of(null), 'vllm', false).concurrency).toBe('8');
    expect(with_engine({ ...typed_of(null), concurrency: '3' }, 'vllm', false).concurrency).toBe('3');
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
  it.each<[Partial<Typed>, string[]]>([
    [{ source: '', sha256: '' }, ['source', 'sha256']], [{ source: '/m.gguf' }, ['source']], [{ source: 'https://host/x.bin' }, ['source']], [{ source: 'https://host/x.gguf?a' }, ['source']],
    [{ source: 'hf:x.gguf' }, ['source']], [{ sha256: '' }, ['sha256']], [{ sha256: 'a1' }, ['sha256']], [{ source: 'hf:o/r/x.gguf', sha256: 'a1' }, ['sha256']],
    [{ source: 'hf:o/r/x.gguf', sha256: '' }, []], [{}, []],
  ])('with %o is told what is wrong', (more, questions) => {
    expect([...wrong_in({ ...typed_of(far), ...more })]).toEqual(questions);
  });
});

describe('a folder that is fetched', () => {
  const far: Definition = { id: 'far', engine: 'vllm', source: 'hf:o/r@v1', concurrency: 8 };

  it('has a source in place of a folder, and no hash', () => {
    expect(definition_of(typed_of(far), far)).toEqual(far);
    expect(definition_of({ ...typed_of(far), sha256: 'a1'.repeat(32), folder: '/srv/q' }, far)).toEqual(far);
    expect(definition_of({ ...typed_of(far), fetched: false, folder: '/srv/q' }, far)).toEqual({ id: 'far', engine: 'vllm', folder: '/srv/q', concurrency: 8 });
    expect(question_of('definition.source', 'vllm')).toBe('source');
  });
  it.each<[string, string[]]>([
    ['hf:o/r', []], ['hf:o/r@v1', []], ['hf:o/r/', []], ['hf:o/r/sub/fp8/', []],
    ['', ['source']], ['hf:o', ['source']], ['hf:o/r/sub', ['source']], ['hf:o/r/x.gguf', ['source']], ['hf:o/r.gguf', ['source']], ['https://host/folder/', ['source']], ['hf:o/r?x', ['source']], ['/srv/q', ['source']],
  ])('from %s', (source, questions) => {
    expect([...wrong_in({ ...typed_of(far), source })]).toEqual(questions);
  });
});

describe('what cannot be meant', () => {
  const right = { ...typed_of(null), id: 'lille', file: '/m.gguf' };
  it.each<[Partial<Typed>, string]>([
    [{ id: '' }, 'id'], [{ id: 'a b' }, 'id'], [{ id: 'år' }, 'id'], [{ id: 'a,b' }, 'id'],
    [{ file: '' }, 'file'], [{ file: 'models/m.gguf' }, 'file'],
    [{ concurrency: '' }, 'concurrency'], [{ concurrency: '0' }, 'concurrency'], [{ concurrency: '257' }, 'concurrency'], [{ concurrency: '1,5' }, 'concurrency'],
    [{ context_tokens: '15' }, 'context_tokens'], [{ context_tokens: 'mange' }, 'context_tokens'], [{ threads: '513' }, 'threads'], [{ copies: '0' }, 'copies'], [{ copies: '65' }, 'copies'],
    [{ chat_template_file: 'x.jinja' }, 'chat_template_file'], [{ aliases: 'go å' }, 'aliases'], [{ stop: 'a\nb\nc\nd\ne' }, 'stop'],
    [{ engine: 'vllm' }, 'folder'], [{ engine: 'vllm', folder: '/m', adapters_max: '65' }, 'adapters_max'], [{ engine: 'vllm', folder: '/m', adapters_folder: 'a' }, 'adapters_folder'],
    [{ engine: 'openai', url: 'h/v1' }, 'url'], [{ engine: 'openai', url: 'https://h/v1', api_key_file: 'k' }, 'api_key_file'],
  ])('%o is told beside its question', (more, question) => {
    expect([...wrong_in({ ...right, ...more })]).toEqual([question]);
  });
  it('is nothing in a form that is right, whatever another engine was answered', () => {
    expect(wrong_in({ ...right, folder: 'x', url: 'x', adapters_max: '0' }).size).toBe(0);
  });
});

describe('an error of the server', () => {
  it('belongs to a question that is asked, or to the form as a whole', () => {
    expect(question_of('definition.file', 'llama')).toBe('file');
    expect(question_of('definition.folder', 'vllm')).toBe('folder');
    expect(question_of('definition.stop[0]', 'vllm')).toBe('stop');
    expect(question_of('definition.members[1]', 'openai')).toBe('members');
    expect(question_of('definition.embeddings', 'llama')).toBe('serves');
    expect(question_of('definition.embeddings', 'vllm')).toBeNull();
    expect(question_of('definition.file', 'vllm')).toBeNull();
    expect(question_of('definition.adapters[0].folder', 'vllm')).toBeNull();
    expect(question_of('version', 'llama')).toBeNull();
    expect(question_of(null, 'llama')).toBeNull();
  });
});
