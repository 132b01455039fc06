// Why something did not work, as its reader is told.
import { preferences, t } from './preferences.svelte';

export interface Told {
  status: number;
  da: string | null;
  en: string | null;
}

/** `conflict`: what a conflict (409) means there; else the server's words, which fit every conflict. */
export function why_words({ status, da, en }: Told, conflict?: string): string {
  if (status === 0) return t('offline');
  if (status === 409 && conflict) return conflict;
  const told = preferences.language === 'da' ? (da ?? en) : (en ?? da);
  return told ?? t(status === 429 ? 'busy' : 'server_error');
}
