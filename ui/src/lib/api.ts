// The one way to the server: a client typed from the API's own description, and one kind of failure.
import createClient from 'openapi-fetch';
import type { components, paths } from '../generated/api';
import { first_models, type ModelsAsked } from './model_list';

const models_listed = 1_000;

export type Session = components['schemas']['Session'];
export type Model = components['schemas']['Model'];
export type Conversation = components['schemas']['Conversation'];
export type Message = components['schemas']['Message'];
export type MessageError = components['schemas']['MessageError'];
export type ConversationWithMessages = components['schemas']['ConversationWithMessages'];
type Asking = NonNullable<paths['/api/conversations/{id}/turns']['post']['requestBody']>['content']['application/json'];
/** Which of all models: those that serve this; for an administrator those too that the own policy leaves out. */
export type ModelsOfKind = Pick<NonNullable<paths['/api/models']['get']['parameters']['query']>, 'serves' | 'beyond_policy'>;
/** As many as a list has room for, and whether there are more. */
export interface ModelsListed {
  models: Model[];
  more: boolean;
}
type LooseAsking = paths['/api/turns']['post']['requestBody']['content']['application/json'];
type ErrorBody = components['schemas']['ErrorBody'];

export const client = createClient<paths>({
  baseUrl: '',
  credentials: 'same-origin',
  headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
});

/** Why a call failed. `status` is 0 when the server could not be reached. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string | null,
    readonly request_id: string | null,
    readonly da: string | null,
    readonly en: string | null,
    /** The field it is about, as the API calls it. */
    readonly param: string | null = null,
  ) {
    super(en ?? `status ${status}`);
  }

  static offline() {
    return new Problem(0, null, null, null, null);
  }
}

export function as_problem(cause: unknown): Problem {
  return cause instanceof Problem ? cause : Problem.offline();
}

function refusal(response: Response, body: unknown): Problem {
  const error = (body as { error?: Partial<ErrorBody> } | undefined)?.error;
  return new Problem(
    response.status,
    error?.code ?? null,
    response.headers.get('x-request-id'),
    error?.message_da ?? null,
    error?.message ?? null,
    error?.param ?? null,
  );
}

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** Hears of every 401, so that an expired session leads to the sign-in page from anywhere. */
export const on_signed_out: { heard: (() => void) | null } = { heard: null };

export async function answered<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw Problem.offline();
  }
  if (answer.response.ok) return answer.data as T;
  if (answer.response.status === 401) on_signed_out.heard?.();
  throw refusal(answer.response, answer.error);
}

export const of = (id: string) => ({ params: { path: { id } } });

export const api = {
  sign_in: (token: string) => answered<Session>(client.POST('/api/session', { body: { token } })),
  session: () => answered<Session>(client.GET('/api/session')),
  sign_out: () => answered(client.DELETE('/api/session')),
  /** As many as are wanted; of a larger catalogue there is a `next`. */
  some_models: (asked: ModelsAsked, of_kind: ModelsOfKind = {}) =>
    first_models((query) => answered(client.GET('/api/models', { params: { query: { ...query, ...of_kind } } })) as Promise<{ models: Model[]; next: string | null }>, asked),
  /** One that can be talked with, by its id: a large catalogue has more than is listed. null: it is not there, or not for the reader. */
  model: async (id: string): Promise<Model | null> => (await answered(client.GET('/api/models', { params: { query: { id: [id], serves: 'chat' } } }))).models[0] ?? null,
  /** Those of these ids, of which there may be a hundred, that are there and for the reader. */
  models: async (ids: string[]): Promise<Model[]> => (await answered(client.GET('/api/models', { params: { query: { id: ids } } }))).models,
  /** All, but of a large catalogue the first thousand; those too that cannot be talked with. */
  async all_models(of_kind: ModelsOfKind = {}): Promise<ModelsListed> {
    const { models, next } = await api.some_models({ search: '', wanted: models_listed }, of_kind);
    return { models, more: next !== null };
  },
  conversations: (before?: string) =>
    answered(client.GET('/api/conversations', { params: { query: { limit: 50, before } } })),
  conversation: (id: string) =>
    answered<ConversationWithMessages>(client.GET('/api/conversations/{id}', of(id))),
  begin: (model: string, title: string, last_of?: string) =>
    answered<Conversation>(client.POST('/api/conversations', { body: { model, title, last_of } })),
  change: (id: string, body: { title?: string; leaf?: string }) =>
    answered<Conversation>(client.PATCH('/api/conversations/{id}', { ...of(id), body })),
  remove: (id: string) => answered(client.DELETE('/api/conversations/{id}', of(id))),
  restore: (id: string) => answered<Conversation>(client.POST('/api/conversations/{id}/restore', of(id))),
  deleted: () => answered(client.GET('/api/deleted')),
  remove_all: () => answered(client.DELETE('/api/conversations')),
  restore_all: (deleted_at: string) => answered(client.POST('/api/deleted/restore', { body: { deleted_at } })),
  search: (words: string, signal: AbortSignal) => answered(client.POST('/api/search', { body: { words }, signal })),
  ask: (id: string, body: Asking) => answered(client.POST('/api/conversations/{id}/turns', { ...of(id), body })),
  /** The browser keeps the conversation: the whole branch goes with the question. */
  ask_loose: (body: LooseAsking) => answered(client.POST('/api/turns', { body })),
  rate: (id: string, message: string, rating: 'up' | 'down' | null, reason: string | null) =>
    answered<Message>(client.POST('/api/conversations/{id}/ratings', { ...of(id), body: { message, rating, reason } })),
  everything: () => answered(client.GET('/api/export')),
  stop: (turn: string) => answered(client.DELETE('/api/turns/{id}', of(turn))),
  /** The answer's events from `after` on, in UTF-8 bytes of answer text already had. */
  events: (turn: string, after: number, signal: AbortSignal) =>
    answered<ReadableStream<Uint8Array> | null>(
      client.GET('/api/turns/{id}/events', {
        params: { path: { id: turn }, query: { after } },
        headers: { Accept: 'text/event-stream' },
        parseAs: 'stream',
        cache: 'no-store',
        signal,
      }) as Promise<Answer<ReadableStream<Uint8Array> | null>>,
    ),
};
