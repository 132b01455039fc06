// Names that operators move from model to model while the server runs.
import type { components } from '../generated/api';
import { answered, client, of } from './api';

export type Alias = components['schemas']['Alias'];
export type AliasLeftOut = components['schemas']['Aliases']['left_out'][number];

export const aliases_api = {
  /** With those that the last start left out. */
  all: () => answered(client.GET('/api/aliases')),
  /** `seen`: as it was; another version now is a conflict. */
  move: (name: string, model: string, owner: string | null, seen: Alias | null) => answered<Alias>(client.PUT('/api/aliases/{id}', { ...of(name), body: { model, owner, version: seen?.version ?? null } })),
  roll_back: (seen: Alias) => answered<Alias>(client.POST('/api/aliases/{id}/rollback', { ...of(seen.name), body: { owner: seen.owner, version: seen.version } })),
  remove: (name: string) => answered(client.DELETE('/api/aliases/{id}', of(name))),
};
