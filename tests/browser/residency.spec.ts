// Drift nu and Modeller: which model lies in which memory, why, and what an operator has it do.
import { expect, keep_toasts, no_axe_violations, no_sideways_scroll, refusal, speak, test } from './page';
import { readFileSync } from 'node:fs';
import { signed_in_as } from './roles';
import type { Browser, Locator, Page } from '@playwright/test';

const gb = 1e9;
const at = '2026-11-24T11:03:00.000000Z';

function model(id: string, name: string, more: Record<string, unknown> = {}) {
  return { id, name, engine: 'llama', serves: 'chat', aliases: [] as string[], members: [] as string[], adapters: [], node: null as string | null, device: null as string | null, state: 'absent', cause: 'none', other: null, in_state_s: 240, bytes: 30 * gb, bytes_read: 0, pinned: false, fits: true, may_be_tried: false, detail: null, load_s: 12, ready_in_s: null, asked_per_hour: 0, running: 0, waiting: 0, copies: [], ...more };
}
const there = { node: 'local', device: 'gpu0' };

/** Models on two devices, in all states that there are. */
function world() {
  return {
    at,
    next: null,
    total: 8,
    wait_at_most_s: 121,
    modelled_energy: { idle_wh: 31.25, load_wh: 4.5 },
    devices: [
      { ...there, bytes: 80 * gb, taken: 64 * gb, reserved: 40 * gb },
      { node: 'local', device: 'gpu1', bytes: 48 * gb, taken: 41 * gb, reserved: 0 },
    ],
    models: [
      model('a/ready:1', 'Klar Model', { ...there, state: 'ready', cause: 'asked', running: 2, can_sleep: true, wake_s: 0.94, asked_per_hour: 118, aliases: ['standard'], copies: [{ node: 'local', device: 'gpu1', state: 'ready', cause: 'busy', other: null, in_state_s: 30, taken: 10 * gb, running: 1 }] }),
      model('draining', 'Vigende Model', { ...there, state: 'draining', cause: 'line_empty', other: 'waiting', running: 1 }),
      model('waiting', 'Ventende Model', { ...there, state: 'starting', cause: 'asked', waiting: 3, ready_in_s: 44, bytes: 40 * gb }),
      model('absent', 'Fraværende Model', { cause: 'unused' }),
      model('starting', 'Kommende Model', { node: 'local', device: 'gpu1', state: 'starting', cause: 'asked', ready_in_s: 11.3, bytes: 31 * gb }),
      model('failed', 'Svigtende Model', { state: 'failed', cause: 'broken', detail: 'x.gguf: No such file' }),
      model('huge', 'Stor Model', { bytes: 404 * gb, fits: false }),
      model('elsewhere', 'Fjern Model', { engine: 'openai', state: 'ready', bytes: 0 }),
    ],
  };
}
const event = (number: number, what: string, of: string, more: Record<string, unknown> = {}) => ({ number, at, what, cause: 'none', model: of, other: null, ...there, bytes: gb, took_s: null, detail: null, ...more });

