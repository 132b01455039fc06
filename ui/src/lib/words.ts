// Every word on the pages, Danish first: one file per page under words/. What the chat page, the sign-in page and the
// parts they share say is here from the start; another page brings its own (`words_of` in preferences.svelte.ts).
import * as chat from './words/chat';
import * as common from './words/common';
import * as shell from './words/shell';
import * as sign_in from './words/sign_in';

/** The same keys in both languages; {x} in a text is filled in. */
export interface Words<K extends string> {
  readonly da: Readonly<Record<K, string>>;
  readonly en: Readonly<Record<K, string>>;
}

export const da = { ...common.da, ...shell.da, ...sign_in.da, ...chat.da };
export const en = { ...common.en, ...shell.en, ...sign_in.en, ...chat.en };

export type Key = keyof typeof da;

export function fill(words: string, values: Record<string, string | number>): string {
  return words.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
