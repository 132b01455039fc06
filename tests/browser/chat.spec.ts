import { answered, answers, ask, ask_and_catch, conversation_list, conversation_on_server, copied_answer, ended, expect, field, go_to, hold_back, last_answer, no_axe_violations, open_new, slow_answers, stop_button, stop_if_going, test, words_of } from './page';

test('a new conversation tells in plain words what the model is', async ({ page }) => {
  await open_new(page);
  const card = page.locator('.welcome .card');
  await expect(card).toContainText('Hvor den kører');
  await expect(page.getByText('kunstig intelligens', { exact: false }).first()).toBeVisible();
  const { models } = await (await page.request.get('/api/models')).json();
  const shown = models.find((each: { state: string }) => each.state === 'ready') ?? models[0];
  await expect(card).toContainText(shown.name);
  if (shown.demo) await expect(card).toContainText('det er ikke den, du ville bruge på arbejde');
  await no_axe_violations(page);
});

test('an answer is shown as it comes, without moving the page, and is announced once', async ({ page }) => {
  await slow_answers(page);
  await open_new(page);
  await page.evaluate(() => {
    const seen = { lengths: [] as number[], said: [] as string[], shift: 0 };
    Object.assign(window, { seen });
    new MutationObserver(() => {
      const length = [...document.querySelectorAll('article.answer')].at(-1)?.querySelector('.words')?.textContent?.length ?? 0;
      if (length && length !== seen.lengths.at(-1)) seen.lengths.push(length);
      for (const region of document.querySelectorAll('[role=status], [aria-live]')) {
        const text = region.textContent?.trim() ?? '';
        if (text && text !== seen.said.at(-1)) seen.said.push(text);
      }
    }).observe(document.body, { childList: true, characterData: true, subtree: true });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as unknown as { value: number; hadRecentInput: boolean }[]) if (!entry.hadRecentInput) seen.shift += entry.value;
    }).observe({ type: 'layout-shift' });
  });
  type Seen = { lengths: number[]; said: string[]; shift: number };
  let seen: Seen = { lengths: [], said: [], shift: 0 };
  // A small model's answer may be too short to be seen growing: then it is asked again.
  const enough = { steps: 5, letters: 20 };
  const grew = () => seen.lengths.length >= enough.steps && Math.max(...seen.lengths) >= enough.letters;
  for (let tries = 0; tries < 8 && !grew(); tries++) {
    await page.evaluate(() => Object.assign((window as unknown as { seen: object }).seen, { lengths: [], said: [], shift: 0 }));
    await ask_and_catch(page);
    await page.waitForFunction(
      ({ steps, letters }) => {
        const { lengths } = (window as unknown as { seen: Seen }).seen;
        return (lengths.length >= steps && Math.max(...lengths) >= letters) || !document.querySelector('[aria-busy=true]');
      },
      enough,
      { timeout: 60_000 },
    );
    await stop_if_going(page);
    seen = await page.evaluate(() => (window as unknown as { seen: Seen }).seen);
  }
  expect(grew(), `lengths seen: ${seen.lengths}`).toBe(true);
  // "2." is text until the item's words come and make it a list's marker: that much may go, no more.
  seen.lengths.forEach((length, i) => expect(length, `lengths seen: ${seen.lengths}`).toBeGreaterThanOrEqual(Math.max(0, ...seen.lengths.slice(0, i)) - 4));
  expect(seen.shift).toBeLessThan(0.02);
  expect(seen.said.filter((each) => /^(Svaret er|Spørgsmålet)/.test(each)).length).toBeGreaterThanOrEqual(1);
  expect(seen.said.length).toBeLessThanOrEqual(4);
  expect(new URL(page.url()).pathname).toMatch(/^\/c\/.+/);
});

test('a refresh in the middle of an answer loses nothing', async ({ page }) => {
  await open_new(page);
  const before = await ask_and_catch(page);
  await page.reload();
  await expect(words_of(last_answer(page))).toBeVisible();
  await page.waitForFunction(
    (had) => {
      const all = document.querySelectorAll('article.answer');
      const last = all[all.length - 1];
      return last?.getAttribute('aria-busy') === 'false' || (last?.textContent?.length ?? 0) > had + 40;
    },
    before.length,
    { timeout: 60_000 },
  );
  await stop_if_going(page);
  const shown = await words_of(last_answer(page)).textContent();
  expect(shown?.replace(/\s+/g, '').startsWith(before.replace(/\s+/g, '').slice(0, -4))).toBe(true);

  const copied = await copied_answer(page);
  const { body } = await conversation_on_server(page);
  expect(body.turn).toBeNull();
  expect(copied).toBe(body.messages.at(-1).content);
  expect(['done', 'stopped']).toContain(body.messages.at(-1).state);
});

test('stop stops, and keeps what was written', async ({ page }) => {
  await open_new(page);
  const stopped = last_answer(page).getByText('Du stoppede svaret her.');
  for (let tries = 0; tries < 12 && !(await stopped.isVisible()); tries++) {
    await ask_and_catch(page);
    await stop_button(page).press('Enter', { timeout: 10_000 }).catch(() => {}); // it may just have ended
    await ended(page);
  }
  await expect(stopped).toBeVisible();
  const copied = await copied_answer(page);
  const { body } = await conversation_on_server(page);
  expect(body.messages.at(-1)).toMatchObject({ role: 'assistant', state: 'stopped', content: copied });
  expect(copied.length).toBeGreaterThan(0);
  await page.reload();
  await expect(last_answer(page)).toContainText('Du stoppede svaret her.');
});

