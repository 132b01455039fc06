// What the signed-in reader has before them: models, conversations, and the one that is open.
import { address_of } from './address';
import { api, as_problem, Problem, type Conversation, type Model, type Session } from './api';
import { browser_shelf, Drafts } from './drafts';
import { t } from './preferences.svelte';
import { Thread, type World } from './thread.svelte';
import { toasts } from './toasts.svelte';
import type { Key } from './words';

const models_again_ms = 4_000;

export class Chat implements World {
  models = $state<Model[]>([]);
  models_problem = $state<Problem | null>(null);
  models_loaded = $state(false);
  chosen_model = $state<string | null>(null);
  conversations = $state<Conversation[]>([]);
  list_problem = $state<Problem | null>(null);
  list_loaded = $state(false);
  next = $state<string | null>(null);
  thread: Thread = $state(new Thread(this, null));
  announcement = $state('');

  readonly drafts: Drafts;
  private readonly threads = new Map<string, Thread>();
  private readonly leaving = new Map<string, Conversation>(); // deleted on the page, not yet on the server
  private models_timer: ReturnType<typeof setTimeout> | null = null;
  private over = false;

  constructor(readonly session: Session) {
    this.drafts = new Drafts(browser_shelf(), session.user.id);
  }

  /** The model the next question goes to. */
  model = $derived.by(() => {
    const wanted = this.chosen_model ?? this.thread.model;
    return this.models.find((each) => each.id === wanted) ?? this.models.find((each) => each.state === 'ready') ?? this.models[0] ?? null;
  });

  model_name(id: string | null): string {
    return this.models.find((each) => each.id === id)?.name ?? id ?? t('model');
  }

  async load_models() {
    if (this.models_timer) clearTimeout(this.models_timer);
    try {
      this.models = await api.models();
      this.models_problem = null;
    } catch (cause) {
      this.models_problem = as_problem(cause);
    }
    this.models_loaded = true;
    const changing = this.models_problem !== null || this.models.some((each) => each.state === 'starting' || each.state === 'draining');
    if (changing && !this.over) this.models_timer = setTimeout(() => void this.load_models(), models_again_ms);
  }

  async load_list(more = false) {
    try {
      const page = await api.conversations(more ? (this.next ?? undefined) : undefined);
      const fresh = page.conversations.filter((each) => !this.leaving.has(each.id));
      const had = more ? this.conversations : [];
      this.conversations = [...had, ...fresh.filter((each) => !had.some((old) => old.id === each.id))];
      this.next = page.next;
      this.list_problem = null;
    } catch (cause) {
      this.list_problem = as_problem(cause);
    }
    this.list_loaded = true;
  }

  /** Shows a conversation, or with null a new one. The address is the caller's to set. */
  show(id: string | null) {
    this.chosen_model = null;
    if (!id) {
      this.thread = new Thread(this, null);
      return;
    }
    const known = this.threads.get(id);
    const thread = known ?? new Thread(this, id);
    this.threads.set(id, thread);
    this.thread = thread;
    void thread.load();
  }

  go(id: string | null) {
    history.pushState(null, '', address_of(id));
    this.show(id);
  }

  async rename(id: string, title: string) {
    const found = this.conversations.find((each) => each.id === id);
    if (!found || title === '' || title === found.title) return;
    const before = found.title;
    this.retitle(id, title);
    try {
      this.retitle(id, (await api.rename(id, title)).title);
    } catch {
      this.retitle(id, before);
      toasts.show(t('rename_failed'));
    }
  }

  private retitle(id: string, title: string) {
    const found = this.conversations.find((each) => each.id === id);
    if (found) found.title = title;
    const thread = this.threads.get(id);
    if (thread) thread.title = title;
  }

  /** Gone from the page at once, from the server when the way back has closed. */
  remove(id: string, by_keyboard: boolean) {
    const at = this.conversations.findIndex((each) => each.id === id);
    const found = this.conversations[at];
    if (!found) return;
    const was_open = this.thread.id === id;
    this.leaving.set(id, found);
    this.conversations = this.conversations.filter((each) => each.id !== id);
    if (was_open) this.go(null);
    const undo = () => {
      this.leaving.delete(id);
      this.put_back(found);
      if (was_open) this.go(id);
    };
    toasts.show(t('deleted', { title: found.title }), { label: t('undo'), run: undo, focus: by_keyboard }, () =>
      void this.remove_now(found),
    );
  }

  private async remove_now(conversation: Conversation, keepalive = false) {
    if (!this.leaving.has(conversation.id)) return;
    try {
      await api.remove(conversation.id, keepalive);
      this.threads.get(conversation.id)?.leave();
      this.threads.delete(conversation.id);
      this.drafts.keep(conversation.id, '');
    } catch (cause) {
      if (as_problem(cause).status !== 404) {
        this.put_back(conversation);
        toasts.show(t('delete_failed', { title: conversation.title }));
      }
    }
    this.leaving.delete(conversation.id);
  }

  private put_back(conversation: Conversation) {
    if (this.conversations.some((each) => each.id === conversation.id)) return;
    this.conversations = [...this.conversations, conversation].sort((a, b) => b.updated_at.localeCompare(a.updated_at));
  }

  /** The page is being left: what was deleted is deleted. */
  flush() {
    for (const conversation of this.leaving.values()) void this.remove_now(conversation, true);
  }

  async sign_out() {
    this.flush();
    try {
      await api.sign_out();
    } catch (cause) {
      if (as_problem(cause).status !== 401) {
        toasts.show(t('sign_out_failed'));
        return false;
      }
    }
    Drafts.forget_all(browser_shelf());
    return true;
  }

  close() {
    this.over = true;
    if (this.models_timer) clearTimeout(this.models_timer);
    for (const thread of this.threads.values()) thread.leave();
  }

  // What a thread tells.
  begun(thread: Thread, conversation: Conversation) {
    this.threads.set(conversation.id, thread);
    this.put_back(conversation);
    if (this.thread === thread) {
      history.pushState(null, '', address_of(conversation.id));
      // What was typed meanwhile moves along; the sent question is kept until the server has it.
      this.drafts.keep(conversation.id, this.drafts.read(null));
      this.drafts.keep(null, '');
    }
  }

  accepted(thread: Thread) {
    const question = thread.entries.findLast((each) => each.role === 'user')?.content;
    if (this.drafts.read(thread.id).trim() === question?.trim()) this.drafts.keep(thread.id, '');
  }

  running(thread: Thread, running: boolean) {
    const found = this.conversations.find((each) => each.id === thread.id);
    if (found) {
      found.running = running;
      if (running) {
        found.updated_at = new Date().toISOString();
        this.conversations = [found, ...this.conversations.filter((each) => each !== found)];
      }
    }
    if (!running) void this.load_models();
  }

  say(what: Key) {
    const words = t(what);
    // The same words twice are announced twice only if the text differs.
    this.announcement = this.announcement === words ? `${words}\u00a0` : words;
  }
}
