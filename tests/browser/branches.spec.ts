// What one can do with a question and an answer: edit, write again, go on, read another way through, rate, copy, search.
import type { Page } from '@playwright/test';
import { answered, answers, ask, base_url, conversation_list, conversation_on_server, copy_button, ended, events, expect, field, item, last_answer, no_axe_violations, open_new, refusal, stop_if_going, test, words_of, written_again } from './page';

const questions = (page: Page) => page.locator('article.asked');
const turn_events = '**/api/turns/*/events*';

/** In a new conversation, until the answer has words: a small model may have nothing to say. */
async function asked_and_answered(page: Page, question: string) {
  for (let tries = 0; tries < 6; tries++) {
    await open_new(page);
    await ask(page, question);
    await answered(page);
    await stop_if_going(page);
    if (await words_of(last_answer(page)).isVisible()) return;
  }
  throw new Error('no answer had words');
}

test('an edited question begins another branch, and the old one is a step away', async ({ page }) => {
  await asked_and_answered(page, 'Svar kort: Er Odense en by?');
  await page.getByRole('button', { name: 'Ret spørgsmålet' }).click();
  const edit = page.getByRole('textbox', { name: 'Dit spørgsmål, rettet' });
  await expect(edit).toBeFocused();
  await expect(edit).toHaveValue('Svar kort: Er Odense en by?');
  await no_axe_violations(page);
  await edit.fill('Svar kort: Er Fyn en ø?');
  await edit.press('Enter');
  await expect(field(page)).toBeFocused();
  await expect(questions(page)).toHaveText(/Er Fyn en ø/);
  await answered(page);
  await stop_if_going(page);
  const versions = page.getByRole('group', { name: 'Udgave 2 af 2' });
  await expect(versions).toBeVisible();
  await no_axe_violations(page);
  const chosen = page.waitForResponse((response) => response.request().method() === 'PATCH');
  await versions.getByRole('button', { name: 'Forrige' }).click();
  expect((await chosen).ok()).toBe(true);
  await expect(questions(page)).toHaveText(/Er Odense en by/);
  await expect(page.getByRole('group', { name: 'Udgave 1 af 2' }).getByRole('button', { name: 'Næste' })).toBeFocused();
  await page.reload();
  await expect(questions(page)).toHaveText(/Er Odense en by/);
  const { body } = await conversation_on_server(page);
  expect(body.messages.filter((each: { role: string }) => each.role === 'user')).toHaveLength(2);
});

test('Escape leaves a question as it was, and the focus where it was', async ({ page }) => {
  await asked_and_answered(page, 'Svar kort: som det var');
  await page.getByRole('button', { name: 'Ret spørgsmålet' }).click();
  await page.getByRole('textbox', { name: 'Dit spørgsmål, rettet' }).fill('noget andet');
  await page.keyboard.press('Escape');
  await expect(questions(page)).toHaveText(/som det var/);
  await expect(page.getByRole('button', { name: 'Ret spørgsmålet' })).toBeFocused();
});

test('an answer written again stands beside the first, and both survive a refresh', async ({ page }) => {
  await asked_and_answered(page, 'Svar kort: igen');
  const first = await words_of(last_answer(page)).textContent();
  await page.getByRole('button', { name: 'Skriv svaret igen' }).click();
  await written_again(page);
  await expect(answers(page)).toHaveCount(1);
  await page.reload();
  const group = page.getByRole('group', { name: 'Svar 2 af 2' });
  await expect(group.getByRole('button', { name: 'Næste' })).toBeDisabled();
  await group.getByRole('button', { name: 'Forrige' }).click();
  await expect(words_of(last_answer(page))).toHaveText(first ?? '');
});

test('an answer that ended at its limit says so, and goes on when it is asked to', async ({ page }) => {
  await open_new(page);
  await page.route(turn_events, (route) =>
    route.fulfill(events({ name: 'delta', id: 7, data: { text: 'Halvt s' } }, { name: 'end', id: 7, data: { state: 'done', error: null, request_id: 'req_testlimit', limit: 'tokens', usage: { input_tokens: 9, output_tokens: 1024 } } })),
  );
  await ask(page, 'Svar kort: et svar ved grænsen');
  await expect(last_answer(page)).toContainText('Svaret er langt og er standset her.');
  await expect(page.getByText('Svaret er standset, fordi det er langt. Du kan bede det fortsætte.')).toBeAttached();
  await no_axe_violations(page);
  await page.unroute(turn_events);
  await page.reload(); // what the server itself has of it
  await stop_if_going(page);
});

