// One conversation as it is shown: the branch that is read, its alternatives, and the answer that is being written. It
// goes on following its answer while the reader looks at another conversation.
import { api, as_problem, Problem, type Conversation, type Message } from './api';
import { entry_of, new_entry, trouble_in_answer, trouble_of, type Entry } from './entry';
import { follow } from './follow';
import { title_from } from './format';
import { room_of } from './room';
import type { Asking, Shelf } from './shelf';
import { branch_to, newest_below, siblings_of } from './tree';
import { turn_from, type End, type Turn, type Waiting } from './turn';

export type { Entry, Trouble } from './entry';

export interface World {
  readonly shelf: Shelf;
  /** A new conversation has got its id. */
  begun(thread: Thread, conversation: Conversation): void;
  accepted(thread: Thread): void;
  running(thread: Thread, running: boolean): void;
  say(what: 'said_question' | 'said_ready' | 'said_stopped' | 'said_failed' | 'said_limit'): void;
  say_waiting(thread: Thread, waiting: Waiting): void;
}

/** What is asked beside a question in words: summary_of, or where the question goes. */
type How = Pick<Asking, 'after' | 'summary_of'>;

const redraw_ms = 40;
const written_every_ms = 2_000;

export class Thread {
  id = $state<string | null>(null);
  title = $state('');
  model = $state<string | null>(null);
  all = $state<Entry[]>([]);
  leaf = $state<string | null>(null);
  loading = $state(false);
  problem = $state<Problem | null>(null);
  stopping = $state(false);
  entries = $derived(branch_to(this.all, this.leaf));
  busy = $derived(this.all.some((each) => each.state === 'sending' || each.state === 'running'));

  private turn_id: string | null = null;
  private following: AbortController | null = null;

  constructor(
    private readonly world: World,
    id: string | null,
  ) {
    this.id = id;
  }

  async load() {
    if (!this.id || this.busy) return;
    this.loading = this.all.length === 0;
    this.problem = null;
    try {
      const found = await this.world.shelf.read(this.id);
      if (this.busy) return;
      this.title = found.title;
      this.model = found.model;
      this.leaf = found.leaf;
      this.all = found.messages.map(entry_of);
      for (const entry of this.all) {
        if (entry.state !== 'running') continue;
        if (entry.id === found.turn?.message_id) this.watch(found.turn.id, entry);
        else Object.assign(entry, { state: 'failed', trouble: trouble_in_answer(null, null) }); // nobody writes it any more
      }
      if (!found.turn) this.world.running(this, false); // the list may have been told otherwise
    } catch (cause) {
      this.problem = as_problem(cause);
    } finally {
      this.loading = false;
    }
  }

  /** The last question of what is read. */
  asked(): string | undefined {
    return this.entries.findLast((each) => each.role === 'user')?.content.trim();
  }

  room(question: string, model: { id: string; context_tokens: number | null }) {
    return room_of(this.entries, question, model);
  }

  /**
   * Comes after what is read, whatever the server has for the end of the branch. With `after`: an edited question, beside
   * the old one, which stays. True once the server has it.
   */
  async ask(content: string, model: string, how: How = {}): Promise<boolean> {
    if (this.busy) return false;
    const parent = how.after === undefined ? (this.entries.at(-1)?.id ?? null) : how.after || null;
    const question: Entry = { ...new_entry('user', content, parent, null), summary_of: how.summary_of };
    const answer = new_entry('assistant', '', question.id, model);
    this.all.push(question, answer);
    this.leaf = answer.id;
    return this.begin(model, { content, model, ...how, after: this.known(parent ?? '') }, answer.id, question.id);
  }

  /** The nearest message above that the server has: what was refused before is here alone. */
  private known(id: string): string {
    let at = id;
    while (at.startsWith('local-')) at = this.all.find((each) => each.id === at)?.parent ?? '';
    return at;
  }

  /** Another answer to the same question, beside the old one. */
  async write_again(old: Entry, model: string) {
    if (this.busy) return;
    const answer = new_entry('assistant', '', old.parent, model);
    this.all.push(answer);
    this.leaf = answer.id;
    const summary_of = this.all.find((each) => each.id === old.parent)?.summary_of;
    await this.begin(model, { model, again: old.id, ...(summary_of && { summary_of }) }, answer.id, null);
  }

  /** The answer goes on where it stopped. */
  async go_further(entry: Entry, model: string) {
    if (this.busy || entry.content === '') return;
    const { state, limit } = entry;
    Object.assign(entry, { state: 'sending', limit: null, trouble: null });
    const begun = await this.begin(model, { model, further: entry.id }, entry.id, null);
    if (!begun && entry.trouble) Object.assign(entry, { state, limit, trouble: { ...entry.trouble, further: true } });
  }

  private async begin(model: string, asking: Asking, answer_id: string, question_id: string | null): Promise<boolean> {
    const find = (id: string | null) => this.all.find((each) => each.id === id);
    this.stopping = false;
    try {
      if (!this.id) {
        const begun = await this.world.shelf.begin(model, title_from(asking.content ?? ''));
        this.id = begun.id;
        this.title = begun.title;
        this.model = begun.model;
        this.world.begun(this, begun);
      }
      const started = await this.world.shelf.ask(this.id, asking);
      this.model = model;
      const question = find(question_id);
      if (question && started.user_message) Object.assign(question, { id: started.user_message.id, parent: started.user_message.parent });
      const answer = find(answer_id);
      if (!answer) return true;
      Object.assign(answer, { id: started.answer.id, parent: started.answer.parent, model, state: 'running' });
      this.leaf = answer.id;
      this.world.accepted(this);
      this.world.say('said_question');
      this.watch(started.turn.id, answer);
      if (this.stopping) await this.stop();
      return true;
    } catch (cause) {
      const answer = find(answer_id);
      const unsent = !asking.further;
      if (answer) Object.assign(answer, { state: 'failed', trouble: trouble_of(as_problem(cause), unsent) });
      this.world.say('said_failed');
      return false;
    }
  }

