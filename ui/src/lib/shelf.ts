// Where a person's conversations are kept: on the server, or, where the member has decided so, in this browser alone
// (browser_shelf.ts). The page does not care which.
import { api, type Conversation, type ConversationWithMessages, type Message } from './api';
import type { components } from '../generated/api';

type Schemas = components['schemas'];
export type Found = Schemas['Found'];
export type Deleted = Schemas['DeletedConversation'];

export interface Asking {
  content?: string;
  model: string;
  /** The message the question comes after; empty: it begins another branch; absent: the end of the branch. */
  after?: string;
  /** The answer to write a second time. */
  again?: string;
  /** The answer to go on with. */
  further?: string;
  summary_of?: string;
}

export interface Shelf {
  readonly in_browser: boolean;
  list(before?: string): Promise<{ conversations: Conversation[]; next: string | null }>;
  read(id: string): Promise<ConversationWithMessages>;
  begin(model: string, title: string, last_of?: string): Promise<Conversation>;
  rename(id: string, title: string): Promise<Conversation>;
  choose_leaf(id: string, leaf: string): Promise<unknown>;
  remove(id: string): Promise<unknown>;
  restore(id: string): Promise<Conversation>;
  deleted(): Promise<Deleted[]>;
  search(words: string, signal: AbortSignal): Promise<{ found: Found[]; complete: boolean }>;
  ask(id: string, asking: Asking): Promise<Schemas['TurnStarted']>;
  rate(id: string, message: string, rating: 'up' | 'down' | null, reason: string | null): Promise<Message>;
  /** What has come of an answer, now and then and at its end (`over`). */
  written(id: string, turn: string, answer: Partial<Message> & { id: string }, over: boolean): Promise<void>;
  remove_all(): Promise<{ conversations: number; deleted_at: string; until: string }>;
  restore_all(deleted_at: string): Promise<unknown>;
}

export const server_shelf: Shelf = {
  in_browser: false,
  list: api.conversations,
  read: api.conversation,
  begin: api.begin,
  rename: (id, title) => api.change(id, { title }),
  choose_leaf: (id, leaf) => api.change(id, { leaf }),
  remove: api.remove,
  restore: api.restore,
  deleted: async () => (await api.deleted()).deleted,
  search: api.search,
  ask: api.ask,
  rate: api.rate,
  written: async () => {},
  remove_all: api.remove_all,
  restore_all: api.restore_all,
};
