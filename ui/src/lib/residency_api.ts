// Which model lies in which memory, and the orders of operators.
import type { components } from '../generated/api';
import { answered, client, of } from './api';

export type Residency = components['schemas']['Residency'];
export type MemoryDevice = components['schemas']['MemoryDevice'];
export type ModelResidency = components['schemas']['ModelResidency'];
export type ResidencyEvent = components['schemas']['ResidencyEvent'];
export type EventPage = components['schemas']['ResidencyEventList'];
export type Act = 'load' | 'unload' | 'sleep' | 'wake' | 'pin' | 'unpin';

const events_on_a_page = 25;

export const residency_api = {
  now: () => answered<Residency>(client.GET('/api/residency')),
  events: (before: string) =>
    answered(client.GET('/api/residency/events', { params: { query: { limit: events_on_a_page, ...(before && { before }) } } })) as Promise<EventPage>,
  order: (id: string, act: Act) => answered<ModelResidency>(client.POST('/api/models/{id}/residency', { ...of(id), body: { act } })),
  /** Where a browser downloads what happened. */
  csv: (format: 'csv' | 'excel') => `/api/residency/events?${new URLSearchParams({ format, limit: '500' })}`,
};
