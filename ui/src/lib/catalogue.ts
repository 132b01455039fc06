// A model's definition as a form, and back. What the form does not ask stays as it was. Pure.
import type { Definition } from './catalogue_api';

/** As it is typed. */
export interface Typed {
  id: string;
  name: string;
  /** Its file is fetched, and does not lie on the server yet. */
  fetched: boolean;
  file: string;
  source: string;
  sha256: string;
  url: string;
  concurrency: string;
  context_tokens: string;
  chat_template_file: string;
  pinned: boolean;
}
export type Asked = keyof Typed;

export const asked: readonly Asked[] = ['id', 'name', 'fetched', 'file', 'source', 'sha256', 'url', 'concurrency', 'context_tokens', 'chat_template_file', 'pinned'];

export function typed_of(definition: Definition | null): Typed {
  const text = (value: string | number | undefined) => (value === undefined ? '' : String(value));
  return {
    id: text(definition?.id),
    name: text(definition?.name),
    fetched: definition?.source !== undefined,
    file: text(definition?.file),
    source: text(definition?.source),
    sha256: text(definition?.sha256),
    url: text(definition?.url),
    concurrency: text(definition?.concurrency ?? (definition?.engine === 'openai' ? 64 : 1)), // as the server takes it where nothing is said
    context_tokens: text(definition?.context_tokens),
    chat_template_file: text(definition?.chat_template_file),
    pinned: definition?.pinned ?? false,
  };
}

const whole = (text: string) => (/^\d{1,9}$/.test(text.trim()) ? Number(text.trim()) : null);

export function definition_of(typed: Typed, before: Definition | null): Definition {
  const elsewhere = before?.engine === 'openai';
  const { name, file, source, sha256, url, concurrency, context_tokens, chat_template_file, pinned, ...kept } = before ?? ({} as Definition);
  void [name, file, source, sha256, url, concurrency, context_tokens, chat_template_file, pinned];
  const say = (key: 'name' | 'file' | 'source' | 'sha256' | 'url' | 'chat_template_file') => (typed[key].trim() ? { [key]: typed[key].trim() } : {});
  const count = (key: 'concurrency' | 'context_tokens') => (whole(typed[key]) === null ? {} : { [key]: whole(typed[key]) });
  return {
    ...kept,
    id: typed.id.trim(),
    engine: before?.engine ?? 'llama',
    ...say('name'),
    ...(elsewhere ? say('url') : { ...(typed.fetched ? { ...say('source'), ...say('sha256') } : say('file')), ...say('chat_template_file') }),
    ...count('concurrency'),
    ...count('context_tokens'),
    ...(typed.pinned && !elsewhere ? { pinned: true } : {}),
  };
}

/** Which answers cannot be meant, before the server is asked. */
export function wrong_in(typed: Typed, elsewhere: boolean): Set<Asked> {
  const wrong = new Set<Asked>();
  const id = typed.id.trim();
  if (!/^[!-~]{1,200}$/.test(id) || /["\\,]/.test(id)) wrong.add('id');
  if (elsewhere) {
    if (!/^https?:\/\/[^/]/.test(typed.url.trim())) wrong.add('url');
  } else {
    const source = typed.source.trim();
    if (!typed.fetched && !typed.file.trim().startsWith('/')) wrong.add('file');
    if (typed.fetched && !/^(https?:\/\/[^/]+\/|hf:[^/]+\/[^/]+\/)[^?#]*\.gguf$/.test(source)) wrong.add('source');
    // Only a hub says it by itself.
    const needs_hash = !source.startsWith('hf:');
    if (typed.fetched && !/^[0-9a-f]{64}$/i.test(typed.sha256.trim()) && (needs_hash || typed.sha256.trim())) wrong.add('sha256');
    if (typed.chat_template_file.trim() && !typed.chat_template_file.trim().startsWith('/')) wrong.add('chat_template_file');
  }
  const places = whole(typed.concurrency);
  if (places === null || places < 1 || places > (elsewhere ? 100_000 : 256)) wrong.add('concurrency');
  const context = whole(typed.context_tokens);
  if (typed.context_tokens.trim() && (context === null || context < 16)) wrong.add('context_tokens');
  return wrong;
}

/** The question of the form that an error of the API is about. */
export function question_of(param: string | null): Asked | null {
  const key = param?.replace(/^definition\./, '');
  return asked.find((each) => each === key) ?? null;
}
