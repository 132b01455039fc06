// Which model lies in which memory, and the orders of operators.
import type { components, operations } from '../generated/api';
import { answered, client, of } from './api';
import { all_models, first_models, models_shown_first, type ModelsAsked } from './model_list';

export type Residency = components['schemas']['Residency'];
export type MemoryDevice = components['schemas']['MemoryDevice'];
export type ModelResidency = components['schemas']['ModelResidency'];
export type ResidencyEvent = components['schemas']['ResidencyEvent'];
export type EventPage = components['schemas']['ResidencyEventList'];
export type Act = 'load' | 'unload' | 'sleep' | 'wake' | 'pin' | 'unpin';

const events_on_a_page = 25;

type State = NonNullable<NonNullable<operations['getResidency']['parameters']['query']>['state']>;
const some = (state?: State) => (query: { limit: number; search?: string; after?: string }) =>
  answered<Residency>(client.GET('/api/residency', { params: { query: { ...query, ...(state && { state }) } } }));

/** As much of the catalogue as is looked at, and beside it what is in use, whatever is looked at. */
export interface ResidencyNow extends Residency {
  in_use: ModelResidency[];
}

export interface Failed {
  models: ModelResidency[];
  more: boolean;
}

export const residency_api = {
  async now(asked: ModelsAsked): Promise<ResidencyNow> {
    const found = await first_models(some(), asked);
    const all_there = found.next === null && asked.search === '';
    return { ...found, in_use: all_there ? found.models : (await all_models(some('in_use'), '')).models };
  },
  /** Those that cannot be served, the first of them, and whether there are more. */
  async failed(): Promise<Failed> {
    const { models, next } = await first_models(some('failed'), { search: '', wanted: models_shown_first });
    return { models, more: next !== null };
  },
  /** Whole, for a file. */
  all: async (search: string) => (await all_models(some(), search)).models,
  events: (before: string) =>
    answered(client.GET('/api/residency/events', { params: { query: { limit: events_on_a_page, ...(before && { before }) } } })) as Promise<EventPage>,
  order: (id: string, act: Act) => answered<ModelResidency>(client.POST('/api/models/{id}/residency', { ...of(id), body: { act } })),
  /** Where a browser downloads what happened. */
  csv: (format: 'csv' | 'excel') => `/api/residency/events?${new URLSearchParams({ format, limit: '500' })}`,
};