  /** After trouble. A question that never reached the server leaves no second copy. */
  async again(entry: Entry, model: string) {
    if (this.busy) return;
    if (entry.trouble?.further) return this.go_further(entry, entry.model ?? model);
    if (!entry.trouble?.unsent) return this.write_again(entry, model);
    const question = this.all.find((each) => each.id === entry.parent);
    const local = (each: Entry | undefined) => each?.id.startsWith('local-') ?? false;
    this.all = this.all.filter((each) => each !== entry && !(each === question && local(question)));
    if (question && local(question)) {
      const { summary_of } = question;
      return void (await this.ask(question.content, model, { after: question.parent ?? '', ...(summary_of && { summary_of }) }));
    }
    const other = this.all.find((each) => each.parent === entry.parent && each.role === 'assistant');
    if (other) await this.write_again(other, model);
  }

  siblings(entry: Entry): Entry[] {
    return siblings_of(this.all, entry);
  }

  /** Reads the branch through an alternative, where it was last written in. */
  choose(entry: Entry) {
    this.leaf = newest_below(this.all, entry.id);
    if (this.id && !this.leaf.startsWith('local-')) void this.world.shelf.choose_leaf(this.id, this.leaf).catch(() => {}); // then it is read from the other end next time
  }

  async rate(entry: Entry, rating: 'up' | 'down' | null, reason: string | null) {
    if (!this.id) return;
    const before = entry.rating;
    entry.rating = rating;
    try {
      await this.world.shelf.rate(this.id, entry.id, rating, reason);
    } catch (cause) {
      entry.rating = before;
      throw cause;
    }
  }

  async stop() {
    this.stopping = true;
    if (!this.turn_id) return; // not begun yet: ask() stops it as soon as it is
    try {
      await api.stop(this.turn_id);
    } catch (cause) {
      if (as_problem(cause).status !== 404) this.stopping = false;
      throw cause;
    }
  }

  /** Leaves the answer to the server, which goes on with it for a while. */
  leave() {
    this.following?.abort();
    this.following = null;
  }

  private watch(turn_id: string, entry: Entry) {
    this.turn_id = turn_id;
    this.world.running(this, true);
    const following = new AbortController();
    this.following = following;

    let latest: Turn | null = null;
    let timer: ReturnType<typeof setTimeout> | null = null;
    let kept_at = Date.now();
    const draw = () => {
      if (timer) clearTimeout(timer);
      timer = null;
      if (!latest) return;
      if (entry.content !== latest.text) entry.content = latest.text;
      if (entry.waiting !== latest.waiting) {
        entry.waiting = latest.waiting;
        entry.waiting_since_ms = Date.now();
        if (entry.waiting) this.world.say_waiting(this, entry.waiting);
      }
      if (Date.now() - kept_at > written_every_ms) {
        kept_at = Date.now();
        this.keep(turn_id, { id: entry.id, content: entry.content }, false);
      }
    };
    const changed = (turn: Turn, line_lost: boolean) => {
      latest = turn;
      entry.line_lost = line_lost;
      timer ??= setTimeout(draw, redraw_ms);
    };
    follow(turn_id, turn_from(entry.content), changed, following.signal)
      .then((turn) => {
        latest = turn;
        draw();
        const end = turn.end;
        if (!end) return;
        this.finish(turn_id, entry, end);
        this.ended();
      })
      .catch((cause) => {
        if (following.signal.aborted) return;
        draw();
        const problem = as_problem(cause);
        this.ended();
        entry.line_lost = false;
        entry.waiting = null;
        if (problem.status === 404 && !this.world.shelf.in_browser) {
          entry.state = 'done';
          void this.load(); // over for long: the conversation knows how it went
          return;
        }
        Object.assign(entry, { state: 'failed', trouble: problem.status === 404 ? trouble_in_answer(null, null) : trouble_of(problem, false) });
        this.keep(turn_id, { id: entry.id, content: entry.content, state: 'failed' }, true);
        this.world.say('said_failed');
      })
      .finally(() => timer && clearTimeout(timer));
  }

  private finish(turn_id: string, entry: Entry, end: End) {
    Object.assign(entry, { state: end.state, limit: end.limit, usage: end.usage, line_lost: false, waiting: null });
    entry.trouble = end.state === 'failed' ? trouble_in_answer(end.error, end.request_id) : null;
    this.keep(turn_id, { id: entry.id, content: entry.content, ...end }, true);
    const said = end.state === 'done' ? (end.limit === 'tokens' ? 'said_limit' : 'said_ready') : end.state === 'stopped' ? 'said_stopped' : 'said_failed';
    this.world.say(said);
  }

  private keep(turn_id: string, answer: Partial<Message> & { id: string }, over: boolean) {
    if (this.id) void this.world.shelf.written(this.id, turn_id, answer, over).catch(() => {}); // a full disk costs it at a refresh
  }

  private ended() {
    this.turn_id = null;
    this.following = null;
    this.stopping = false;
    this.world.running(this, false);
  }
}