// A real model does not stop where it is told to; src/portal/branching_test.cpp has the server's side.
if (process.env.FAELLED_MOCK) test('further words are put to the same answer', async ({ page }) => {
  await asked_and_answered(page, 'Et svar, der når grænsen');
  await last_answer(page).getByRole('button', { name: 'Fortsæt' }).click();
  await expect(words_of(last_answer(page))).toHaveText(/^Ja\. Det kan du roligt gøre\. Og her er resten\.$/);
  await ended(page);
  await expect(last_answer(page).getByRole('button', { name: 'Fortsæt' })).toHaveCount(0);
  await expect(answers(page)).toHaveCount(1);
});

test('a copied answer says that an AI wrote it, until one chooses otherwise', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: base_url() });
  await asked_and_answered(page, 'Svar kort: kopi');
  const copied = async () => {
    await copy_button(page).click();
    return (await page.evaluate(() => navigator.clipboard.readText())).replace(/\r\n/g, '\n');
  };
  const { models } = await (await page.request.get('/api/models')).json();
  const year = new Date().getFullYear();
  expect(await copied()).toMatch(new RegExp(`\\n\\n— Skrevet med AI \\((${models.map((each: { name: string }) => each.name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')}), \\d+\\. [a-z]+ ${year}\\)$`));
  const address = page.url();
  await page.goto('/privacy');
  await page.getByRole('checkbox', { name: 'Kopiér svar uden linjen »Skrevet med AI«' }).check();
  await page.goto(address);
  await answered(page);
  expect(await copied()).not.toContain('Skrevet med AI');
  await page.goto('/privacy');
  await page.getByRole('checkbox', { name: 'Kopiér svar uden linjen »Skrevet med AI«' }).uncheck();
});

test('an answer is found good or bad, with a reason that is one’s own', async ({ page, guard }) => {
  guard.allow.push(/status of 503/);
  await asked_and_answered(page, 'Svar kort: bedøm');
  const good = last_answer(page).getByRole('button', { name: 'Godt svar' });
  const bad = last_answer(page).getByRole('button', { name: 'Dårligt svar' });
  await good.click();
  await expect(good).toHaveAttribute('aria-pressed', 'true');
  await bad.click();
  await expect(good).toHaveAttribute('aria-pressed', 'false');
  const why = page.getByRole('textbox', { name: 'Hvad var galt? (valgfrit)' });
  await expect(why).toBeFocused();
  await no_axe_violations(page);
  await why.fill('Den glemte halvdelen');
  const ratings = '**/ratings';
  await page.route(ratings, (route) => route.fulfill(refusal(503, 'store_unavailable', 'Det kunne ikke gemmes.', 'It could not be kept.', 'req_testrating')));
  await why.press('Enter');
  await expect(page.getByText('Din vurdering kunne ikke gemmes.')).toBeVisible();
  await expect(why, 'what was written is not lost').toHaveValue('Den glemte halvdelen');
  await page.unroute(ratings);
  const kept = page.waitForResponse((response) => response.url().endsWith('/ratings') && (response.request().postData() ?? '').includes('halvdelen'));
  await why.press('Enter');
  expect((await kept).ok()).toBe(true);
  await expect(bad).toBeFocused();
  await page.reload();
  await expect(bad).toHaveAttribute('aria-pressed', 'true');
  expect((await conversation_on_server(page)).body.messages.at(-1)).toMatchObject({ rating: 'down', rating_reason: 'Den glemte halvdelen' });
});

test('all conversations are searched, in titles and words', async ({ page }) => {
  await open_new(page);
  await ask(page, 'Svar kort: Hvor ligger sommerfuglehaven?');
  await answered(page);
  await stop_if_going(page);
  await page.getByRole('button', { name: 'Ny samtale' }).click();
  const box = page.getByRole('searchbox', { name: 'Søg i dine samtaler' });
  await box.fill('SOMMERFUGLEHAVEN');
  await expect(conversation_list(page).getByRole('status')).toHaveText('1 samtale fundet');
  await no_axe_violations(page);
  await conversation_list(page).getByRole('link').click();
  await expect(questions(page)).toHaveText(/sommerfuglehaven/);
  await box.fill('findes slet ikke i nogen samtale');
  await expect(conversation_list(page).getByRole('status')).toHaveText('Ingen samtaler har de ord.');
  await box.press('Escape');
  await expect(box).toHaveValue('');
  await expect(item(page, 'sommerfuglehaven').first()).toBeVisible();
});

