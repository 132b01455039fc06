// A model's definition as a form, and back. What the form does not ask stays as it was. Pure.
import type { Definition } from './catalogue_api';

export type Engine = Definition['engine'];
export type Serves = 'chat' | 'embeddings' | 'rerank';
export type Device = 'host' | 'gpu' | '';

const texts = {
  llama: ['name', 'chat_template_file'],
  vllm: ['name', 'tool_parser', 'chat_template_file', 'adapters_folder'],
  openai: ['name', 'url', 'upstream_model', 'api_key_file', 'ca_file', 'certificate_file', 'key_file'],
} as const;
const counts = {
  llama: ['concurrency', 'context_tokens', 'threads', 'copies'],
  vllm: ['concurrency', 'context_tokens', 'threads', 'copies', 'adapters_max', 'adapters_rank'],
  openai: ['concurrency', 'context_tokens'],
} as const;
const all_texts = ['name', 'file', 'source', 'sha256', 'folder', 'url', 'upstream_model', 'api_key_file', 'ca_file', 'certificate_file', 'key_file', 'tool_parser', 'chat_template_file', 'adapters_folder'] as const;
const all_counts = ['concurrency', 'context_tokens', 'threads', 'copies', 'adapters_max', 'adapters_rank'] as const;
export const is_count = (line: Line) => all_counts.some((each) => each === line);
const flags = ['pinned', 'demo', 'shorter_vectors'] as const;
type Text = (typeof all_texts)[number];
type Count = (typeof all_counts)[number];

/** A question that is answered in one line. */
export type Line = 'id' | Text | Count | 'members' | 'aliases';

/** As it is typed. */
export type Typed = Record<Line, string> &
  Record<(typeof flags)[number], boolean> & {
    engine: Engine;
    /** Its file or folder is fetched, and does not lie on the server yet. */
    fetched: boolean;
    serves: Serves;
    /** Empty: what its engine was built for. */
    device: Device;
    /** A text on each line. */
    stop: string;
  };
export type Asked = keyof Typed;

/** The questions behind "more choices", by engine. */
export const further = {
  llama: ['aliases', 'copies', 'threads', 'chat_template_file'],
  vllm: ['aliases', 'copies', 'tool_parser', 'adapters_max', 'adapters_rank', 'adapters_folder', 'threads', 'chat_template_file'],
  openai: ['aliases', 'ca_file', 'certificate_file', 'key_file'],
} as const satisfies Record<Engine, readonly Line[]>;

/** As the server takes it where nothing is said. */
export const places_by_default = { llama: '1', vllm: '8', openai: '64' } as const satisfies Record<Engine, string>;
export const places_max = { llama: 256, vllm: 100_000, openai: 100_000 } as const satisfies Record<Engine, number>;

const name_of = (alias: NonNullable<Definition['aliases']>[number]) => (typeof alias === 'string' ? alias : alias.name);
const line_of = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
const text_of = (line: string) => line.replace(/\\(.)/g, (_, sign: string) => (sign === 'n' ? '\n' : sign));
const words = (text: string) => text.split(/[\s,;]+/).filter(Boolean);

/** GPUs of the server: those alone, and several that are one memory. */
export interface Gpus {
  alone: boolean;
  groups: boolean;
}
/** Whether one could take a model of this engine: only llama.cpp divides it. */
export const has_gpu = ({ alone, groups }: Gpus, engine: Engine) => alone || (groups && engine === 'llama');

/** `has_gpu`: where a new one would lie. */
export function typed_of(definition: Definition | null, has_gpu = false): Typed {
  const engine = definition?.engine ?? 'llama';
  const text = (key: Text | Count | 'id') => [key, definition?.[key] === undefined ? '' : String(definition[key])] as const;
  const typed = Object.fromEntries([text('id'), ...all_texts.map(text), ...all_counts.map(text)]) as Record<Exclude<Line, 'members' | 'aliases'>, string>;
  return {
    ...typed,
    engine,
    fetched: definition?.source !== undefined,
    concurrency: typed.concurrency || places_by_default[engine],
    serves: definition?.rerank ? 'rerank' : definition?.embeddings ? 'embeddings' : 'chat',
    device: definition ? (definition.device ?? (engine === 'llama' ? 'host' : '')) : has_gpu ? 'gpu' : 'host',
    members: (definition?.members ?? []).join(' '),
    aliases: (definition?.aliases ?? []).map(name_of).join(' '),
    stop: (definition?.stop ?? []).map(line_of).join('\n'),
    pinned: definition?.pinned ?? false,
    demo: definition?.demo ?? false,
    shorter_vectors: definition?.shorter_vectors ?? false,
  };
}

/** Where it lies, or comes from. */
function whereabouts(engine: Engine, fetched: boolean): readonly Text[] {
  if (engine === 'openai') return [];
  if (engine === 'vllm') return fetched ? ['source'] : ['folder'];
  return fetched ? ['source', 'sha256'] : ['file'];
}

