// What the signed-in reader has before them: models, conversations, and the one that is open.
import { address_of } from './address';
import { api, as_problem, Problem, type Conversation, type Model, type Session } from './api';
import { browser_shelf, Drafts } from './drafts';
import { here } from './here.svelte';
import { each_once, models_shown_first, with_row } from './model_list';
import { t } from './preferences.svelte';
import { shelf_of } from './own_data';
import type { Deleted, Shelf } from './shelf';
import { Thread, type World } from './thread.svelte';
import { toasts } from './toasts.svelte';
import type { Waiting } from './turn';
import type { Key } from './words';

const models_again_ms = 4_000;
const followed_max = 4; // each holds a line open, of which a browser has six where there is no HTTP/2
const waiting_said_every_ms = 15_000; // a place in line is news now and then, not each time

export class Chat implements World {
  models = $state<Model[]>([]);
  more_models = $state(false); // than are listed
  /** Models that were asked for by their id and are not there, or not for the reader. */
  private missing = $state<string[]>([]);
  models_problem = $state<Problem | null>(null);
  models_loaded = $state(false);
  chosen_model = $state<string | null>(null);
  conversations = $state<Conversation[]>([]);
  list_problem = $state<Problem | null>(null);
  list_loaded = $state(false);
  next = $state<string | null>(null);
  thread: Thread = $state(new Thread(this, null));
  announcement = $state('');

  deleted = $state<Deleted[]>([]);

  readonly drafts: Drafts;
  readonly shelf: Shelf;
  private readonly threads = new Map<string, Thread>();
  private listed = new Set<string>(); // the models of the last list
  private models_asked = 0;
  private models_timer: ReturnType<typeof setTimeout> | null = null;
  private over = false;
  private waiting_said_at_ms = 0;

  constructor(readonly session: Session) {
    this.drafts = new Drafts(browser_shelf(), session.user.id);
    this.shelf = shelf_of(session);
  }

  /** The model that was chosen, or that the conversation is with; null: any. */
  wanted = $derived.by(() => this.chosen_model ?? this.thread.model);

  /** A large catalogue is listed in part: whether the wanted model is there is not known yet. */
  seeking = $derived.by(() => {
    if (!this.more_models) return false;
    const { wanted } = this;
    return wanted === null ? this.thread.loading : !this.missing.includes(wanted) && !this.models.some((each) => each.id === wanted);
  });

  /** The model the next question goes to: none while it could be another one than the wanted. */
  model = $derived.by(() => {
    if (this.seeking) return null;
    return this.models.find((each) => each.id === this.wanted) ?? this.models.find((each) => each.state === 'ready') ?? this.models[0] ?? null;
  });

  model_name(id: string | null): string {
    return this.models.find((each) => each.id === id)?.name ?? id ?? t('model');
  }

  async load_models() {
    const mine = ++this.models_asked;
    if (this.models_timer) clearTimeout(this.models_timer);
    let problem: Problem | null = null;
    try {
      const found = await api.some_models({ search: '', wanted: models_shown_first }, { serves: 'chat' });
      if (mine !== this.models_asked) return; // a later look tells more
      this.listed = new Set(found.models.map((each) => each.id));
      // Of a large catalogue those that were found stay, as they stood.
      this.models = each_once(found.models, found.next ? this.models : []);
      this.more_models = found.next !== null;
      await Promise.all([...new Set([this.wanted, this.thread.model])].map((id) => this.know(id)));
    } catch (cause) {
      problem = as_problem(cause);
    }
    if (mine !== this.models_asked) return;
    this.models_problem = problem;
    this.models_loaded = true;
    const looked_at = this.models.filter((each) => this.listed.has(each.id) || each.id === this.wanted);
    if (problem || looked_at.some((each) => ['starting', 'waking', 'draining', 'fetching'].includes(each.state))) this.load_models_soon();
  }

  private load_models_soon() {
    if (this.models_timer) clearTimeout(this.models_timer);
    if (!this.over) this.models_timer = setTimeout(() => void this.load_models(), models_again_ms);
  }

  /** Of a large catalogue only a part is listed: this one is from now on, as it stands, should it be there. */
  private async know(id: string | null) {
    if (!id || !this.more_models || this.listed.has(id)) return;
    const found = await api.model(id);
    const others = this.missing.filter((each) => each !== id);
    this.models = found ? with_row(this.models, found) : this.models.filter((each) => each.id !== id);
    this.missing = found ? others : [...others, id];
  }

  /** One that was searched for: the next question goes to it. */
  choose(model: Model) {
    this.models = with_row(this.models, model);
    this.chosen_model = model.id;
  }

  async load_list(more = false) {
    try {
      const page = await this.shelf.list(more ? (this.next ?? undefined) : undefined);
      const had = more ? this.conversations : [];
      this.conversations = [...had, ...page.conversations.filter((each) => !had.some((old) => old.id === each.id))];
      this.next = page.next;
      this.list_problem = null;
      this.follow_running(page.conversations);
      if (!more) this.deleted = await this.shelf.deleted();
    } catch (cause) {
      this.list_problem = as_problem(cause);
    }
    this.list_loaded = true;
  }

  /** What is being answered, also while another one is read: the server breaks off what nobody watches. */
  private follow_running(conversations: readonly Conversation[]) {
    const running = conversations.filter((each) => each.running).slice(0, followed_max);
    for (const { id } of running) void this.thread_of(id).load();
  }

  private thread_of(id: string): Thread {
    const thread = this.threads.get(id) ?? new Thread(this, id);
    this.threads.set(id, thread);
    return thread;
  }

