// A catalogue that is too large to be shown at once: Modeller, Drift nu, Status and the chat's choice of a model show a
// part, and search the server for the rest.
import { model_page } from '../../ui/mock/residency.mjs';
import { expect, no_axe_violations, no_sideways_scroll, speak, test } from './page';
import { signed_in_as, type Role } from './roles';
import type { Browser, Page } from '@playwright/test';

const gb = 1e9;
const count = 345;
const name_of = (at: number) => `Fagmodel ${at}`;
const id_of = (at: number) => `afdeling/model-${String(at).padStart(4, '0')}`;
const resident = (id: string, name: string, more: Record<string, unknown> = {}) => ({ id, name, engine: 'llama', serves: 'chat', aliases: [] as string[], adapters: [], node: null, device: null, memory: 'gpu', state: 'absent', cause: 'none', other: null, in_state_s: 240, bytes: 4 * gb, bytes_read: 0, taken: 0, backing: null, backed: 0, sleep_level: null, can_sleep: false, pinned: false, fits: true, detail: null, load_s: 6, wake_s: null, ready_in_s: null, asked_per_hour: 0, running: 0, waiting: 0, fetching: null, copies: [], ...more });
const offered = (id: string, name: string) => ({ id, name, base: null, state: 'absent', detail: null, ready_in_s: 6, context_tokens: 8192, places: 1, running: 0, waiting: 0, embeddings: false, card: null, demo: false });

