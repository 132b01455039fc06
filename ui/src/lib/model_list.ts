// Lists of models, of which there may be a hundred thousand: as much as is looked at, from the server by search and page.

export const models_shown_first = 100;
const page_max = 1_000; // as the server has it
const pages_max = 1_000;

export interface ModelsAsked {
  /** A part of an id, a name or an alias; empty: all. */
  search: string;
  /** How many rows are wanted, from the first on. */
  wanted: number;
}
interface PageQuery {
  limit: number;
  search?: string;
  after?: string;
}
interface Page {
  models: unknown[];
  next: string | null;
}

/** The first page with the rows of those behind it, until there are as many as wanted. A page may be empty and not the last. */
export async function first_models<Found extends Page>(get: (query: PageQuery) => Promise<Found>, { search, wanted }: ModelsAsked): Promise<Found> {
  const query = (have: number, after: string | null): PageQuery => ({ limit: Math.min(page_max, wanted - have), ...(search && { search }), ...(after && { after }) });
  const first = await get(query(0, null));
  const models: Found['models'] = [...first.models];
  let next = first.next;
  for (let pages = 1; next && models.length < wanted && pages < pages_max; pages++) {
    const page = await get(query(models.length, next));
    models.push(...page.models);
    next = page.next;
  }
  return { ...first, models, next };
}

/** Everything that is found, for a file. */
export const all_models = <Found extends Page>(get: (query: PageQuery) => Promise<Found>, search: string) => first_models(get, { search, wanted: page_max * pages_max });

/** Whether it takes more than one look: only then there is a search and a way to see more. */
export const is_large = (total: number, next: string | null, search: string) => search !== '' || next !== null || total > models_shown_first;

/** Each once, as the first list has it. */
export function each_once<Row extends { id: string }>(...lists: readonly (readonly Row[])[]): Row[] {
  const seen = new Set<string>();
  return lists.flat().filter(({ id }) => !seen.has(id) && seen.add(id));
}

/** With this row in the place of the one of its id, or behind the others. */
export function with_row<Row extends { id: string }>(rows: readonly Row[], row: Row): Row[] {
  return rows.some(({ id }) => id === row.id) ? rows.map((each) => (each.id === row.id ? row : each)) : [...rows, row];
}
