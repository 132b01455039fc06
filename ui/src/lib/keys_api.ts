// Keys: one's own, and for an administrator those of the whole organisation.
import type { components } from '../generated/api';
import { answered, client, of } from './api';
import { day_ms } from './when';

export type Key = components['schemas']['Key'];
export type NewKey = components['schemas']['NewKey'];

export interface KeyWish {
  name: string;
  expires_at?: string;
  models?: string[] | null;
  member?: string;
  system?: boolean;
}

export const keys_api = {
  /** One's own. */
  mine: async () => (await answered(client.GET('/api/keys', { params: { query: { user: 'me', limit: 500 } } }))).keys,
  page: ({ member, q, of: whose, after }: { member: string; q: string; of: string; after: string }, limit = 50) =>
    answered(
      client.GET('/api/keys', {
        params: { query: { member, limit, ...(q && { q }), ...((whose === 'people' || whose === 'systems') && { of: whose }), ...(after && { after }) } },
      }),
    ),
  make: (body: KeyWish) => answered<NewKey>(client.POST('/api/keys', { body })),
  /** The old one goes on for `days`. */
  rotate: (id: string, days: number) =>
    answered<NewKey>(client.POST('/api/keys/{id}/rotate', { ...of(id), body: { old_works_until: new Date(Date.now() + days * day_ms).toISOString() } })),
  revoke: (id: string) => answered(client.DELETE('/api/keys/{id}', of(id))),
};