/** An operator on a server with the models above. Orders change them. */
async function operator_of(browser: Browser, options: Parameters<typeof signed_in_as>[2] = {}, more: ReturnType<typeof model>[] = []): Promise<{ page: Page; orders: string[] }> {
  const page = await signed_in_as(browser, 'operator', options);
  const now = world();
  now.models.push(...more);
  const orders: string[] = [];
  await page.route('**/api/residency?*', (route) => route.fulfill({ json: now }));
  await page.route('**/api/residency/events?*', (route) => {
    const older = new URL(route.request().url()).searchParams.get('before') === '9';
    const events = older
      ? [event(8, 'pin', 'a/ready:1', { cause: 'ordered' })]
      : [event(10, 'drain', 'draining', { cause: 'line_empty', other: 'waiting' }), event(9, 'ready', 'a/ready:1', { cause: 'asked', took_s: 11.2 })];
    return route.fulfill({ json: { events, next: older ? null : '9' } });
  });
  await page.route('**/api/models/*/residency', (route) => {
    const id = decodeURIComponent(new URL(route.request().url()).pathname.split('/')[3] ?? '');
    const { act } = route.request().postDataJSON() as { act: string };
    orders.push(`${act} ${id}`);
    const one = now.models.find((each) => each.id === id);
    if (!one || id === 'draining') return route.fulfill(refusal(409, 'conflict', 'Den er på vej ud.', 'It is on its way out.', 'req_1'));
    if (act === 'unload') Object.assign(one, { state: 'absent', cause: 'ordered', ...{ running: 0 } });
    if (act === 'load') Object.assign(one, { ...there, state: 'starting', cause: 'ordered', ready_in_s: 12 });
    if (act === 'sleep') Object.assign(one, { state: 'asleep', cause: 'ordered', sleep_level: 1, taken: gb, backing: 'host', backed: 15 * gb, in_state_s: 0 });
    if (act === 'wake') Object.assign(one, { state: 'waking', cause: 'ordered', ready_in_s: 2.5 });
    if (act === 'pin' || act === 'unpin') one.pinned = act === 'pin';
    return route.fulfill({ json: one });
  });
  return { page, orders };
}
const row_of = (page: Page, name: string): Locator => page.getByRole('table', { name: 'Modeller' }).getByRole('row').filter({ has: page.getByRole('rowheader', { name: new RegExp(`^${name}`) }) });

for (const [where, options, width] of [['a desktop', {}, 1280], ['a phone', { viewport: { width: 390, height: 844 } }, 390], ['the narrowest', { viewport: { width: 320, height: 640 } }, 320]] as const) {
  test(`on ${where}, memories and models say what they hold and why`, async ({ browser, guard }) => {
    void guard;
    const { page } = await operator_of(browser, options);
    await page.goto('/drift');
    await expect(page.getByRole('heading', { level: 1, name: 'Drift nu' })).toBeVisible();
    await expect(page.getByText('Den, der nu spørger efter en model, som ikke er her, venter højst 3 min.')).toBeVisible();
    await expect(page.getByText('beregnet ud fra indstillingerne og ikke målt: 31,3 Wh af modeller, som ingen brugte, og 4,5 Wh til')).toBeVisible();
    const gpu0 = page.getByRole('article', { name: 'GPU 0' });
    await expect(gpu0).toContainText('64 GB af 80 GB optaget, 0 GB ledig. Der gøres plads til Ventende Model, som kræver 40 GB.');
    await expect(gpu0.getByRole('listitem').filter({ hasText: 'Klar Model' })).toContainText(/Klar siden .*\. Nogen spurgte efter den\. 2 i gang, 118 spørgsmål i timen\./);
    await expect(gpu0.getByRole('listitem').filter({ hasText: 'Vigende Model' })).toContainText(/Viger for Ventende Model: .* 1 i gang, 0 spørgsmål i timen\./);
    await expect(gpu0.getByRole('listitem').filter({ hasText: 'Reserveret til Ventende Model' })).toContainText('16 GB');
    await expect(row_of(page, 'Klar Model')).toContainText(/Klar siden \d\d\.\d\d|Klar siden \d+\.11\.2026/);
    await expect(row_of(page, 'Klar Model')).toContainText('Nogen spurgte efter den.');
    await expect(row_of(page, 'Klar Model')).toContainText(/GPU 0, GPU 1/);
    await expect(row_of(page, 'Klar Model')).toContainText(/En motor mere på GPU 1: Klar siden .* Der ventes, og der er plads\./);
    await expect(page.getByRole('article', { name: 'GPU 1' }).getByRole('listitem').filter({ hasText: 'Klar Model' })).toContainText('10 GB');
    await expect(row_of(page, 'Vigende Model')).toContainText('Viger for Ventende Model: Ingen venter på den længere.');
    await expect(row_of(page, 'Kommende Model')).toContainText('Indlæses, ca. 12 s.');
    await expect(row_of(page, 'Ventende Model')).toContainText('Venter på plads, ca. 44 s.');
    await expect(row_of(page, 'Fraværende Model')).toContainText('Den indlæses, når nogen spørger, på ca. 12 s. Ingen havde spurgt efter den længe.');
    await expect(row_of(page, 'Stor Model')).toContainText('Passer ikke, fordi den kræver 404 GB, og den største hukommelse her er 80 GB.');
    await expect(row_of(page, 'Svigtende Model')).toContainText('x.gguf: No such file');
    await expect(page.locator('.bad.why, .bad.head').filter({ hasText: /Klar|Viger|Indlæses|Venter/ }), 'red is for what somebody must act on').toHaveCount(0);
    await expect(page.getByText('Vigende Model får ikke flere spørgsmål her. Ingen venter på den længere, og der er brug for pladsen til Ventende Model.')).toBeVisible();
    expect(await page.locator('main').innerText()).not.toMatch(/undefined|NaN|Infinity|null/);
    await no_sideways_scroll(page, width);
    await no_axe_violations(page);
    await page.emulateMedia({ colorScheme: 'dark' });
    await no_axe_violations(page);
    await page.context().close();
  });
}

