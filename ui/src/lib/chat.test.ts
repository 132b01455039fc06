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

  it('knows of a large catalogue what is listed, what a conversation is with, and what was searched for', async () => {
    const model = (id: string, embeddings = false) => ({ id, name: id, state: 'ready', embeddings }) as Model;
    vi.spyOn(server_shelf, 'read').mockImplementation(async (id) => ({ ...conversation(id, false), model: 'far', messages: [], turn: null }));
    vi.spyOn(api, 'some_models').mockImplementation(async ({ search }) => (search ? { models: [model('further'), model('far')], next: null } : { models: [model('a'), model('vectors', true), model('b')], next: 'b' }));
    const chat = new Chat(session);
    await chat.load_models();
    expect(chat.models.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(chat.more_models).toBe(true);
    chat.show('con_1');
    await vi.waitFor(() => expect(chat.model?.id).toBe('far'));
    chat.choose(model('further'));
    expect(chat.model?.id).toBe('further');
    await chat.load_models();
    expect(chat.models.map(({ id }) => id)).toEqual(['a', 'b', 'far', 'further']);
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
