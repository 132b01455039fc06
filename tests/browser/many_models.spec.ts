// A catalogue that is too large to be shown at once: Modeller, Drift nu, Status and the chat's choice of a model show a
// part, and search the server for the rest.
import { among_many, id_of, offered, resident } from './many';
import { expect, field, no_axe_violations, no_sideways_scroll, refusal, speak, test } from './page';
import type { Page } from '@playwright/test';

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
  await expect(told(page)).toHaveText('100 modeller vises.');
  await page.getByRole('button', { name: 'Vis flere modeller' }).click();
  await expect(page.getByRole('main').getByRole('rowheader')).toHaveCount(200);
  await expect(told(page)).toHaveText('200 modeller vises.');
  await no_axe_violations(page);
  await page.context().close();
});

test('an answer of before does not take the place of what came after it', async ({ browser, guard }) => {
  void guard;
  const { page } = await among_many(browser, 'user');
  await page.goto('/status');
  await expect(told(page)).toHaveText('100 modeller vises.');
  let let_go = () => {};
  const released = new Promise<void>((resolve) => (let_go = resolve));
  await page.route('**/api/status?limit=100', async (route) => {
    await released;
    await route.fallback();
  });
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange'))); // the page looks again
  await page.getByRole('button', { name: 'Vis flere modeller' }).click();
  await expect(told(page)).toHaveText('200 modeller vises.');
  const late = page.waitForResponse((response) => response.url().endsWith('limit=100'));
  let_go();
  await (await late).finished();
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
  await expect(told(page)).toHaveText('200 modeller vises.');
  await page.context().close();
});

for (const [path, address] of [['/models', '**/api/catalogue?*search=*'], ['/drift', '**/api/residency?*search=*']] as const) {
  test(`what ${path} found before is not told as what is searched for now`, async ({ browser, guard }) => {
    guard.allow.push(/status of 503/);
    const { page } = await among_many(browser, 'operator');
    await page.goto(path);
    await expect(told(page).first()).toContainText('af 347 modeller vises.');
    let let_go = () => {};
    let released = new Promise<void>((resolve) => (let_go = resolve));
    let failing = false;
    await page.route(address, async (route) => {
      await released;
      return failing ? route.fulfill(refusal(503, 'draining', 'Serveren starter.', 'Restarting.', 'req_testmany')) : route.fallback();
    });
    await page.getByRole('searchbox', { name: 'Find en model' }).fill('standard');
    await expect(told(page).first()).toHaveText('Søger …');
    let_go();
    await expect(told(page).first()).toHaveText('1 fundet.');
    failing = true;
    await page.getByRole('searchbox', { name: 'Find en model' }).fill('fagmodel 1');
    await expect(told(page).first()).toHaveText('Søgningen virkede ikke.');
    await page.context().close();
  });
}

