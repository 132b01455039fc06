// What is known of an answer while it is written. Pure: events in, a new state out, so that a refresh, a lost line
// or a repeated event can never double or drop a letter.
import type { components } from '../generated/api';

type Schemas = components['schemas'];
/** `at_most_s`: the whole wait, from the question on; absent where the server does not say so. */
export type Waiting = Omit<Schemas['Waiting'], 'at_most_s'> & { at_most_s?: number | null };
export type End = Schemas['End'];

export type TurnEvent =
  | { type: 'waiting'; data: Waiting }
  | { type: 'delta'; id: number; data: Schemas['Delta'] }
  | { type: 'end'; data: End };

export interface Turn {
  text: string;
  /** UTF-8 bytes of `text`: where the server is asked to go on from. */
  bytes: number;
  waiting: Waiting | null;
  end: End | null;
  /** True when an event was missed; connect again from `bytes`. */
  gap: boolean;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const byte_length = (text: string) => encoder.encode(text).length;

export function turn_from(text: string): Turn {
  return { text, bytes: byte_length(text), waiting: null, end: null, gap: false };
}

/** An event's id says how many bytes have been sent up to and with it. */
export function after_event(turn: Turn, event: TurnEvent): Turn {
  if (turn.end || turn.gap) return turn;
  if (event.type === 'waiting') return { ...turn, waiting: event.data };
  if (event.type === 'end') return { ...turn, waiting: null, end: event.data };

  const sent = encoder.encode(event.data.text);
  const starts_at = event.id - sent.length;
  if (starts_at > turn.bytes) return { ...turn, gap: true };
  if (event.id <= turn.bytes) return turn;
  const fresh = sent.subarray(turn.bytes - starts_at);
  return { ...turn, waiting: null, text: turn.text + decoder.decode(fresh), bytes: event.id };
}

/** Null for an event this page does not know: a newer server may send more. */
export function read_event(name: string | undefined, id: string | undefined, data: string): TurnEvent | null {
  if (name !== 'waiting' && name !== 'delta' && name !== 'end') return null;
  const parsed = JSON.parse(data);
  if (name !== 'delta') return { type: name, data: parsed };
  return { type: 'delta', id: Number(id), data: parsed };
}