test('blocks of the strip are to scale', async ({ browser, guard }) => {
  void guard;
  const { page } = await operator_of(browser);
  await page.goto('/drift');
  const blocks = page.getByRole('article', { name: 'GPU 0' }).locator('.block');
  await expect(blocks).toHaveCount(4);
  const widths = await blocks.evaluateAll((all) => all.map((each) => each.getBoundingClientRect().width));
  const [first = 0, second = 0, other = 0, reserved = 0] = widths;
  expect(first / second).toBeCloseTo(1, 1);
  expect(first / reserved).toBeCloseTo(30 / 16, 1);
  expect(first / other).toBeCloseTo(30 / 4, 0);
  await page.context().close();
});

test('an order is given by keyboard, done at once, and undone', async ({ browser, guard }) => {
  void guard;
  const { page, orders } = await operator_of(browser);
  await keep_toasts(page);
  await page.goto('/drift');
  await page.getByRole('button', { name: 'Tag Klar Model ud af hukommelsen' }).focus();
  await page.keyboard.press('Enter');
  const load = page.getByRole('button', { name: 'Indlæs Klar Model' });
  await expect(load, 'the button becomes its opposite, and keeps the focus').toBeFocused();
  await expect(row_of(page, 'Klar Model')).toContainText('En operatør tog den ud.');
  const told = page.getByRole('status').filter({ hasText: 'Klar Model' });
  await expect(told).toContainText('Klar Model tages ud, når dens sidste svar er færdige.');
  await no_axe_violations(page);
  await page.getByRole('button', { name: 'Fortryd' }).click();
  await expect(row_of(page, 'Klar Model')).toContainText('Indlæses, ca. 12 s.');
  await page.getByRole('button', { name: 'Hold Klar Model fast i hukommelsen' }).click();
  await expect(page.getByRole('button', { name: 'Giv Klar Model fri, så den må vige' })).toBeVisible();
  await expect(row_of(page, 'Klar Model')).toContainText('Holdes altid i hukommelsen.');
  await told.getByRole('button', { name: 'Fortryd' }).click();
  await expect(page.getByRole('button', { name: 'Hold Klar Model fast i hukommelsen' })).toBeVisible();
  expect(orders).toEqual(['unload a/ready:1', 'load a/ready:1', 'pin a/ready:1', 'unpin a/ready:1']);
  await expect(row_of(page, 'Stor Model').getByRole('button')).toHaveCount(0);
  await expect(row_of(page, 'Fjern Model').getByRole('button')).toHaveCount(0);
  await page.context().close();
});

