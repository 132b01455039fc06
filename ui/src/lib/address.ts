// The address holds the state: / is a new conversation, /c/ID an old one, /sign-in#TOKEN a one-time link.
export type Place = { page: 'chat'; conversation: string | null } | { page: 'sign-in'; token: string | null };

export function place_of(pathname: string, hash: string): Place {
  if (pathname === '/sign-in') return { page: 'sign-in', token: hash.length > 1 ? decode(hash.slice(1)) : null };
  const match = /^\/c\/([^/]{1,200})$/.exec(pathname);
  return { page: 'chat', conversation: match?.[1] ? decode(match[1]) : null };
}

export function address_of(conversation: string | null): string {
  return conversation ? `/c/${encodeURIComponent(conversation)}` : '/';
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
