// The address holds the state: / is a new conversation, /c/ID an old one, /sign-in#TOKEN a one-time link, /keys and the
// like a page, what follows it a part of it (/people/audit), and the query its filters and place.
export const page_names = ['keys', 'usage', 'share', 'people', 'agreements', 'fairness', 'drift', 'models', 'maintenance', 'privacy', 'help', 'status'] as const;
export type PageName = (typeof page_names)[number];

export type Place =
  | { page: 'chat'; conversation: string | null }
  | { page: 'sign-in'; token: string | null }
  | { page: PageName; part: string | null };

export function place_of(pathname: string, hash: string): Place {
  if (pathname === '/sign-in') return { page: 'sign-in', token: hash.length > 1 ? decode(hash.slice(1)) : null };
  const [, first, part, ...more] = pathname.split('/');
  const page = page_names.find((each) => each === first);
  if (page && more.length === 0) return { page, part: part ? decode(part) : null };
  const match = /^\/c\/([^/]{1,200})$/.exec(pathname);
  return { page: 'chat', conversation: match?.[1] ? decode(match[1]) : null };
}

export function address_of(conversation: string | null): string {
  return conversation ? `/c/${encodeURIComponent(conversation)}` : '/';
}

/** The query with some values changed; null or empty takes one out. Begins with ? unless nothing is left. */
export function query_with(search: string, values: Record<string, string | null>): string {
  const query = new URLSearchParams(search);
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === '') query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  return text ? `?${text}` : '';
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
