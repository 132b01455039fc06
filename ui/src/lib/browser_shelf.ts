// Conversations in this browser alone (IndexedDB): the server sees a question while it answers it and keeps no word.
// One record per conversation. A deleted one can come back for ten minutes, as on the server.
import { api, as_problem, Problem, type Conversation, type ConversationWithMessages, type Message } from './api';
import type { Asking, Deleted, Found, Shelf } from './shelf';
import { branch_to } from './tree';
import { excerpt_with, words_of_query } from './word_search';

interface Kept {
  id: string;
  user: string;
  conversation: Conversation;
  messages: Message[];
  turn: { id: string; message_id: string } | null;
  deleted_at: string | null;
}

const undo_ms = 10 * 60_000;
const page_rows = 50;
const found_max = 50;
const carried_share = 0.25;

const answer_of = <T>(request: IDBRequest<T>) =>
  new Promise<T>((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const make_id = (kind: string) => `${kind}_${Date.now().toString(36)}${crypto.getRandomValues(new Uint32Array(3)).join('').slice(0, 16)}`;
const now = () => new Date().toISOString();
const answering = () => new Problem(409, 'conflict', null, null, null);
const missing = () => new Problem(404, 'not_found', null, 'Det findes ikke.', 'There is no such thing.');

export class BrowserShelf implements Shelf {
  readonly in_browser = true;
  private opening: Promise<IDBDatabase> | null = null;

  constructor(private readonly user: string) {}

  async list(before?: string) {
    const all = (await this.all()).filter((each) => !each.deleted_at).map((each) => each.conversation);
    all.sort((a, b) => b.updated_at.localeCompare(a.updated_at));
    const from = before ? all.findIndex((each) => each.id === before) + 1 : 0;
    const page = all.slice(from, from + page_rows);
    return { conversations: page, next: from + page_rows < all.length ? (page.at(-1)?.id ?? null) : null };
  }

  async read(id: string): Promise<ConversationWithMessages> {
    const kept = await this.get(id);
    return { ...kept.conversation, messages: kept.messages, turn: kept.turn };
  }

  async begin(model: string, title: string, last_of?: string) {
    const made = now();
    const conversation: Conversation = { id: make_id('con'), title, model, created_at: made, updated_at: made, leaf: null, running: false };
    const kept: Kept = { id: conversation.id, user: this.user, conversation, messages: [], turn: null, deleted_at: null };
    if (last_of) {
      const earlier = await this.get(last_of);
      const bytes_max = ((await api.model(model))?.context_tokens ?? 4096) * carried_share * 3.5;
      let bytes = 0;
      let from: number | null = null;
      const branch = branch_to(earlier.messages, earlier.conversation.leaf);
      for (let i = branch.length - 1; i >= 0; i--) {
        bytes += (branch[i]?.content.length ?? 0) + 20;
        if (bytes > bytes_max) break;
        if (branch[i]?.role === 'user') from = i;
      }
      let parent: string | null = null;
      for (const message of from === null ? [] : branch.slice(from)) {
        const copy: Message = { ...message, id: make_id('msg'), parent, usage: null, rating: null, rating_reason: null };
        kept.messages.push(copy);
        parent = copy.id;
      }
      conversation.leaf = parent;
    }
    await this.put(kept);
    return conversation;
  }

  rename(id: string, title: string) {
    return this.change(id, (kept) => void (kept.conversation.title = title));
  }

  choose_leaf(id: string, leaf: string) {
    return this.change(id, (kept) => void (kept.conversation.leaf = leaf));
  }

  remove(id: string) {
    return this.change(id, (kept) => void (kept.deleted_at = now()));
  }

  restore(id: string) {
    return this.change(id, (kept) => void (kept.deleted_at = null), true);
  }

  async deleted(): Promise<Deleted[]> {
    const all = (await this.all()).filter((each) => each.deleted_at);
    return all
      .map((each) => ({ id: each.id, title: each.conversation.title, deleted_at: each.deleted_at ?? '', until: until(each.deleted_at ?? '') }))
      .sort((a, b) => b.deleted_at.localeCompare(a.deleted_at));
  }

  async search(query: string) {
    const words = words_of_query(query);
    const found: Found[] = [];
    const all = (await this.all()).filter((each) => !each.deleted_at).sort((a, b) => b.conversation.updated_at.localeCompare(a.conversation.updated_at));
    for (const each of all) {
      if (found.length === found_max) return { found, complete: false };
      const in_title = excerpt_with(each.conversation.title, words);
      const message = in_title === null ? each.messages.find((one) => excerpt_with(one.content, words) !== null) : undefined;
      const excerpt = in_title ?? (message ? excerpt_with(message.content, words) : null);
      if (excerpt !== null) found.push({ conversation: each.conversation, message: message?.id ?? null, excerpt });
    }
    return { found, complete: true };
  }

  async ask(id: string, asking: Asking) {
    const kept = await this.get(id);
    if (kept.turn) throw answering();
    const old = kept.messages.find((each) => each.id === (asking.again ?? asking.further));
    let branch: Message[] = [];
    let question: Message | null = null;
    if (asking.further) branch = branch_to(kept.messages, asking.further);
    else if (asking.again) branch = old?.parent ? branch_to(kept.messages, old.parent) : [];
    else {
      if (asking.after !== '') branch = branch_to(kept.messages, asking.after ?? kept.conversation.leaf);
      question = blank(make_id('msg'), 'user', branch.at(-1)?.id ?? null);
      question.content = asking.content ?? '';
      branch = [...branch, question];
    }
    const earlier = asking.summary_of ? await this.get(asking.summary_of) : null;
    const sent = earlier ? branch_to(earlier.messages, earlier.conversation.leaf) : branch;
    const started = await api.ask_loose({
      model: asking.model,
      messages: sent.filter((each) => each.content !== '').map(({ role, content }) => ({ role, content })),
      further: asking.further ? true : undefined,
      summary: earlier ? true : undefined,
    });
    const answer: Message = { ...started.answer, id: asking.further ?? make_id('msg'), parent: asking.further ? (old?.parent ?? null) : (branch.at(-1)?.id ?? null) };
    try {
      await this.change(id, (kept) => {
        if (kept.turn) throw answering();
        if (asking.further) kept.messages = kept.messages.map((each) => (each.id === answer.id ? answer : each));
        else kept.messages.push(...(question ? [question] : []), answer);
        kept.turn = { id: started.turn.id, message_id: answer.id };
        Object.assign(kept.conversation, { model: asking.model, leaf: answer.id, updated_at: now(), running: true });
      });
    } catch (cause) {
      await api.stop(started.turn.id).catch(() => {}); // deleted meanwhile, or asked in another tab
      throw cause;
    }
    return { ...started, user_message: question, answer };
  }

  async rate(id: string, message: string, rating: 'up' | 'down' | null, reason: string | null) {
    let rated: Message | undefined;
    await this.change(id, (kept) => {
      rated = kept.messages.find((each) => each.id === message);
      if (rated) Object.assign(rated, { rating, rating_reason: rating ? reason : null });
    });
    if (!rated) throw missing();
    return rated;
  }

  async written(id: string, turn: string, answer: Partial<Message> & { id: string }, over: boolean) {
    await this.change(id, (kept) => {
      kept.messages = kept.messages.map((each) => (each.id === answer.id ? { ...each, ...answer } : each));
      if (over) kept.turn = null;
      kept.conversation.running = !over;
    }).catch((cause) => {
      if (as_problem(cause).status !== 404) throw cause; // deleted meanwhile
    });
    if (over) await api.stop(turn).catch(() => {}); // the server need not hold it any longer
  }

  async remove_all() {
    const when = now();
    const conversations = await this.change_all(
      (kept) => !kept.deleted_at,
      (kept) => void (kept.deleted_at = when),
    );
    return { conversations, deleted_at: when, until: until(when) };
  }

  async restore_all(deleted_at: string) {
    await this.change_all(
      (kept) => kept.deleted_at === deleted_at,
      (kept) => void (kept.deleted_at = null),
    );
  }

  /** For the person's own file. */
  async everything() {
    return (await this.all())
      .filter((each) => !each.deleted_at)
      .map((each) => ({ ...each.conversation, messages: each.messages.map((message) => ({ written_by_ai: message.role === 'assistant', message })) }));
  }

  private async change(id: string, how: (kept: Kept) => void, also_deleted = false): Promise<Conversation> {
    // Read and written in one transaction: of two changes at the same time the second would undo the first.
    const store = await this.store('readwrite');
    const kept = await this.get(id, also_deleted, store);
    how(kept);
    await answer_of(store.put(plain(kept)));
    return kept.conversation;
  }

  /** The person's own that are so, as change(); how many they were. */
  private async change_all(which: (kept: Kept) => boolean, how: (kept: Kept) => void): Promise<number> {
    const store = await this.store('readwrite');
    const those = ((await answer_of(store.getAll())) as Kept[]).filter((each) => each.user === this.user && which(each));
    those.forEach(how);
    await Promise.all(those.map((each) => answer_of(store.put(each))));
    return those.length;
  }

  private async get(id: string, also_deleted = false, store?: IDBObjectStore): Promise<Kept> {
    const kept = (await answer_of((store ?? (await this.store('readonly'))).get(id))) as Kept | undefined;
    if (!kept || kept.user !== this.user || (kept.deleted_at && !also_deleted)) throw missing();
    return kept;
  }

  private async put(kept: Kept) {
    await answer_of((await this.store('readwrite')).put(plain(kept)));
  }

  /** Also erases what was deleted longer ago than it can come back. */
  private async all(): Promise<Kept[]> {
    const all = ((await answer_of((await this.store('readonly')).getAll())) as Kept[]).filter((each) => each.user === this.user);
    const over = all.filter((each) => each.deleted_at && Date.parse(each.deleted_at) + undo_ms < Date.now());
    if (over.length > 0) {
      const store = await this.store('readwrite');
      for (const each of over) store.delete(each.id);
    }
    return all.filter((each) => !over.includes(each));
  }

  private async store(mode: IDBTransactionMode) {
    this.opening ??= new Promise((resolve, reject) => {
      const request = indexedDB.open('faelled', 1);
      request.onupgradeneeded = () => request.result.createObjectStore('conversations', { keyPath: 'id' });
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    return (await this.opening).transaction('conversations', mode).objectStore('conversations');
  }
}

const until = (deleted_at: string) => new Date(Date.parse(deleted_at) + undo_ms).toISOString();

/** IndexedDB cannot hold the page's reactive objects. */
const plain = (kept: Kept): Kept => JSON.parse(JSON.stringify(kept));

function blank(id: string, role: 'user' | 'assistant', parent: string | null): Message {
  return { id, role, parent, content: '', created_at: now(), model: null, state: 'done', error: null, request_id: null, limit: null, usage: null, rating: null, rating_reason: null };
}
