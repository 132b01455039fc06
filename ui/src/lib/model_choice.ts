// Choosing some of all models: which rows a form shows. Pure.
import { each_once } from './model_list';

export interface Named {
  id: string;
  name: string;
}

export const boxes_max = 30; // above it they are searched for: each box is a stop on the way to the button below
export const chosen_max = 500; // as the server has it

export const is_searched = (models: readonly unknown[], more: boolean) => more || models.length > boxes_max;

/** Why these cannot be saved; null, all models, always can. */
export function wrong_in_choice(chosen: readonly string[] | null): 'none' | 'too_many' | null {
  if (chosen?.length === 0) return 'none';
  return chosen && chosen.length > chosen_max ? 'too_many' : null;
}

/** What "only these" begins with: all there are, so that those not wanted are taken away; none where that cannot be saved. */
export const begin_with = (models: readonly Named[], more: boolean) => (more || models.length > chosen_max ? [] : models.map(({ id }) => id));

/** The rows: those before, in their order, and those that were chosen since. What is no longer chosen stays, to be chosen again. */
export function rows_of(before: readonly Named[], chosen: readonly string[], known: readonly Named[]): Named[] {
  const name_of = new Map(known.map(({ id, name }) => [id, name]));
  return each_once(before, chosen.map((id) => ({ id, name: name_of.get(id) ?? id })));
}
