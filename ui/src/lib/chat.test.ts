import './page_testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { api, type Conversation, type Model, type Session } from './api';
import { Chat } from './chat.svelte';
import { server_shelf } from './shelf';

const session = { user: { id: 'usr_1', name: 'Ellen' }, member: { id: 'mem_1', name: 'Prøve' }, role: 'user', expires_at: '', policy: { conversations: 'server' } } as unknown as Session;
const conversation = (id: string, running: boolean): Conversation => ({ id, title: id, model: 'm', created_at: '', updated_at: '2026-01-01T00:00:00Z', leaf: null, running });

describe('the list of conversations', () => {
  afterEach(() => void vi.restoreAllMocks());

  it('has those followed that are being answered, and is told of those that no longer are', async () => {
    vi.spyOn(server_shelf, 'list').mockResolvedValue({ conversations: [conversation('con_1', true), conversation('con_2', false)], next: null });
    vi.spyOn(server_shelf, 'deleted').mockResolvedValue([]);
    vi.spyOn(api, 'some_models').mockResolvedValue({ models: [], next: null });
    const read = vi.spyOn(server_shelf, 'read').mockImplementation(async (id) => ({ ...conversation(id, false), messages: [], turn: null }));
    const chat = new Chat(session);
    await chat.load_list();
    await vi.waitFor(() => expect(chat.conversations.map((each) => each.running)).toEqual([false, false]));
    expect(read.mock.calls).toEqual([['con_1']]);
    chat.close();
  });

  it('has no more followed than leaves lines for the page', async () => {
    vi.spyOn(server_shelf, 'list').mockResolvedValue({ conversations: Array.from({ length: 9 }, (_, at) => conversation(`con_${at}`, true)), next: null });
    vi.spyOn(server_shelf, 'deleted').mockResolvedValue([]);
    const read = vi.spyOn(server_shelf, 'read').mockImplementation(() => new Promise(() => {}));
    const chat = new Chat(session);
    await chat.load_list();
    expect(read).toHaveBeenCalledTimes(4);
    chat.close();
  });
});

describe('the model of a large catalogue', () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
  const model = (id: string, state = 'ready') => ({ id, name: id, state, serves: 'chat' }) as Model;
  /** A chat whose conversations are with `far`, which is not among those that are listed. */
  function large() {
    vi.spyOn(server_shelf, 'read').mockImplementation(async (id) => ({ ...conversation(id, false), model: 'far', messages: [], turn: null }));
    const list = vi.spyOn(api, 'some_models').mockResolvedValue({ models: [model('a'), model('b')], next: 'b' });
    const one = vi.spyOn(api, 'model').mockImplementation(async (id) => model(id));
    return { chat: new Chat(session), list, one };
  }

  it('is what is listed, what a conversation is with, and what was searched for', async () => {
    const { chat, list } = large();
    await chat.load_models();
    expect(list.mock.calls[0]?.[1]).toEqual({ serves: 'chat' });
    expect(chat.models.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(chat.model?.id).toBe('a');
    chat.show('con_1');
    await vi.waitFor(() => expect(chat.model?.id).toBe('far'));
    chat.choose(model('further'));
    expect(chat.model?.id).toBe('further');
    await chat.load_models();
    expect(chat.models.map(({ id }) => id)).toEqual(['a', 'b', 'far', 'further']);
    chat.close();
  });

  it('is none until it is known whether the wanted one is there', async () => {
    const { chat, one } = large();
    let answer: (found: Model | null) => void = () => {};
    one.mockImplementation(() => new Promise((resolve) => (answer = resolve)));
    await chat.load_models();
    chat.show('con_1');
    expect(chat.model, 'while the conversation is loaded').toBeNull();
    await vi.waitFor(() => expect(one).toHaveBeenCalledWith('far'));
    expect(chat.model).toBeNull();
    answer(model('far'));
    await vi.waitFor(() => expect(chat.model?.id).toBe('far'));
    chat.close();
  });

  it('is another one only where the wanted one is not there', async () => {
    const { chat, one } = large();
    one.mockResolvedValue(null);
    await chat.load_models();
    chat.show('con_1');
    await vi.waitFor(() => expect(chat.model?.id).toBe('a'));
    expect(chat.wanted, 'so that it can be said').toBe('far');
    chat.close();
  });

  it('is asked for again when that failed', async () => {
    vi.useFakeTimers();
    const { chat, one } = large();
    one.mockRejectedValue(new Error('no line'));
    await chat.load_models();
    chat.show('con_1');
    await vi.waitFor(() => expect(chat.models_problem?.status).toBe(0));
    expect([chat.model, chat.seeking]).toEqual([null, true]);
    one.mockImplementation(async (id) => model(id));
    await vi.advanceTimersByTimeAsync(4_000);
    expect(chat.model?.id).toBe('far');
    expect(chat.models_problem).toBeNull();
    chat.close();
  });

  it('has its state told anew, and the page looks again only for what it shows', async () => {
    vi.useFakeTimers();
    const { chat, list, one } = large();
    one.mockImplementation(async (id) => model(id, 'waking'));
    await chat.load_models();
    chat.choose(model('further', 'starting'));
    chat.show('con_1');
    await vi.waitFor(() => expect(chat.model?.state).toBe('waking'));
    await chat.load_models();
    one.mockImplementation(async (id) => model(id));
    await vi.advanceTimersByTimeAsync(4_000);
    expect(chat.model?.state).toBe('ready');
    const looks = list.mock.calls.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(list).toHaveBeenCalledTimes(looks);
    chat.close();
  });
});
