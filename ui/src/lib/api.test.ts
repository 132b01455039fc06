import './page_testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { api, client } from './api';

const answer = (models: { id: string }[], next: string | null = null) => ({ data: { models, next }, response: new Response() }) as never;

describe('models of the server', () => {
  afterEach(() => void vi.restoreAllMocks());

  it('are asked for by their id, which the server looks up', async () => {
    const get = vi.spyOn(client, 'GET').mockResolvedValueOnce(answer([{ id: 'm' }])).mockResolvedValueOnce(answer([]));
    expect(await api.model('m')).toEqual({ id: 'm' });
    expect(await api.model('gone')).toBeNull();
    expect(get.mock.calls[0]).toEqual(['/api/models', { params: { query: { id: ['m'], serves: 'chat' } } }]);
  });

  it('are asked for by several ids at once', async () => {
    const get = vi.spyOn(client, 'GET').mockResolvedValue(answer([{ id: 'a' }]));
    expect(await api.models(['a', 'gone'])).toEqual([{ id: 'a' }]);
    expect(get.mock.calls).toEqual([['/api/models', { params: { query: { id: ['a', 'gone'] } } }]]);
  });

  it('are the first of a large catalogue, and those that the own policy leaves out where they are asked for', async () => {
    const get = vi.spyOn(client, 'GET').mockResolvedValue(answer(Array.from({ length: 1000 }, (_, at) => ({ id: `${at}` })), '999'));
    expect(await api.all_models({ beyond_policy: true })).toMatchObject({ more: true, models: { length: 1000 } });
    expect(get.mock.calls).toEqual([['/api/models', { params: { query: { limit: 1000, beyond_policy: true } } }]]);
  });
});
