// What a key is good for at a moment.
import { day_ms } from './when';

export interface KeyTimes {
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
  /** The key that took its place, while this one may still work. */
  replaced_by?: string | null;
}

export type KeyState = 'works' | 'soon' | 'replaced' | 'expired' | 'revoked';
export const soon_days = 14;

export function key_state(key: KeyTimes, now: Date): KeyState {
  if (key.revoked_at && new Date(key.revoked_at) <= now) return 'revoked';
  const left_ms = key.expires_at ? new Date(key.expires_at).getTime() - now.getTime() : Infinity;
  if (left_ms <= 0) return 'expired';
  if (key.replaced_by) return 'replaced';
  return left_ms <= soon_days * day_ms ? 'soon' : 'works';
}

export function is_over(state: KeyState): boolean {
  return state === 'expired' || state === 'revoked';
}

interface Listed {
  id: string;
  name: string;
  serves: 'chat' | 'embeddings' | 'rerank';
}

/** What examples ask with such a key (null: all models): models that can be talked with, those that are not listed by their id; else whatever it is for. */
export function models_to_try(allowed: readonly string[] | null, listed: readonly Listed[]): { id: string; name: string }[] {
  const chats = listed.filter((each) => each.serves === 'chat' && (!allowed || allowed.includes(each.id)));
  const named = (id: string) => ({ id, name: listed.find((each) => each.id === id)?.name ?? id });
  const unlisted = (allowed ?? []).filter((id) => !listed.some((each) => each.id === id)).map(named);
  return chats.length + unlisted.length > 0 ? [...chats, ...unlisted] : (allowed ?? []).map(named);
}
