// What the server gives a page at a time, fetched to its end.
import { answered } from './api';

export const pages_max = 1_000;
type Fetched = (pages: number) => void;

/** The rows of all pages. `get` is given the `next` of the page before. */
export async function every_page<Row>(get: (after: string) => Promise<{ rows: Row[]; next: string | null }>, fetched: Fetched = () => {}): Promise<Row[]> {
  const all: Row[] = [];
  let after = '';
  for (let pages = 1; pages <= pages_max; pages++) {
    const { rows, next } = await get(after);
    all.push(...rows);
    fetched(pages);
    if (!next) break;
    after = next;
  }
  return all;
}

export interface WholeFile {
  name: string;
  bytes: Blob;
  /** It was too long: the end is left out. */
  cut: boolean;
}

/** A file whose pages say in x-next where the next begins, to be asked for with `by`; the first alone has the heading. */
export async function whole_file(address: string, by: 'after' | 'before', fetched: Fetched = () => {}): Promise<WholeFile> {
  const parts: Blob[] = [];
  let name = 'faelled.csv';
  let next: string | null = null;
  do {
    const page: string = next === null ? address : `${address}&${new URLSearchParams({ [by]: next })}`;
    const response = await answered(fetch(page, { credentials: 'same-origin' }).then(async (response) => ({ data: response, error: response.ok ? undefined : await response.json().catch(() => undefined), response })));
    name = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1] ?? name;
    next = response.headers.get('x-next');
    parts.push(await response.blob()); // as text it would lose its byte order mark
    fetched(parts.length);
  } while (next && parts.length < pages_max);
  return { name, bytes: new Blob(parts, { type: 'text/csv' }), cut: next !== null };
}