test('where more failed or were left out than are shown, it is said', async ({ browser, guard }) => {
  void guard;
  const { page } = await among_many(browser, 'operator');
  await page.route('**/api/catalogue?*', (route) =>
    route.fulfill({ json: { models: [], next: null, total: 347, left_out: [{ id: 'a', definition: null, why: 'Gone.', why_da: 'Væk.' }], left_out_total: 2500 } }),
  );
  await page.goto('/models');
  await expect(page.getByRole('region', { name: 'Kom ikke med ved start' })).toContainText('De første 1 af 2.500 modeller vises.');
  await page.route('**/api/residency?*state=failed*', (route) => route.fulfill({ json: { at: '2026-11-24T11:03:00.000000Z', devices: [], models: Array.from({ length: 100 }, (_, at) => resident(`syg/${at}`, `Syg ${at}`, { state: 'failed', cause: 'broken' })), next: 'syg/99', total: 347, wait_at_most_s: 120, modelled_energy: null } }));
  await page.goto('/drift');
  await expect(page.getByText('De første 100 modeller, der ikke virker, står øverst. Der er flere.')).toBeVisible();
  await no_axe_violations(page);
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
  await expect(finder.getByRole('status')).toHaveText('De første 20. Skriv mere for at finde andre.');
  let let_go = () => {};
  const released = new Promise<void>((resolve) => (let_go = resolve));
  await page.route('**/api/models?*search=*', async (route) => {
    await released;
    await route.fallback();
  });
  await page.keyboard.type('fagmodel 299');
  await expect(finder.getByRole('status'), 'what was found before is no answer').toHaveText('Søger …');
  let_go();
  await expect(finder.getByRole('status')).toHaveText('Fundet: 1.');
  await no_axe_violations(page);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(finder).toHaveCount(0);
  await expect(page.getByRole('combobox', { name: 'Model' })).toHaveValue(id_of(299));
  expect(asked.some((each) => /search=fagmodel(\+|%20)299/.test(each) && each.includes('serves=chat'))).toBe(true);
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

/** The page of a conversation with this model. */
async function conversation_with(page: Page, model: string) {
  const conversation = { id: 'con_far', title: 'Fjern', model, created_at: '2026-11-24T11:00:00.000000Z', updated_at: '2026-11-24T11:00:00.000000Z', leaf: null, running: false };
  await page.route('**/api/conversations/con_far', (route) => route.fulfill({ json: { ...conversation, messages: [], turn: null } }));
  const asked: unknown[] = [];
  await page.route('**/api/conversations/con_far/turns', (route) => {
    asked.push(route.request().postDataJSON());
    return route.fulfill(refusal(503, 'draining', 'Serveren starter.', 'Restarting.', 'req_testmany'));
  });
  return asked;
}

test('a question goes to no other model than the conversation’s while that one is looked for', async ({ browser, guard }) => {
  guard.allow.push(/status of 503/);
  const { page, asked } = await among_many(browser, 'user');
  const questions = await conversation_with(page, 'z/klar');
  let let_go = () => {};
  const released = new Promise<void>((resolve) => (let_go = resolve));
  await page.route('**/api/models?*id=*', async (route) => {
    await released;
    await route.fallback();
  });
  await page.goto('/c/con_far');
  const model = page.getByRole('combobox', { name: 'Model' });
  await expect(model.getByRole('option', { selected: true })).toHaveText('Henter model …');
  await field(page).fill('Hvad er klokken?');
  await field(page).press('Enter');
  await expect(page.getByRole('button', { name: 'Send', exact: true })).toBeDisabled();
  await expect(field(page)).toHaveValue('Hvad er klokken?');
  await no_axe_violations(page);
  let_go();
  await expect(model).toHaveValue('z/klar');
  expect(asked.filter((each) => each.includes('id=')).every((each) => each.includes('id=z/klar') || each.includes('id=z%2Fklar'))).toBe(true);
  await field(page).press('Enter');
  await expect(page.getByText('Spørgsmålet blev ikke sendt')).toBeVisible();
  expect(questions).toEqual([{ content: 'Hvad er klokken?', model: 'z/klar', after: '' }]);
  await page.context().close();
});

test('where the conversation’s model could not be looked for, that is said, and it is looked for again', async ({ browser, guard }) => {
  guard.allow.push(/status of 503/);
  const { page } = await among_many(browser, 'user', { viewport: { width: 320, height: 640 } });
  const questions = await conversation_with(page, 'z/klar');
  let failing = true;
  await page.route('**/api/models?*id=*', (route) => (failing ? route.fulfill(refusal(503, 'draining', 'Serveren starter.', 'Restarting.', 'req_testmany')) : route.fallback()));
  await page.goto('/c/con_far');
  await expect(page.getByRole('alert')).toContainText('Samtalens model kunne ikke hentes');
  await field(page).fill('Hvad er klokken?');
  await field(page).press('Enter');
  await no_axe_violations(page);
  await no_sideways_scroll(page, 320);
  failing = false;
  await page.getByRole('alert').getByRole('button', { name: 'Prøv igen' }).click();
  await expect(page.getByRole('combobox', { name: 'Model' })).toHaveValue('z/klar');
  await expect(page.getByRole('alert')).toHaveCount(0);
  expect(questions).toEqual([]);
  await page.context().close();
});

test('where the conversation’s model is gone, it is said which one answers', async ({ browser, guard }) => {
  void guard;
  const { page } = await among_many(browser, 'user');
  await conversation_with(page, 'væk/model');
  await page.goto('/c/con_far');
  await expect(page.getByText('Modellen væk/model er ikke på listen nu. Dit næste spørgsmål går til Fagmodel 0.')).toBeVisible();
  await expect(field(page)).toHaveAccessibleDescription(/Modellen væk\/model er ikke på listen nu/);
  await no_axe_violations(page);
  await page.context().close();
});

test('of a catalogue of some hundred all are allowed but those that are taken away by search', async ({ browser, guard }) => {
  void guard;
  const { page, asked } = await among_many(browser, 'member_admin');
  const saved: { models: string[] }[] = [];
  await page.route('**/api/members/*/policy', async (route) => {
    if (route.request().method() !== 'PATCH') return route.fallback();
    saved.push(route.request().postDataJSON());
    return route.fulfill({ json: { ...(await (await route.fetch({ method: 'GET', postData: '' })).json()), ...route.request().postDataJSON() } });
  });
  await page.goto('/people/policy');
  await page.getByRole('radio', { name: 'Kun disse' }).check();
  const models = page.getByRole('group', { name: 'Hvilke modeller må bruges?' });
  await expect(models.getByText('Valgt: 347')).toBeVisible();
  await expect(models.getByRole('checkbox')).toHaveCount(30);
  await models.getByRole('searchbox').fill('klar');
  const found = models.getByRole('button', { name: /Klar Model/ });
  await expect(found).toHaveAttribute('aria-pressed', 'true');
  await found.click();
  await expect(found).toHaveAttribute('aria-pressed', 'false');
  await expect(models.getByText('Valgt: 346')).toBeVisible();
  await models.getByRole('button', { name: 'Vis alle 347' }).click();
  await models.getByRole('checkbox', { name: 'Fagmodel 300', exact: true }).uncheck();
  await expect(models.getByText('Valgt: 345')).toBeVisible();
  await no_axe_violations(page);
  await page.getByRole('button', { name: 'Gem reglerne' }).click();
  await expect(page.getByText('Reglerne er gemt.')).toBeVisible();
  expect(saved[0]?.models).toHaveLength(345);
  expect(saved[0]?.models).not.toContain('z/klar');
  expect(asked.filter((each) => each.includes('beyond_policy=true')).length).toBeGreaterThanOrEqual(2);
  await page.context().close();
});

test('of a larger one those that are wanted are searched for', async ({ browser, guard }) => {
  void guard;
  const { page } = await among_many(browser, 'member_admin', { viewport: { width: 320, height: 640 } }, 1200);
  const saved: unknown[] = [];
  await page.route('**/api/members/*/policy', async (route) => {
    if (route.request().method() !== 'PATCH') return route.fallback();
    saved.push(route.request().postDataJSON());
    return route.fulfill({ json: { ...(await (await route.fetch({ method: 'GET', postData: '' })).json()), ...route.request().postDataJSON() } });
  });
  await page.goto('/people/policy');
  await page.getByRole('radio', { name: 'Kun disse' }).check();
  const models = page.getByRole('group', { name: 'Hvilke modeller må bruges?' });
  await expect(models.getByRole('checkbox')).toHaveCount(0);
  await page.getByRole('button', { name: 'Gem reglerne' }).click();
  await expect(models.getByRole('alert')).toContainText('Vælg mindst én model');
  await models.getByRole('searchbox').fill('fagmodel 1150');
  await models.getByRole('searchbox').press('Enter');
  await models.getByRole('button', { name: /Fagmodel 1150/ }).click();
  await expect(models.getByRole('checkbox', { name: 'Fagmodel 1150' })).toBeChecked();
  await models.getByRole('checkbox', { name: 'Fagmodel 1150' }).uncheck();
  await expect(models.getByRole('checkbox', { name: 'Fagmodel 1150' }), 'it can be chosen again').toBeFocused();
  await models.getByRole('checkbox', { name: 'Fagmodel 1150' }).check();
  await no_sideways_scroll(page, 320);
  await no_axe_violations(page);
  await page.getByRole('button', { name: 'Gem reglerne' }).click();
  await expect(page.getByText('Reglerne er gemt.')).toBeVisible();
  expect(saved).toEqual([{ models: [id_of(1150)] }]);
  await page.context().close();
});

test('where more are allowed than can be kept, it is said how many to take away', async ({ browser, guard }) => {
  void guard;
  const { page } = await among_many(browser, 'member_admin', {}, 1200);
  const saved: { models: string[] }[] = [];
  await page.route('**/api/members/*/policy', async (route) => {
    const change = route.request().method() === 'PATCH' ? (route.request().postDataJSON() as { models: string[] }) : { models: Array.from({ length: 500 }, (_, at) => id_of(at)) };
    if (route.request().method() === 'PATCH') saved.push(change);
    return route.fulfill({ json: { ...(await (await route.fetch({ method: 'GET', postData: '' })).json()), ...change } });
  });
  await page.goto('/people/policy');
  const models = page.getByRole('group', { name: 'Hvilke modeller må bruges?' });
  await expect(models.getByText('Valgt: 500')).toBeVisible();
  await expect(models.getByRole('alert')).toHaveCount(0);
  await models.getByRole('searchbox').fill('klar');
  await models.getByRole('button', { name: /Klar Model/ }).click();
  await expect(models.getByRole('alert')).toHaveText('Der kan vælges højst 500 modeller. Fravælg 1, eller vælg alle modeller.');
  await no_axe_violations(page);
  await page.getByRole('button', { name: 'Gem reglerne' }).click();
  await expect(models.getByRole('radio', { name: 'Alle, også dem der kommer til' })).toBeFocused();
  await speak(page, 'English');
  await expect(page.getByRole('main').getByRole('alert')).toHaveText('At most 500 models can be chosen. Take 1 away, or choose all models.');
  await speak(page, 'Dansk');
  await models.getByRole('checkbox', { name: 'Fagmodel 7', exact: true }).uncheck();
  await expect(models.getByRole('alert')).toHaveCount(0);
  await page.getByRole('button', { name: 'Gem reglerne' }).click();
  await expect(page.getByText('Reglerne er gemt.')).toBeVisible();
  expect(saved.map((each) => each.models.length)).toEqual([500]);
  await page.context().close();
});

test('a key is limited to a model that no list has, and its example asks that one', async ({ browser, guard }) => {
  void guard;
  const { page } = await among_many(browser, 'user', {}, 1200);
  const wished: unknown[] = [];
  await page.route('**/api/keys', (route) => {
    if (route.request().method() !== 'POST') return route.fallback();
    const { name, models } = route.request().postDataJSON() as { name: string; models: string[] };
    wished.push(models);
    return route.fulfill({ status: 201, json: { id: 'key_1', name, models, user: 'usr', user_name: null, created_at: '2026-11-24T11:00:00Z', expires_at: null, last_used_at: null, revoked_at: null, replaced_by: null, secret: 'fk_0123456789abcdefghijklmnop' } });
  });
  await page.goto('/keys');
  await page.getByRole('button', { name: 'Lav en nøgle' }).click();
  const form = page.getByRole('dialog', { name: 'Lav en nøgle' });
  await form.getByRole('textbox', { name: 'Navn' }).fill('Fjern');
  await form.getByRole('radio', { name: 'Kun dem, jeg vælger' }).check();
  await expect(form.getByText('Vælg mindst én model.')).toHaveCount(0);
  await form.getByRole('button', { name: 'Lav nøglen' }).click();
  await expect(form.getByText('Vælg mindst én model.')).toBeVisible();
  await form.getByRole('searchbox').fill('syg');
  await form.getByRole('button', { name: /Syg Model/ }).click();
  await no_axe_violations(page);
  await form.getByRole('button', { name: 'Lav nøglen' }).click();
  const made = page.getByRole('dialog', { name: 'Nøglen »Fjern« er klar' });
  await expect(made.locator('pre')).toContainText('z/syg');
  await expect(made.locator('pre')).not.toContainText('MODEL');
  expect(wished).toEqual([['z/syg']]);
  await page.context().close();
});

test('the log of an engine is found by its model, which an adapter has too', async ({ browser, guard }) => {
  void guard;
  const { page } = await among_many(browser, 'operator');
  await page.route('**/api/models?*search=*', (route) => route.fulfill({ json: { models: [{ ...offered('z/klar:jura', 'Klar Model: jura'), base: 'z/klar' }], next: null } }));
  await page.route('**/api/engine-log?*', (route) => route.fulfill({ json: { model: new URL(route.request().url()).searchParams.get('model'), text: 'loaded', further: [] } }));
  await page.goto('/maintenance');
  const logs = page.getByRole('region', { name: 'Hvad modellens motor skrev' });
  await logs.getByRole('searchbox').fill('jura');
  await logs.getByRole('button', { name: /Klar Model: jura/ }).click();
  await expect(page).toHaveURL(/log=z(\/|%2F)klar$/);
  await expect(logs.locator('pre')).toHaveText('loaded');
  await expect(logs.getByRole('listitem')).toHaveCount(1);
  await no_axe_violations(page);
  await page.context().close();
});
