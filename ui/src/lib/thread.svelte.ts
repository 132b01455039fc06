// One conversation as it is shown: its messages, and the answer that is being written. It goes on following its answer
// while the reader looks at another conversation.
import { api, as_problem, Problem, type Conversation, type Message, type MessageError } from './api';
import { follow } from './follow';
import { title_from } from './format';
import { turn_from, type Turn, type Waiting } from './turn';

export interface Trouble {
  status: number;
  da: string | null;
  en: string | null;
  request_id: string | null;
  /** The question never reached the server. */
  unsent: boolean;
}

export interface Entry {
  key: string;
  role: 'user' | 'assistant';
  content: string;
  created_at: string;
  model: string | null;
  state: 'sending' | 'running' | 'done' | 'stopped' | 'failed';
  waiting: Waiting | null;
  waiting_since_ms: number;
  line_lost: boolean;
  trouble: Trouble | null;
}

export interface World {
  /** A new conversation has got its id. */
  begun(thread: Thread, conversation: Conversation): void;
  accepted(thread: Thread): void;
  running(thread: Thread, running: boolean): void;
  say(what: 'said_question' | 'said_ready' | 'said_stopped' | 'said_failed'): void;
}

const redraw_ms = 40;
let next_key = 1;

function trouble_of(problem: Problem, unsent: boolean): Trouble {
  return { status: problem.status, da: problem.da, en: problem.en, request_id: problem.request_id, unsent };
}

function trouble_in_answer(error: MessageError | null, request_id: string | null): Trouble {
  return { status: 200, da: error?.message_da ?? null, en: error?.message ?? null, request_id, unsent: false };
}

function entry_of(message: Message): Entry {
  return {
    key: message.id,
    role: message.role,
    content: message.content,
    created_at: message.created_at,
    model: message.model,
    state: message.state,
    waiting: null,
    waiting_since_ms: 0,
    line_lost: false,
    trouble: message.state === 'failed' ? trouble_in_answer(message.error, message.request_id) : null,
  };
}

export class Thread {
  id = $state<string | null>(null);
  title = $state('');
  model = $state<string | null>(null);
  entries = $state<Entry[]>([]);
  loading = $state(false);
  problem = $state<Problem | null>(null);
  stopping = $state(false);
  busy = $derived(this.entries.some((each) => each.state === 'sending' || each.state === 'running'));

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
    this.loading = this.entries.length === 0;
    this.problem = null;
    try {
      const found = await api.conversation(this.id);
      if (this.busy) return;
      this.title = found.title;
      this.model = found.model;
      this.entries = found.messages.map(entry_of);
      for (const entry of this.entries) {
        if (entry.state !== 'running') continue;
        if (entry.key === found.turn?.message_id) this.watch(found.turn.id, this.entries.indexOf(entry));
        else Object.assign(entry, { state: 'failed', trouble: trouble_in_answer(null, null) }); // nobody writes it any more
      }
    } catch (cause) {
      this.problem = as_problem(cause);
    } finally {
      this.loading = false;
    }
  }

  async ask(content: string, model: string) {
    if (this.busy) return;
    const now = new Date().toISOString();
    const shared = { created_at: now, model, waiting: null, waiting_since_ms: 0, line_lost: false, trouble: null };
    this.entries.push(
      { ...shared, key: `local-${next_key++}`, role: 'user', content, state: 'done' },
      { ...shared, key: `local-${next_key++}`, role: 'assistant', content: '', state: 'sending' },
    );
    const at = this.entries.length - 1;
    this.stopping = false;
    try {
      if (!this.id) {
        const begun = await api.begin(model, title_from(content));
        this.id = begun.id;
        this.title = begun.title;
        this.model = begun.model;
        this.world.begun(this, begun);
      }
      const started = await api.ask(this.id, content, model);
      this.model = model;
      this.world.accepted(this);
      this.world.say('said_question');
      const answer = this.entries[at];
      if (answer) answer.state = 'running';
      this.watch(started.turn.id, at);
      if (this.stopping) await this.stop();
    } catch (cause) {
      const answer = this.entries[at];
      if (answer) Object.assign(answer, { state: 'failed', trouble: trouble_of(as_problem(cause), true) });
      this.world.say('said_failed');
    }
  }

  /** Asks the last question again; one that never reached the server leaves no second copy. */
  async again(model: string) {
    const question = this.entries.findLast((each) => each.role === 'user');
    if (!question || this.busy) return;
    if (this.entries.at(-1)?.trouble?.unsent) this.entries = this.entries.slice(0, this.entries.indexOf(question));
    await this.ask(question.content, model);
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

  private watch(turn_id: string, at: number) {
    const entry = this.entries[at];
    if (!entry) return;
    this.turn_id = turn_id;
    this.world.running(this, true);
    const following = new AbortController();
    this.following = following;

    let latest: Turn | null = null;
    let timer: ReturnType<typeof setTimeout> | null = null;
    const draw = () => {
      timer = null;
      if (!latest) return;
      if (entry.content !== latest.text) entry.content = latest.text;
      if (entry.waiting !== latest.waiting) {
        entry.waiting = latest.waiting;
        entry.waiting_since_ms = Date.now();
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
        entry.state = end.state;
        entry.line_lost = false;
        entry.waiting = null;
        entry.trouble = end.state === 'failed' ? trouble_in_answer(end.error, end.request_id) : null;
        this.world.say(end.state === 'done' ? 'said_ready' : end.state === 'stopped' ? 'said_stopped' : 'said_failed');
        this.ended();
      })
      .catch((cause) => {
        if (following.signal.aborted) return;
        draw();
        const problem = as_problem(cause);
        this.ended();
        entry.line_lost = false;
        entry.waiting = null;
        if (problem.status === 404) {
          entry.state = 'done';
          void this.load(); // over for long: the conversation knows how it went
          return;
        }
        Object.assign(entry, { state: 'failed', trouble: trouble_of(problem, false) });
        this.world.say('said_failed');
      })
      .finally(() => timer && clearTimeout(timer));
  }

  private ended() {
    this.turn_id = null;
    this.following = null;
    this.stopping = false;
    this.world.running(this, false);
  }
}
