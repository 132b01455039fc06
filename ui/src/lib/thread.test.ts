import './page_testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { api, Problem, type Message } from './api';
import type { Asking, Shelf } from './shelf';
import { Thread, type World } from './thread.svelte';

const message = (id: string, role: 'user' | 'assistant', parent: string | null, state: Message['state'] = 'done'): Message => ({ id, role, parent, content: id, created_at: '2026-01-01T00:00:00Z', model: 'm', state, error: null, request_id: null, limit: null, usage: null, rating: null, rating_reason: null });

/** A thread on a shelf that holds these messages, and what it told. */
function open(messages: Message[], more: { leaf?: string; turn?: { id: string; message_id: string } | null } = {}) {
  const asked: Asking[] = [];
  const running: boolean[] = [];
  const written: boolean[] = [];
  let refused = false;
  const shelf = {
    in_browser: true,
    read: async () => ({ id: 'con_1', title: 'Om cykelstier', model: 'm', created_at: '', updated_at: '', running: true, leaf: more.leaf ?? messages.at(-1)?.id ?? null, messages, turn: more.turn ?? null }),
    ask: async (_: string, asking: Asking) => {
      asked.push(asking);
      if (refused) {
        refused = false;
        throw new Problem(503, 'overloaded', null, null, null);
      }
      return { turn: { id: 'turn_1' }, user_message: message('new', 'user', asking.after || null), answer: message('answer', 'assistant', 'new', 'running') };
    },
    choose_leaf: async () => {},
    written: async (_: string, __: string, ___: unknown, over: boolean) => void written.push(over),
  } as unknown as Shelf;
  const world: World = { shelf, begun: () => {}, accepted: () => {}, running: (_, is) => void running.push(is), say: () => {}, say_waiting: () => {} };
  return { thread: new Thread(world, 'con_1'), asked, running, written, refuse: () => void (refused = true) };
}

const event = (name: string, id: number, data: unknown) => `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

describe('a conversation', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it('asks after the branch that is read, wherever the server has the end', async () => {
    vi.spyOn(api, 'events').mockImplementation(() => new Promise(() => {}));
    const { thread, asked } = open([message('q1', 'user', null), message('a1', 'assistant', 'q1'), message('q2', 'user', null), message('a2', 'assistant', 'q2')]);
    await thread.load();
    expect(thread.entries.map((each) => each.id)).toEqual(['q2', 'a2']);
    thread.leaf = 'a1'; // the server has not been told, or could not be
    await thread.ask('Og så?', 'm');
    expect(asked).toMatchObject([{ content: 'Og så?', after: 'a1' }]);
  });

  it('begins with a question that comes after nothing', async () => {
    vi.spyOn(api, 'events').mockImplementation(() => new Promise(() => {}));
    const { thread, asked } = open([]);
    await thread.load();
    await thread.ask('Hej', 'm');
    expect(asked).toMatchObject([{ after: '' }]);
  });

  it('that nobody answers any more says so', async () => {
    const { thread, running } = open([message('q1', 'user', null), message('a1', 'assistant', 'q1')]);
    await thread.load();
    expect(running).toEqual([false]);
  });

  it('is followed to its end, after which nothing more of the answer is written down', async () => {
    const end = { state: 'done', error: null, request_id: 'req_1', limit: null, usage: null };
    let say_rest = () => {};
    const body = new ReadableStream<Uint8Array>({
      start(out) {
        out.enqueue(new TextEncoder().encode(event('delta', 3, { text: 'a1 ' })));
        say_rest = () => {
          out.enqueue(new TextEncoder().encode(event('delta', 5, { text: 'ja' }) + event('end', 5, end)));
          out.close();
        };
      },
    });
    vi.spyOn(api, 'events').mockImplementation(async () => body);
    const { thread, running, written } = open([message('q1', 'user', null), { ...message('a1', 'assistant', 'q1', 'running'), content: '' }], { turn: { id: 'turn_1', message_id: 'a1' } });
    await thread.load();
    await vi.advanceTimersByTimeAsync(1_980); // a moment before it would be written down again
    say_rest();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(thread.entries.at(-1)).toMatchObject({ content: 'a1 ja', state: 'done' });
    expect(running).toEqual([true, false]);
    expect(written.at(-1), 'the last word is that it is over').toBe(true);
  });

  it('that could not go on is as it was, and is gone on with when it is tried again', async () => {
    const { thread, asked, refuse } = open([message('q1', 'user', null), message('a1', 'assistant', 'q1', 'stopped')]);
    await thread.load();
    refuse();
    const [, answer] = thread.entries;
    if (!answer) throw new Error('no answer');
    await thread.go_further(answer, 'm');
    expect(answer).toMatchObject({ state: 'stopped', content: 'a1', trouble: { status: 503 } });
    refuse();
    await thread.again(answer, 'm');
    expect(asked).toMatchObject([{ further: 'a1' }, { further: 'a1' }]);
  });

  it('a summary that is asked for again, refused or written, still sums up the other conversation', async () => {
    const { thread, asked, refuse } = open([]);
    await thread.load();
    refuse();
    await thread.ask('Giv et resumé', 'm', { after: '', summary_of: 'con_0' });
    const refused = thread.entries.at(-1);
    if (!refused) throw new Error('no answer');
    vi.spyOn(api, 'events').mockImplementation(async () => new Response(event('end', 0, { state: 'done', error: null, request_id: 'r', limit: null, usage: null })).body ?? new ReadableStream());
    await thread.again(refused, 'm');
    await vi.advanceTimersByTimeAsync(100);
    const written = thread.entries.at(-1);
    if (!written) throw new Error('no answer');
    expect(thread.busy).toBe(false);
    await thread.write_again(written, 'm');
    expect(asked).toMatchObject([{ summary_of: 'con_0' }, { content: 'Giv et resumé', summary_of: 'con_0' }, { again: 'answer', summary_of: 'con_0' }]);
  });
});