test('a model is put to sleep and woken, and each is undone', async ({ browser, guard }) => {
  void guard;
  const { page, orders } = await operator_of(browser, {}, [model('dozer', 'Døsende Model', { engine: 'vllm', ...there, state: 'ready', cause: 'asked', can_sleep: true, wake_s: 2.5, bytes: 16 * gb })]);
  await keep_toasts(page);
  await page.goto('/drift');
  const row = row_of(page, 'Døsende Model');
  const sleep = row.getByRole('button', { name: 'Lad Døsende Model sove, så dens plads bliver fri' });
  const wake = row.getByRole('button', { name: 'Væk Døsende Model' });
  await sleep.click();
  await expect(row).toContainText('En operatør satte den til at sove.');
  await expect(wake, 'the button becomes its opposite, and keeps the focus').toBeFocused();
  const told = (words: string) => page.getByRole('status').locator('.toast').filter({ hasText: words });
  await no_axe_violations(page);
  await wake.press('Enter');
  await expect(row).toContainText('Vågner, ca. 3 s.');
  await told('Døsende Model vækkes.').getByRole('button', { name: 'Fortryd' }).click();
  await expect(row).toContainText('En operatør satte den til at sove.');
  await told('sættes til at sove').first().getByRole('button', { name: 'Fortryd' }).click();
  await expect(row).toContainText('Vågner, ca. 3 s.');
  expect(orders).toEqual(['sleep dozer', 'wake dozer', 'sleep dozer', 'wake dozer']);
  await page.context().close();
});

test('a refused order says why', async ({ browser, guard }) => {
  guard.allow.push(/status of 409/);
  const { page } = await operator_of(browser);
  await page.goto('/drift');
  await page.getByRole('button', { name: 'Indlæs Vigende Model' }).click();
  await expect(page.getByRole('alert')).toContainText('Den er på vej ud.');
  await no_axe_violations(page);
  await page.context().close();
});

