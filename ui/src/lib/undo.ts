// What was done at once, and the way back. The reader may have left the page when they take it: so what goes wrong is
// told where the offer stood, with another try.
import { as_problem } from './api';
import { t } from './preferences.svelte';
import { toasts } from './toasts.svelte';
import { why_words } from './trouble_words';

/** `take_back` knows by itself what it undoes: props of a page that is gone, or shows something else, do not. */
export function show_with_undo(done: string, take_back: () => Promise<unknown>, focus = false) {
  async function run() {
    try {
      await take_back();
    } catch (cause) {
      toasts.show(t('undo_failed', { done, why: why_words(as_problem(cause)) }), { label: t('try_again'), run: () => void run(), focus: false });
    }
  }
  toasts.show(done, { label: t('undo'), run: () => void run(), focus });
}
