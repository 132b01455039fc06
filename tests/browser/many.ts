// A server with many models, for the tests of pages that show a part of them.
import { model_page } from '../../ui/mock/residency.mjs';
import { signed_in_as, type Role } from './roles';
import type { Browser, Page } from '@playwright/test';

const gb = 1e9;
const name_of = (at: number) => `Fagmodel ${at}`;
export const id_of = (at: number) => `afdeling/model-${String(at).padStart(4, '0')}`;
export const resident = (id: string, name: string, more: Record<string, unknown> = {}) => ({ id, name, engine: 'llama', serves: 'chat', aliases: [] as string[], members: [] as string[], adapters: [], node: null, device: null, memory: 'gpu', state: 'absent', cause: 'none', other: null, in_state_s: 240, bytes: 4 * gb, bytes_read: 0, taken: 0, backing: null, backed: 0, sleep_level: null, can_sleep: false, pinned: false, fits: true, may_be_tried: false, detail: null, load_s: 6, wake_s: null, ready_in_s: null, asked_per_hour: 0, running: 0, waiting: 0, fetching: null, copies: [], ...more });
export const offered = (id: string, name: string) => ({ id, name, base: null as string | null, state: 'absent', detail: null, ready_in_s: 6, context_tokens: 8192, places: 1, running: 0, waiting: 0, serves: 'chat', embeddings: false, card: null, demo: false });

/** Somebody of this role on a server with so many models, of which the last two are ready and broken. */
export async function among_many(browser: Browser, role: Role, options: Parameters<typeof signed_in_as>[2] = {}, count = 345): Promise<{ page: Page; asked: string[] }> {
  const page = await signed_in_as(browser, role, options);
  const asked: string[] = [];
  const models = Array.from({ length: count }, (_, at) => resident(id_of(at), name_of(at)));
  models.push(resident('z/klar', 'Klar Model', { node: 'local', device: 'gpu0', state: 'ready', cause: 'asked', aliases: ['standard'] }), resident('z/syg', 'Syg Model', { state: 'failed', cause: 'broken', detail: 'x.gguf: No such file' }));
  const heard = (url: string) => {
    asked.push(new URL(url).search);
    return new URL(url);
  };
  await page.route('**/api/residency?*', (route) => {
    const url = heard(route.request().url());
    const state = url.searchParams.get('state');
    const these = models.filter((one) => !state || (state === 'failed' ? one.state === 'failed' : one.state !== 'absent'));
    return route.fulfill({ json: { at: '2026-11-24T11:03:00.000000Z', devices: [{ node: 'local', device: 'gpu0', kind: 'gpu', name: null, bytes: 16 * gb, taken: 4 * gb, reserved: 0, cards: 1 }], ...model_page(these, url), total: models.length, wait_at_most_s: 120, modelled_energy: null } });
  });
  await page.route('**/api/catalogue?*', (route) => {
    const page = model_page(models, new URL(route.request().url()));
    return route.fulfill({ json: { ...page, models: page.models.map(({ id }) => ({ id, version: 0, origin: 'file', definition: null, download: null })), left_out: [], left_out_total: 0 } });
  });
  await page.route('**/api/models?*', (route) => {
    const { models: found, next } = model_page(models.map(({ id, name }) => offered(id, name)), heard(route.request().url()));
    return route.fulfill({ json: { models: found, next } });
  });
  await page.route('**/api/status?*', async (route) => {
    const response = await route.fetch();
    const { models: found, next } = model_page(models.map(({ id, name, state }) => ({ id, name, state, ready_in_s: null })), new URL(route.request().url()));
    return route.fulfill({ response, json: { ...(await response.json()), models: found, next } });
  });
  return { page, asked };
}
