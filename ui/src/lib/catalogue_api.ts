// The catalogue as operators change it while the server runs.
import type { components } from '../generated/api';
import { answered, client, of } from './api';
import { first_models, type ModelsAsked } from './model_list';

export type Definition = components['schemas']['ModelDefinition'];
export type Entry = components['schemas']['CatalogueEntry'];
export type ModelLeftOut = components['schemas']['ModelLeftOut'];
export type Fit = components['schemas']['ModelFit'];
export type Offer = components['schemas']['FileOffer'];
export type Download = components['schemas']['ModelDownload'];
type List = components['schemas']['CatalogueList'];
type Answer = components['schemas']['CatalogueAnswer'];

export const catalogue_api = {
  /** With the first of those that the last start left out. */
  some: (asked: ModelsAsked) => first_models((query) => answered<List>(client.GET('/api/catalogue', { params: { query } })), asked),
  /** Adds it, or says only whether it would fit. */
  add: (definition: Definition, dry_run = false) => answered(client.POST('/api/catalogue', { body: { definition, dry_run } })) as Promise<Answer>,
  /** `version`: the one that was seen; another one now is a conflict. */
  change: (definition: Definition, version: number, dry_run = false) =>
    answered<Answer>(client.PUT('/api/catalogue/{id}', { ...of(definition.id), body: { definition, version, dry_run } })),
  /** Fetches its file now, whatever failed before. */
  fetch: (id: string) => answered<Download>(client.POST('/api/catalogue/{id}/fetch', of(id))),
  remove: (id: string) => answered(client.DELETE('/api/catalogue/{id}', of(id))),
};