test('what happened turns its pages in the address, and is had as CSV', async ({ browser, guard }) => {
  void guard;
  const { page } = await operator_of(browser);
  await page.goto('/drift');
  await page.getByRole('link', { name: 'Ældre hændelser' }).click();
  await expect(page).toHaveURL(/\/drift\?before=9$/);
  await expect(page.getByText('Klar Model holdes nu altid i hukommelsen.')).toBeVisible();
  await page.reload();
  await expect(page.getByText('Klar Model holdes nu altid i hukommelsen.')).toBeVisible();
  await page.getByRole('link', { name: 'Nyeste hændelser' }).click();
  await expect(page.getByText('Klar Model er klar efter 12 s. Nogen spurgte efter den.')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Hent hændelser som CSV' })).toHaveAttribute('href', /format=csv/);
  await page.context().close();
});

test('it refreshes by itself, tells a screen reader nothing of it, and leads to the log of an engine', async ({ browser, guard }) => {
  void guard;
  const { page } = await operator_of(browser);
  await page.goto('/drift');
  await expect(page.getByRole('button', { name: 'Sæt på pause' })).toBeVisible();
  await page.waitForResponse((response) => new URL(response.url()).pathname === '/api/residency', { timeout: 60_000 });
  expect(await page.locator('main [aria-live], main [role=status], main [role=alert]').count()).toBe(0);
  await expect(page.getByRole('link', { name: 'Motorens log for Klar Model' })).toHaveAttribute('href', '/maintenance?log=a%2Fready%3A1');
  await page.context().close();
});

test('both pages are complete in English', async ({ browser, guard }) => {
  void guard;
  const { page } = await operator_of(browser);
  await page.goto('/drift');
  await speak(page, 'English');
  await expect(page.getByRole('heading', { level: 1, name: 'Running now' })).toBeVisible();
  const leaving = page.getByRole('article', { name: 'GPU 0' }).getByRole('listitem').filter({ hasText: 'Vigende Model' });
  await expect(leaving).toContainText(/Makes room for Ventende Model: nobody waits for it any more\. .* 1 running, 0 questions an hour\./);
  expect(await page.locator('main').innerText()).not.toMatch(/\b(Hukommelse|ledig|optaget|venter|Nogen|Hændelser|indlæst)\b/);
  await page.goto('/models');
  await expect(page.getByRole('heading', { level: 1, name: 'Models' })).toBeVisible();
  await expect(page.getByText('Does not fit, because it needs 404 GB and the largest memory here is 80 GB.')).toBeVisible();
  expect(await page.locator('main').innerText()).not.toMatch(/\b(Kræver|Slags|Samtale|Passer|hukommelse)\b/);
  await page.context().close();
});

for (const width of [1280, 320]) {
  test(`Modeller is the catalogue as one flat list, ${width} px wide`, async ({ browser, guard }) => {
    void guard;
    const { page } = await operator_of(browser, { viewport: { width, height: 800 } });
    await page.goto('/models');
    await expect(page.getByRole('heading', { level: 1, name: 'Modeller' })).toBeVisible();
    await expect(row_of(page, 'Klar Model')).toContainText('standard');
    await expect(row_of(page, 'Klar Model')).toContainText('30 GB');
    await expect(row_of(page, 'Klar Model')).toContainText('12 s vågner på 0,9 s');
    await expect(row_of(page, 'Stor Model')).toContainText('Passer ikke, fordi den kræver 404 GB');
    await expect(row_of(page, 'Fjern Model')).toContainText('Kører et andet sted');
    expect(await page.locator('main').innerText()).not.toMatch(/undefined|NaN|Infinity|null/);
    await no_sideways_scroll(page, width);
    await no_axe_violations(page);
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Hent modeller som CSV' }).click();
    const saved = await download;
    expect(saved.suggestedFilename()).toBe('faelled-modeller.csv');
    const [head = '', ready = ''] = readFileSync(await saved.path(), 'utf8').split('\n');
    expect(ready).toContain(';12;0,94;Klar');
    expect(ready.split(';').length, 'a heading for each cell').toBe(head.split(';').length);
    await page.getByRole('link', { name: /Drift nu, hvilke/ }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Drift nu' })).toBeFocused();
    await page.context().close();
  });
}

test('the server as it is: a member has neither page, and an operator finds both in the menu', async ({ browser, page, guard }) => {
  guard.allow.push(/status of 403/);
  await page.goto('/drift');
  await expect(page.getByRole('heading', { name: 'Oplysningerne kunne ikke hentes' })).toBeVisible();
  const operator = await signed_in_as(browser, 'operator');
  await operator.getByRole('navigation', { name: 'Sider' }).getByRole('link', { name: 'Drift nu' }).click();
  await expect(operator.getByRole('heading', { name: 'Hændelser' })).toBeVisible();
  await no_axe_violations(operator);
  await operator.getByRole('navigation', { name: 'Sider' }).getByRole('link', { name: 'Modeller' }).click();
  await expect(operator.getByRole('heading', { level: 1, name: 'Modeller' })).toBeFocused();
  await no_axe_violations(operator);
  await operator.context().close();
});

test('the server as it is: what becomes of a model is seen while one looks on', async ({ browser, guard }) => {
  void guard;
  const page = await signed_in_as(browser, 'operator');
  await page.goto('/drift');
  const { models } = (await (await page.request.get('/api/residency')).json()) as { models: { id: string; name: string; state: string; bytes: number; pinned: boolean }[] };
  const one = models.find((each) => each.state === 'ready' && each.bytes > 0 && !each.pinned);
  if (!one) throw new Error('no model is ready');
  const order = async (act: string) => expect((await page.request.post(`/api/models/${encodeURIComponent(one.id)}/residency`, { data: { act } })).ok()).toBe(true);
  const row = row_of(page, one.name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  let loads = 0;
  page.on('framenavigated', () => loads++);
  await expect(row).toContainText('Klar siden');
  try {
    await order('unload'); // by somebody else: the page is told nothing
    await expect(row).toContainText('En operatør tog den ud.', { timeout: 90_000 });
    await expect(row.getByRole('button', { name: `Indlæs ${one.name}` })).toBeVisible();
    await order('load');
    await expect(row).toContainText('Klar siden', { timeout: 180_000 });
    await expect(row).toContainText('En operatør bad om det.');
    await expect(page.getByRole('listitem').filter({ hasText: `${one.name} er klar` }).first()).toBeVisible();
  } finally {
    await order('load'); // the other tests want it there
  }
  expect(loads).toBe(0);
  await page.context().close();
});