  /** Shows a conversation, or with null a new one. The address is the caller's to set. */
  show(id: string | null) {
    this.chosen_model = null;
    if (!id) {
      this.thread = new Thread(this, null);
      return;
    }
    const thread = this.thread_of(id);
    this.thread = thread;
    void thread
      .load()
      .then(() => this.know(thread.model))
      .catch((cause) => {
        this.models_problem = as_problem(cause);
        this.load_models_soon();
      });
  }

  go(id: string | null) {
    this.say_where(id);
    this.show(id);
  }

  /** The reader may have gone to another page meanwhile, whose address is not the chat's to change. */
  private say_where(id: string | null) {
    if (here.place.page === 'chat') history.pushState(null, '', address_of(id));
  }

  async rename(id: string, title: string) {
    const found = this.conversations.find((each) => each.id === id);
    if (!found || title === '' || title === found.title) return;
    const before = found.title;
    this.retitle(id, title);
    try {
      this.retitle(id, (await this.shelf.rename(id, title)).title);
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

  /** Gone at once; it can come back for ten minutes, also after a refresh. */
  async remove(id: string, by_keyboard: boolean) {
    const found = this.conversations.find((each) => each.id === id);
    if (!found) return;
    const was_open = this.thread.id === id;
    this.conversations = this.conversations.filter((each) => each.id !== id);
    if (was_open) this.go(null);
    try {
      await this.shelf.remove(id);
    } catch (cause) {
      if (as_problem(cause).status === 404) return;
      this.put_back(found);
      toasts.show(t('delete_failed', { title: found.title }));
      return;
    }
    this.threads.get(id)?.leave();
    this.threads.delete(id);
    this.deleted = await this.shelf.deleted().catch(() => this.deleted);
    toasts.show(t('deleted', { title: found.title }), { label: t('undo'), run: () => void this.restore(id, was_open), focus: by_keyboard });
  }

  async restore(id: string, open: boolean) {
    const title = this.deleted.find((each) => each.id === id)?.title ?? '';
    try {
      this.put_back(await this.shelf.restore(id));
      this.deleted = this.deleted.filter((each) => each.id !== id);
      if (open) this.go(id);
    } catch {
      toasts.show(t('restore_failed', { title }));
    }
  }

  /** A new conversation from this one, which stays: with a summary, or with its last messages. */
  async carry_on(how: 'summary' | 'last') {
    const from = this.thread;
    const model = this.model;
    if (!from.id || !model) return;
    try {
      const made = await this.shelf.begin(model.id, title_of_next(from.title), how === 'last' ? from.id : undefined);
      this.drafts.keep(made.id, this.drafts.read(from.id));
      this.drafts.keep(from.id, '');
      this.put_back(made);
      this.go(made.id);
      this.thread.title = made.title; // while a summary is written, nothing is loaded
      if (how === 'summary') await this.thread.ask(t('sum_up_question', { title: from.title }), model.id, { after: '', summary_of: from.id });
    } catch {
      toasts.show(t('carry_on_failed'));
    }
  }

  private put_back(conversation: Conversation) {
    if (this.conversations.some((each) => each.id === conversation.id)) return;
    this.conversations = [...this.conversations, conversation].sort((a, b) => b.updated_at.localeCompare(a.updated_at));
  }

  /** All conversations were erased, or are back: nothing of what was known holds. */
  start_over() {
    for (const thread of this.threads.values()) thread.leave();
    this.threads.clear();
    this.conversations = [];
    this.next = null;
    this.show(null);
    void this.load_list();
  }

  async sign_out() {
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
    const shown = this.thread === thread;
    if (shown) this.say_where(conversation.id);
    // What was typed meanwhile moves along; the sent question is kept until the server has it.
    const draft = this.drafts.read(null);
    if (!shown && draft.trim() !== thread.asked()) return; // it is of another new conversation
    this.drafts.keep(conversation.id, draft);
    this.drafts.keep(null, '');
  }

  accepted(thread: Thread) {
    if (this.drafts.read(thread.id).trim() === thread.asked()) this.drafts.keep(thread.id, '');
  }

  running(thread: Thread, running: boolean) {
    const found = this.conversations.find((each) => each.id === thread.id);
    const news = found?.running !== running;
    if (found) {
      found.running = running;
      if (running) {
        found.updated_at = new Date().toISOString();
        this.conversations = [found, ...this.conversations.filter((each) => each !== found)];
      }
    }
    if (!running && news) void this.load_models();
  }

  say_waiting(thread: Thread, waiting: Waiting) {
    if (thread !== this.thread || Date.now() - this.waiting_said_at_ms < waiting_said_every_ms) return;
    this.waiting_said_at_ms = Date.now();
    if (waiting.reason === 'starting') this.announcement = t('waiting_starting_soon');
    else this.announcement = waiting.position ? t('waiting_queue', { position: waiting.position }) : t('waiting_line');
  }

  say(what: Key) {
    if (what === 'said_question') this.waiting_said_at_ms = 0;
    const words = t(what);
    // The same words twice are announced twice only if the text differs.
    this.announcement = this.announcement === words ? `${words}\u00a0` : words;
  }
}

/** »Om cykelstier« becomes »Om cykelstier (2)«, and that »(3)«. */
export function title_of_next(title: string): string {
  const match = /^(.*) \((\d+)\)$/.exec(title);
  const cut = (text: string) => Array.from(text).slice(0, 60).join(''); // within the server’s 200 bytes
  return match?.[1] ? `${cut(match[1])} (${Number(match[2]) + 1})` : `${cut(title)} (2)`;
}
