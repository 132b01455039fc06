// One message as it is shown. Pure.
import type { Message, MessageError, Problem } from './api';
import type { Waiting } from './turn';

export interface Trouble {
  status: number;
  code: string | null;
  da: string | null;
  en: string | null;
  request_id: string | null;
  /** The question never reached the server. */
  unsent: boolean;
  /** An answer that was to go on, and is as it was. */
  further?: boolean;
}

export interface Entry {
  /** Stays the same when the server has given the message its id, so that nothing on the page is drawn anew. */
  key: string;
  id: string;
  parent: string | null;
  role: 'user' | 'assistant';
  content: string;
  created_at: string;
  model: string | null;
  state: 'sending' | 'running' | 'done' | 'stopped' | 'failed';
  limit: Message['limit'];
  usage: Message['usage'];
  rating: 'up' | 'down' | null;
  waiting: Waiting | null;
  waiting_since_ms: number;
  line_lost: boolean;
  trouble: Trouble | null;
  /** Of a question: the conversation that its answer sums up. Known until the page is loaded anew. */
  summary_of?: string | undefined;
}

export function trouble_of(problem: Problem, unsent: boolean): Trouble {
  return { status: problem.status, code: problem.code, da: problem.da, en: problem.en, request_id: problem.request_id, unsent };
}

export function trouble_in_answer(error: MessageError | null, request_id: string | null): Trouble {
  return { status: 200, code: null, da: error?.message_da ?? null, en: error?.message ?? null, request_id, unsent: false };
}

export function entry_of(message: Message): Entry {
  return {
    key: message.id,
    id: message.id,
    parent: message.parent,
    role: message.role,
    content: message.content,
    created_at: message.created_at,
    model: message.model,
    state: message.state,
    limit: message.limit,
    usage: message.usage,
    rating: message.rating,
    waiting: null,
    waiting_since_ms: 0,
    line_lost: false,
    trouble: message.state === 'failed' ? trouble_in_answer(message.error, message.request_id) : null,
  };
}

let next_key = 1;

/** One that the server does not know yet. */
export function new_entry(role: 'user' | 'assistant', content: string, parent: string | null, model: string | null): Entry {
  const key = `local-${next_key++}`;
  return {
    key,
    id: key,
    parent,
    role,
    content,
    created_at: new Date().toISOString(),
    model,
    state: role === 'user' ? 'done' : 'sending',
    limit: null,
    usage: null,
    rating: null,
    waiting: null,
    waiting_since_ms: 0,
    line_lost: false,
    trouble: null,
  };
}
