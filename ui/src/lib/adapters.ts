// A model's adapters in its definition, as a form asks for them. Pure.
import type { Definition } from './catalogue_api';

/** As it is typed. */
export interface TypedAdapter {
  name: string;
  path: string;
  members: string;
}
export type AskedOfAdapter = keyof TypedAdapter;
type Adapter = NonNullable<Definition['adapters']>[number];

/** Whether its engine takes adapters. */
export const may_have_adapters = (definition: Definition) => definition.engine !== 'openai' && !definition.embeddings && !definition.rerank;

export function wrong_in_adapter(typed: TypedAdapter, definition: Definition): Set<AskedOfAdapter> {
  const wrong = new Set<AskedOfAdapter>();
  const name = typed.name.trim();
  if (!/^[!-~]{1,100}$/.test(name) || /["\\:,]/.test(name) || definition.adapters?.some((each) => each.name === name)) wrong.add('name');
  if (!typed.path.trim().startsWith('/')) wrong.add('path');
  return wrong;
}

export function with_adapter(definition: Definition, typed: TypedAdapter): Definition {
  const members = typed.members.split(/[\s,;]+/).filter(Boolean);
  const adapter: Adapter = {
    name: typed.name.trim(),
    [definition.engine === 'vllm' ? 'folder' : 'file']: typed.path.trim(),
    ...(members.length ? { members } : {}),
  };
  return { ...definition, adapters: [...(definition.adapters ?? []), adapter] };
}

export function without_adapter(definition: Definition, name: string): Definition {
  const { adapters, ...rest } = definition;
  const left = (adapters ?? []).filter((each) => each.name !== name);
  return left.length ? { ...rest, adapters: left } : rest;
}
