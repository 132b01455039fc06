// Everything of one person's, as one file. Conversations that the browser keeps are put in here.
import { api, type Session } from './api';
import { BrowserShelf } from './browser_shelf';
import { server_shelf, type Shelf } from './shelf';

/** Hears when all conversations were erased or came back, so that an open chat does not go on showing what it had. */
export const on_all_changed: { heard: (() => void) | null } = { heard: null };

export function kept_in_browser(session: Session): boolean {
  return session.policy.conversations === 'browser';
}

export function shelf_of(session: Session): Shelf {
  return kept_in_browser(session) ? new BrowserShelf(session.user.id) : server_shelf;
}

export async function everything_of(session: Session): Promise<Blob> {
  const held = await api.everything();
  const shelf = shelf_of(session);
  const conversations = shelf instanceof BrowserShelf ? await shelf.everything() : held.conversations;
  return new Blob([JSON.stringify({ ...held, conversations }, null, 2)], { type: 'application/json' });
}

export function save_as(name: string, blob: Blob) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