/** Somebody of this role on a server with so many models, of which the last two are ready and broken. */
async function among_many(browser: Browser, role: Role, options: Parameters<typeof signed_in_as>[2] = {}): Promise<{ page: Page; asked: string[] }> {
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
    return route.fulfill({ json: { at: '2026-11-24T11:03:00.000000Z', devices: [{ node: 'local', device: 'gpu0', kind: 'gpu', name: null, bytes: 16 * gb, taken: 4 * gb, reserved: 0 }], ...model_page(these, url), total: models.length, wait_at_most_s: 120, modelled_energy: null } });
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
const table = (page: Page) => page.getByRole('table', { name: 'Modeller' });
const rows = (page: Page) => table(page).getByRole('rowheader');
const told = (page: Page) => page.getByRole('main').getByRole('status');

for (const [where, options, width] of [['a desktop', {}, 1280], ['the narrowest', { viewport: { width: 320, height: 640 } }, 320]] as const) {
  test(`on ${where}, Modeller shows a part, more of it, and what is searched for`, async ({ browser, guard }) => {
    void guard;
    const { page, asked } = await among_many(browser, 'operator', options);
    await page.goto('/models');
    await expect(told(page)).toHaveText('100 af 347 modeller vises.');
    await expect(rows(page)).toHaveCount(100);
    expect(asked).toContain('?limit=100');
    const more = page.getByRole('button', { name: 'Vis flere modeller' });
    await more.focus();
    await page.keyboard.press('Enter');
    await expect(told(page)).toHaveText('200 af 347 modeller vises.');
    await expect(more).toBeFocused();
    await more.press('Enter');
    await more.press('Enter');
    await expect(told(page)).toHaveText('347 af 347 modeller vises.');
    await expect(more).toHaveAttribute('aria-disabled', 'true');
    await page.getByRole('searchbox', { name: 'Find en model' }).fill('STANDARD');
    await expect(told(page)).toHaveText('1 fundet.');
    await expect(rows(page)).toHaveText(/Klar Model/);
    expect(page.url()).toContain('q=STANDARD');
    await page.getByRole('searchbox', { name: 'Find en model' }).fill('model-0');
    await expect(told(page)).toHaveText('De første 100, der er fundet.');
    await page.getByRole('searchbox', { name: 'Find en model' }).fill('zebra');
    await expect(told(page)).toHaveText('Ingen model hedder noget med det.');
    await expect(table(page)).toHaveCount(0);
    await no_sideways_scroll(page, width);
    await no_axe_violations(page);
    await page.context().close();
  });
}

test('Drift nu shows what failed and what is in use before the others', async ({ browser, guard }) => {
  void guard;
  const { page } = await among_many(browser, 'operator');
  await page.goto('/drift');
  await expect(told(page).first()).toHaveText('102 af 347 modeller vises.');
  await expect(rows(page).first()).toHaveText(/Syg Model/);
  await expect(rows(page).nth(1)).toHaveText(/Klar Model/);
  await expect(page.getByRole('article', { name: 'GPU 0' })).toContainText('Klar Model');
  await page.getByRole('searchbox', { name: 'Find en model' }).fill('fagmodel 31');
  await expect(rows(page)).toHaveCount(11);
  await expect(page.getByRole('article', { name: 'GPU 0' }), 'the memory holds what it holds').toContainText('Klar Model');
  await no_axe_violations(page);
  await page.context().close();
});

test('Status shows the first of them, and more when asked', async ({ browser, guard }) => {
  void guard;
  const { page } = await among_many(browser, 'user');
  await page.goto('/status');
  await expect(page.getByRole('main').getByRole('rowheader')).toHaveCount(100);
  await page.getByRole('button', { name: 'Vis flere modeller' }).click();
  await expect(page.getByRole('main').getByRole('rowheader')).toHaveCount(200);
  await page.context().close();
});

test('a model for the chat is found by its name, in either language, with the keyboard alone', async ({ browser, guard }) => {
  void guard;
  const { page, asked } = await among_many(browser, 'user');
  await page.goto('/');
  await expect(page.getByRole('combobox', { name: 'Model' }).getByRole('option')).toHaveCount(100);
  await page.getByRole('button', { name: 'Find en anden model' }).focus();
  await page.keyboard.press('Enter');
  const finder = page.getByRole('dialog', { name: 'Find en anden model' });
  await expect(finder.getByRole('searchbox', { name: 'Modellens navn eller id' })).toBeFocused();
  await page.keyboard.type('fagmodel 299');
  await expect(finder.getByRole('status')).toHaveText('Fundet: 1.');
  await no_axe_violations(page);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(finder).toHaveCount(0);
  await expect(page.getByRole('combobox', { name: 'Model' })).toHaveValue(id_of(299));
  expect(asked.some((each) => each.includes('search=fagmodel+299') || each.includes('search=fagmodel%20299'))).toBe(true);
  await speak(page, 'English');
  await expect(page.getByRole('button', { name: 'Find another model' })).toBeVisible();
  await page.context().close();
});

test('a name is given to a model that is not shown, by its id, which the server helps to find', async ({ browser, guard }) => {
  void guard;
  const { page } = await among_many(browser, 'operator');
  const moved: unknown[] = [];
  await page.route('**/api/aliases/fag', (route) => {
    moved.push(route.request().postDataJSON());
    return route.fulfill({ json: { name: 'fag', version: 1, model: id_of(299), moving_to: null, previous: null, owner: null, detail: null, lane: 'interactive', listed: true } });
  });
  await page.goto('/models');
  await page.getByRole('button', { name: 'Nyt navn' }).click();
  const form = page.getByRole('dialog', { name: 'Nyt navn' });
  await form.getByRole('textbox', { name: 'Navn' }).fill('fag');
  await form.getByRole('button', { name: 'Opret' }).click();
  await expect(form.getByText('Skriv en models id.')).toBeVisible();
  const model = form.getByRole('combobox', { name: 'Model' });
  await expect(model).toBeFocused();
  await model.fill('fagmodel 299');
  await expect(form.locator('datalist option')).toHaveAttribute('value', id_of(299));
  await no_axe_violations(page);
  await model.fill(id_of(299));
  await form.getByRole('button', { name: 'Opret' }).click();
  await expect(form).toHaveCount(0);
  expect(moved).toEqual([{ model: id_of(299), owner: null, version: null }]);
  await page.context().close();
});
