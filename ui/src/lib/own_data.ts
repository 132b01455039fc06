// Everything of one person's, as one file. Conversations that the browser keeps are put in here.
import { api, type Session } from './api';
import { BrowserShelf } from './browser_shelf';
import { server_shelf, type Shelf } from './shelf';

/** Hears when all conversations were erased or came back, so that an open chat does not go on showing what it had. */
export const on_all_changed: { heard: (() => void) | null } = { heard: null };

/** Hears when a member's rules were changed here. */
export const on_rules_changed: { heard: (() => void) | null } = { heard: null };

export function kept_in_browser(session: Session): boolean {
  return session.policy.conversations === 'browser';
}

export function shelf_of(session: Session): Shelf {
  return kept_in_browser(session) ? new BrowserShelf(session.user.id) : server_shelf;
}

/** Null: a browser that keeps nothing, where nothing is expected of it. */
async function where_kept<T>(session: Session, what: () => Promise<T>): Promise<T | null> {
  try {
    return await what();
  } catch (cause) {
    if (kept_in_browser(session)) throw cause;
    return null;
  }
}

/** From both places: what was written before the member chose the other one is still where it was. */
export async function everything_of(session: Session): Promise<Blob> {
  const held = await api.everything();
  const shelf = new BrowserShelf(session.user.id);
  const conversations = [...held.conversations, ...((await where_kept(session, () => shelf.everything())) ?? [])];
  return new Blob([JSON.stringify({ ...held, conversations }, null, 2)], { type: 'application/json' });
}

export interface Erased {
  conversations: number;
  /** Until then it can come back. */
  until: string;
  undo: () => Promise<void>;
}

/** All of one person's conversations, in both places. */
export async function erase_all_of(session: Session): Promise<Erased> {
  const shelf = new BrowserShelf(session.user.id);
  const there = await server_shelf.remove_all();
  const undo_there = () => server_shelf.restore_all(there.deleted_at);
  const in_browser = await where_kept(session, () => shelf.remove_all()).catch(async (cause) => {
    await undo_there();
    throw cause;
  });
  return {
    conversations: there.conversations + (in_browser?.conversations ?? 0),
    until: there.until,
    undo: async () => {
      if (in_browser) await shelf.restore_all(in_browser.deleted_at);
      await undo_there();
    },
  };
}

export function save_as(name: string, blob: Blob) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