test('an answer goes on while another conversation is read', async ({ page }) => {
  await open_new(page);
  await ask_and_catch(page);
  const address = page.url();
  await page.getByRole('button', { name: 'Ny samtale' }).click();
  await expect(page.locator('.welcome')).toBeVisible();
  await page.goBack();
  expect(page.url()).toBe(address);
  await expect(words_of(last_answer(page))).toBeVisible();
  await stop_if_going(page);
  const { body } = await conversation_on_server(page);
  expect(await copied_answer(page)).toBe(body.messages.at(-1).content);
});

test('an answer is followed after a refresh elsewhere, and the list hears when it is over', async ({ page }) => {
  await open_new(page);
  let id = '';
  for (let tries = 0, running = false; tries < 6 && !running; tries++) {
    await ask_and_catch(page);
    id = new URL(page.url()).pathname.replace('/c/', '');
    const watched = page.waitForRequest((request) => request.url().includes('/events'), { timeout: 60_000 }).catch(() => null);
    const listed = page.waitForResponse((response) => new URL(response.url()).pathname === '/api/conversations');
    await page.goto('/');
    const { conversations } = await (await listed).json();
    running = conversations.find((each: { id: string }) => each.id === id)?.running ?? false; // a short answer is over by now
    if (running) expect(await watched).not.toBeNull();
    else await page.goto(`/c/${id}`);
  }
  const { turn } = await (await page.request.get(`/api/conversations/${id}`)).json();
  if (turn) await page.request.delete(`/api/turns/${turn.id}`, { headers: { 'content-type': 'application/json' } });
  await expect(conversation_list(page).getByText('svar på vej')).toHaveCount(0);
});

test('a second question goes into the same conversation', async ({ page }) => {
  await open_new(page);
  await ask(page, 'Svar kort: Er Aarhus en by?');
  await answered(page);
  await stop_if_going(page);
  const address = page.url();
  await ask(page, 'Svar kort: Og Odense?');
  await expect(answers(page)).toHaveCount(2);
  await answered(page);
  await stop_if_going(page);
  expect(page.url()).toBe(address);
  await no_axe_violations(page);
});

test('a half-written question survives a refresh and a look at another conversation', async ({ page }) => {
  await open_new(page);
  await field(page).fill('Hvordan skriver jeg til en borger om');
  await page.reload();
  await expect(field(page)).toHaveValue('Hvordan skriver jeg til en borger om');
  await conversation_list(page).getByRole('link').first().click();
  await expect(field(page)).toHaveValue('');
  await page.goBack();
  await expect(field(page)).toHaveValue('Hvordan skriver jeg til en borger om');
  await field(page).fill('');
  await page.reload();
  await expect(field(page)).toHaveValue('');
});

test('what is typed while an answer is written is there after a look at another conversation', async ({ page }) => {
  await open_new(page);
  const let_go = await hold_back(page, '**/api/turns/*/events*');
  await ask(page, 'Svar kort: imens');
  await expect(page).toHaveURL(/\/c\//);
  await expect(stop_button(page)).toBeVisible();
  await field(page).fill('Og hvad så med');
  await page.getByRole('button', { name: 'Ny samtale' }).click();
  await expect(field(page)).toHaveValue('');
  await page.goBack();
  await expect(stop_button(page)).toBeVisible();
  await expect(field(page)).toHaveValue('Og hvad så med');
  await field(page).fill('');
  let_go();
  await answered(page);
  await stop_if_going(page);
  await page.unroute('**/api/turns/*/events*');
});

test('a conversation that begins while another page is read leaves that page its address', async ({ page }) => {
  await open_new(page);
  const let_go = await hold_back(page, '**/api/conversations');
  await ask(page, 'Svar kort: begynder imens');
  await go_to(page, 'Mine nøgler');
  await expect(page.getByRole('heading', { level: 1, name: 'Mine nøgler' })).toBeVisible();
  const asked = page.waitForResponse((response) => response.url().endsWith('/turns'));
  let_go();
  expect((await asked).ok()).toBe(true);
  await expect(page).toHaveURL(/\/keys$/);
  await go_to(page, 'Chat');
  await expect(page).toHaveURL(/\/c\//);
  await expect(page.locator('article.asked')).toHaveText(/begynder imens/);
  await answered(page);
  await stop_if_going(page);
  await page.unroute('**/api/conversations');
});

test('Shift+Enter makes a new line and an empty question is not sent', async ({ page }) => {
  await open_new(page);
  await field(page).press('Enter');
  await expect(page.locator('article')).toHaveCount(0);
  await field(page).pressSequentially('en');
  await field(page).press('Shift+Enter');
  await field(page).pressSequentially('to');
  await expect(field(page)).toHaveValue('en\nto');
  await field(page).fill('');
});

test('the model’s words can be opened from the writing field', async ({ page }) => {
  await open_new(page);
  await page.getByRole('button', { name: /Om modellen/ }).click();
  const dialog = page.getByRole('dialog', { name: 'Om modellen' });
  await expect(dialog).toContainText('God til');
  await no_axe_violations(page);
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
});