test('a conversation that grows long says so, and goes on in a new one', async ({ page }) => {
  await open_new(page);
  const { models } = await (await page.request.get('/api/models')).json();
  const shown = models.find((each: { state: string }) => each.state === 'ready') ?? models[0];
  const used = Math.round(shown.context_tokens * 0.8);
  await page.route(turn_events, (route) =>
    route.fulfill(events({ name: 'delta', id: 3, data: { text: 'Ja.' } }, { name: 'end', id: 3, data: { state: 'done', error: null, request_id: 'req_testlong', limit: null, usage: { input_tokens: used - 3, output_tokens: 3 } } })),
  );
  await ask(page, 'Svar kort: en lang samtale');
  await expect(words_of(last_answer(page))).toHaveText('Ja.');
  await expect(page.getByText('Samtalen er blevet lang')).toBeVisible();
  await expect(page.getByRole('meter', { name: 'Plads i samtalen' })).toHaveAttribute('aria-valuenow', '80');
  await no_axe_violations(page);

  // What would not fit is not sent.
  let sent = 0;
  page.on('request', (request) => request.url().endsWith('/turns') && sent++);
  await field(page).fill('x'.repeat(Math.ceil(shown.context_tokens * 0.25 * 3.5)));
  await expect(page.getByText('Der er ikke plads til spørgsmålet')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Send', exact: true })).toBeDisabled();
  await field(page).press('Enter');
  expect(sent).toBe(0);
  await page.unroute(turn_events);
  await field(page).fill('Og nu videre');
  const before = page.url();
  await page.getByRole('button', { name: 'Ny samtale med de seneste beskeder' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(/en lang samtale \(2\)$/);
  expect(page.url()).not.toBe(before);
  await expect(field(page)).toHaveValue('Og nu videre');
  await expect(page.getByText('Samtalen er blevet lang')).toHaveCount(0);
  await field(page).fill('');
});

test('a conversation goes on from its summary', async ({ page }) => {
  await open_new(page);
  await page.route(turn_events, (route) =>
    route.fulfill(events({ name: 'delta', id: 3, data: { text: 'Ja.' } }, { name: 'end', id: 3, data: { state: 'failed', error: { message: 'Too long.', message_da: 'Teksten er for lang til modellen.' }, request_id: 'req_testfull', limit: 'context', usage: null } })),
  );
  await ask(page, 'Svar kort: helt fuld');
  await expect(last_answer(page)).toContainText('Samtalen fylder nu alt det, modellen kan huske.');
  await page.unroute(turn_events);
  await expect.poll(async () => (await conversation_on_server(page)).body.turn, { timeout: 60_000 }).toBeNull();
  await field(page).fill('Og nu videre');
  await last_answer(page).getByRole('button', { name: 'Ny samtale med et resumé' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Svar kort: helt fuld (2)');
  await expect(field(page)).toHaveValue('Og nu videre');
  await expect(questions(page)).toHaveText(/Giv et resumé af samtalen »Svar kort: helt fuld«/);
  await answered(page);
  await stop_if_going(page);
  await expect(field(page)).toHaveValue('Og nu videre');
  await field(page).fill('');
});

test('a server that knows of no room says so with the same way on', async ({ page, guard }) => {
  guard.allow.push(/status of 400/);
  await asked_and_answered(page, 'Svar kort: først');
  await page.route('**/api/conversations/*/turns', (route) => route.fulfill(refusal(400, 'context_length_exceeded', 'Teksten er for lang til modellen.', 'Too long.', 'req_testroom')));
  await ask(page, 'Svar kort: alt for meget');
  await expect(last_answer(page)).toContainText('Intet er sendt');
  await expect(last_answer(page).getByRole('button', { name: 'Ny samtale med et resumé' })).toBeVisible();
  await page.unroute('**/api/conversations/*/turns');
});

test('everything about a question and an answer is done by keyboard alone', async ({ page }) => {
  await asked_and_answered(page, 'Svar kort: kun taster');
  const by_tab = async (name: RegExp) => {
    for (let steps = 0; steps < 60; steps++) {
      const at = await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent?.trim() ?? '');
      if (name.test(at)) return;
      await page.keyboard.press('Shift+Tab');
    }
    throw new Error(`${name} was not reached`);
  };
  await field(page).focus();
  await by_tab(/^Skriv svaret igen$/);
  await page.keyboard.press('Enter');
  await expect(field(page)).toBeFocused();
  await written_again(page);
  await field(page).focus();
  await by_tab(/^Godt svar$/);
  await page.keyboard.press('Space');
  await expect(last_answer(page).getByRole('button', { name: 'Godt svar' })).toHaveAttribute('aria-pressed', 'true');
  await by_tab(/^Forrige$/);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('group', { name: 'Svar 1 af 2' }).getByRole('button', { name: 'Næste' })).toBeFocused();
  await by_tab(/^Ret spørgsmålet$/);
  await page.keyboard.press('Enter');
  await page.keyboard.press('End');
  await page.keyboard.type(' og mus');
  await page.keyboard.press('Enter');
  await expect(questions(page)).toHaveText(/kun taster og mus/);
  await answered(page);
  await stop_if_going(page);
});