/** With another engine; places that were never chosen are that engine's. */
export function with_engine(typed: Typed, engine: Engine, has_gpu: boolean): Typed {
  const untouched = typed.concurrency === places_by_default[typed.engine];
  const device = has_gpu ? typed.device || 'gpu' : engine === 'vllm' ? '' : 'host';
  return { ...typed, engine, device, concurrency: untouched ? places_by_default[engine] : typed.concurrency };
}

const whole = (text: string) => (/^\d{1,9}$/.test(text.trim()) ? Number(text.trim()) : null);

export function definition_of(typed: Typed, before: Definition | null): Definition {
  const { engine } = typed;
  const ours = engine !== 'openai';
  const known = new Set<string>([...all_texts, ...all_counts, ...flags, 'embeddings', 'rerank', 'device', 'members', 'aliases', 'stop']);
  const out: Record<string, unknown> = Object.fromEntries(Object.entries(before ?? {}).filter(([key]) => !known.has(key)));
  out.id = typed.id.trim();
  out.engine = engine;
  for (const key of [...texts[engine], ...whereabouts(engine, typed.fetched)]) if (typed[key].trim()) out[key] = typed[key].trim();
  for (const key of counts[engine]) {
    const count = whole(typed[key]);
    if (count !== null) out[key] = count;
  }
  if (engine !== 'vllm' && typed.serves !== 'chat') out[typed.serves] = true;
  if (typed.shorter_vectors && out.embeddings) out.shorter_vectors = true;
  // What goes without saying is said where it was.
  if (ours && typed.device && !(engine === 'llama' && typed.device === 'host' && !before?.device)) out.device = typed.device;
  if (ours && typed.pinned) out.pinned = true;
  if (typed.demo) out.demo = true;
  const members = words(typed.members);
  if (members.length) out.members = members;
  const former = new Map((before?.aliases ?? []).map((alias) => [name_of(alias), alias]));
  const aliases = words(typed.aliases).map((name) => former.get(name) ?? name);
  if (aliases.length) out.aliases = aliases;
  const stop = typed.stop.split('\n').filter(Boolean).map(text_of);
  if (stop.length) out.stop = stop;
  return out as unknown as Definition;
}

/** Which answers cannot be meant, before the server is asked. */
export function wrong_in(typed: Typed): Set<Asked> {
  const { engine } = typed;
  const wrong = new Set<Asked>();
  const said = (key: Line) => typed[key].trim();
  const count = (key: Count, least: number, most: number, needed = false) => {
    const value = whole(typed[key]);
    if ((said(key) || needed) && (value === null || value < least || value > most)) wrong.add(key);
  };
  const path = (key: Text, needed = false) => {
    if ((said(key) || needed) && !said(key).startsWith('/')) wrong.add(key);
  };
  const plain = (name: string) => /^[!-~]{1,200}$/.test(name) && !/["\\]/.test(name);
  if (!plain(said('id')) || said('id').includes(',')) wrong.add('id');
  if (engine === 'openai') {
    if (!/^https?:\/\/[^/]/.test(said('url'))) wrong.add('url');
    for (const key of ['api_key_file', 'ca_file', 'certificate_file', 'key_file'] as const) path(key);
  } else {
    path('chat_template_file');
    count('threads', 1, 512);
    count('copies', 1, 64);
  }
  if (engine === 'vllm') {
    if (!typed.fetched) path('folder', true);
    else if (!/^hf:[^/?#]+\/[^/?#]+(\/|\/[^?#]+\/)?$/.test(said('source')) || said('source').endsWith('.gguf')) wrong.add('source');
    path('adapters_folder');
    count('adapters_max', 1, 64);
    count('adapters_rank', 1, 512);
  } else if (engine === 'llama' && !typed.fetched) {
    path('file', true);
  } else if (engine === 'llama') {
    if (!/^(https?:\/\/[^/]+\/|hf:[^/]+\/[^/]+\/)[^?#]*\.gguf$/.test(said('source'))) wrong.add('source');
    // Only a hub says it by itself.
    const needs_hash = !said('source').startsWith('hf:');
    if (!/^[0-9a-f]{64}$/i.test(said('sha256')) && (needs_hash || said('sha256'))) wrong.add('sha256');
  }
  count('concurrency', 1, places_max[engine], true);
  count('context_tokens', 16, 100_000_000);
  if (words(typed.aliases).some((name) => !plain(name))) wrong.add('aliases');
  if (typed.stop.split('\n').filter(Boolean).length > 4) wrong.add('stop');
  return wrong;
}

/** The question of the form that an error of the API is about, of those that its engine is asked. */
export function question_of(param: string | null, engine: Engine): Asked | null {
  const key = /^definition\.([a-z0-9_]+)/.exec(param ?? '')?.[1];
  const always = ['id', 'engine', 'members', 'aliases', 'stop'] as const;
  const ours = engine === 'openai' ? [] : [...whereabouts(engine, true), ...whereabouts(engine, false), 'device' as const];
  const asked: readonly Asked[] = [...always, ...texts[engine], ...counts[engine], ...ours];
  if ((key === 'embeddings' || key === 'rerank') && engine !== 'vllm') return 'serves';
  return asked.find((each) => each === key) ?? null;
}
