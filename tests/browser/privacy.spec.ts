// Data og privatliv, and conversations that stay in the browser.
import type { Page } from '@playwright/test';
import { readFile } from 'node:fs/promises';
import { answered, answers, ask, ask_and_catch, conversation_list, expect, field, go_to, item, last_answer, no_axe_violations, no_sideways_scroll, open_new, refusal, speak, stop_if_going, test, words_of, written_again } from './page';

async function open_privacy(page: Page) {
  await page.goto('/privacy');
  await expect(page.getByRole('heading', { level: 1, name: 'Data og privatliv' })).toBeVisible();
}

async function downloaded(page: Page) {
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Hent mine data' }).click()]);
  expect(file.suggestedFilename()).toMatch(/^faelled-mine-data-\d{4}-\d\d-\d\d\.json$/);
  return JSON.parse(await readFile(await file.path(), 'utf8'));
}

test('it says what is kept, where, how long and by whose choice, in both languages', async ({ page }) => {
  await open_privacy(page);
  const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'Dine samtaler' }) });
  await expect(row).toContainText('På fælledens server, forseglet');
  const told = async (what: RegExp, ...words: string[]) => {
    for (const each of words) await expect(page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: what }) })).toContainText(each);
  };
  await told(/^Dit navn/, 'din e-mail (hvis den er skrevet)', 'hvornår du sidst var her', 'Bliver liggende, også når', 'har lukket din adgang');
  await told(/^Hændelser/, 'fra hvilken netadresse', 'Kommunens administrator og revisor og driften kan se dem');
  await expect(page.getByText('Du skriver med en kunstig intelligens')).toBeVisible();
  await no_axe_violations(page);
  await speak(page, 'English');
  await expect(page.getByRole('rowheader', { name: 'Your conversations' })).toBeVisible();
  await told(/^Your name/, 'your email (where it was entered)', 'when you were last here', 'It stays, also once');
  await told(/^Events/, 'from which network address', 'Your municipality’s admin and auditor, and operations, can see them');
  await no_axe_violations(page);
  await speak(page, 'Dansk');
});

test('one’s data come as a file that marks what an AI wrote', async ({ page }) => {
  await open_new(page);
  await ask(page, 'Svar kort: skal med i filen');
  await answered(page);
  await stop_if_going(page);
  await open_privacy(page);
  const all = await downloaded(page);
  await expect(page.getByRole('status').filter({ hasText: 'Filen er hentet.' })).toBeVisible();
  const found = all.conversations.find((each: { messages: { message: { content: string } }[] }) => each.messages[0]?.message.content === 'Svar kort: skal med i filen');
  expect(found.messages.map((each: { written_by_ai: boolean }) => each.written_by_ai)).toEqual([false, true]);
});

test('everything is deleted, and comes back at Undo', async ({ page }) => {
  await open_new(page);
  await ask(page, 'Svar kort: væk og tilbage');
  await answered(page);
  await stop_if_going(page);
  await field(page).fill('halvskrevet');
  await open_privacy(page);
  await page.getByRole('button', { name: 'Slet alle mine samtaler' }).press('Enter');
  await expect(page.getByText(/samtaler? er slettet\. De.* er helt væk kl\. \d\d\.\d\d\./)).toBeVisible();
  await expect(page.getByRole('button', { name: 'Fortryd' })).toBeFocused();
  await no_axe_violations(page);
  expect((await (await page.request.get('/api/conversations')).json()).conversations).toEqual([]);
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage }))).not.toContain('halvskrevet');
  await page.keyboard.press('Enter');
  await expect(page.getByText('Dine samtaler er tilbage.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Slet alle mine samtaler' })).toBeFocused();
  await page.goto('/');
  await expect(item(page, 'væk og tilbage').first()).toBeVisible();
});

test('what is erased is gone from the open chat too, and back there at Undo', async ({ page }) => {
  await open_new(page);
  await ask(page, 'Svar kort: skal ikke kunne læses');
  await answered(page);
  await stop_if_going(page);
  await go_to(page, 'Data og privatliv');
  const gone = page.waitForResponse((response) => response.request().method() === 'DELETE' && response.url().endsWith('/api/conversations'));
  await page.getByRole('button', { name: 'Slet alle mine samtaler' }).click();
  const { conversations } = await (await gone).json();
  await expect(page.getByRole('button', { name: 'Fortryd' })).toBeVisible();
  await go_to(page, 'Chat');
  await expect(page.locator('.welcome')).toBeVisible();
  await expect(page).toHaveURL(/\/$/);
  await expect(conversation_list(page)).toContainText(/Slettet for nylig \(\d+\)/);
  const listed = async () => Number(/nylig \((\d+)\)/.exec(await conversation_list(page).innerText())?.[1]);
  await expect.poll(listed).toBeGreaterThanOrEqual(conversations);
  await expect(conversation_list(page).getByRole('listitem')).toHaveCount(0);
  await expect(page.locator('article.asked')).toHaveCount(0);

  await ask(page, 'Svar kort: og en til');
  await answered(page);
  await stop_if_going(page);
  await go_to(page, 'Data og privatliv');
  await page.getByRole('button', { name: 'Slet alle mine samtaler' }).click();
  await expect(page.getByText(/^1 samtale er slettet/)).toBeVisible();
  const again = page.waitForResponse((response) => response.request().method() === 'DELETE' && response.url().endsWith('/api/conversations'));
  await page.getByRole('button', { name: 'Slet alle mine samtaler' }).click();
  expect((await (await again).json()).conversations).toBe(0);
  await expect(page.getByText(/^1 samtale er slettet/), 'pressed again it takes no way back away').toBeVisible();
  await page.getByRole('button', { name: 'Fortryd' }).click();
  await expect(page.getByText('Dine samtaler er tilbage.')).toBeVisible();
  await go_to(page, 'Chat');
  await expect(item(page, 'og en til').first()).toBeVisible();
});

for (const width of [320, 1280]) {
  test(`it fits ${width} px, also in the dark`, async ({ page }) => {
    await page.setViewportSize({ width, height: 700 });
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
    await open_privacy(page);
    await no_sideways_scroll(page, width);
    await no_axe_violations(page);
  });
}

const ratings_in_this_browser = () =>
  new Promise<string[]>((resolve) => {
    indexedDB.open('faelled').onsuccess = (opened) => {
      const database = (opened.target as IDBOpenDBRequest).result;
      database.transaction('conversations').objectStore('conversations').getAll().onsuccess = (read) => {
        database.close();
        const kept = (read.target as IDBRequest<{ messages: { rating: string | null }[] }[]>).result;
        resolve(kept.flatMap((each) => each.messages.map((message) => message.rating ?? '')));
      };
    };
  });

test.describe('where the member keeps conversations in the browser alone', () => {
  test.beforeEach(async ({ page }) => {
    await page.route('**/api/session', async (route) => {
      if (route.request().method() !== 'GET') return route.continue();
      const response = await route.fetch();
      const body = await response.json();
      await route.fulfill({ response, json: { ...body, policy: { ...body.policy, conversations: 'browser' } } });
    });
  });

  test('no conversation is asked of the server, a refresh loses nothing, and all of it can be taken along and deleted', async ({ page }) => {
    const asked: string[] = [];
    page.on('request', (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`));
    await open_new(page);
    await expect(page.getByText('Samtaler gemmes kun i denne browser.')).toBeVisible();
    const before = await ask_and_catch(page);
    await page.reload();
    await expect(words_of(last_answer(page))).toBeVisible();
    await stop_if_going(page);
    const shown = (await words_of(last_answer(page)).textContent()) ?? '';
    expect(shown.replace(/\s+/g, '').startsWith(before.replace(/\s+/g, '').slice(0, -2))).toBe(true);
    await page.reload();
    await expect(words_of(last_answer(page))).toHaveText(shown);

    await ask(page, 'Svar kort: endnu et');
    await expect(answers(page)).toHaveCount(2);
    await answered(page);
    await stop_if_going(page);
    await page.getByRole('button', { name: 'Skriv svaret igen' }).click();
    await written_again(page);
    await last_answer(page).getByRole('button', { name: 'Godt svar' }).click();
    await expect.poll(() => page.evaluate(ratings_in_this_browser)).toContain('up');
    await page.reload();
    await expect(page.getByRole('group', { name: 'Svar 2 af 2' })).toBeVisible();
    await expect(last_answer(page).getByRole('button', { name: 'Godt svar' })).toHaveAttribute('aria-pressed', 'true');

    await page.getByRole('searchbox').fill('ENDNU');
    await expect(conversation_list(page).getByRole('status')).toHaveText('1 samtale fundet');
    await page.getByRole('searchbox').press('Escape');
    expect(asked.filter((each) => /conversations|search|deleted|ratings/.test(each))).toEqual([]);
    expect(asked).toContain('POST /api/turns');

    // What lies on the server is from before the member chose the browser.
    const { models } = await (await page.request.get('/api/models')).json();
    const made = await page.request.post('/api/conversations', { data: { model: models[0].id, title: 'fra før' } });
    expect(made.status()).toBe(201);
    const on_server = async () => (await (await page.request.get('/api/conversations')).json()).conversations.map((each: { title: string }) => each.title);
    await open_privacy(page);
    await expect(page.getByRole('row').filter({ hasText: 'Dine samtaler' })).toContainText('kun i denne browser');
    const all = await downloaded(page);
    expect(all.conversations.map((each: { title: string }) => each.title)).toContain('fra før');
    expect(all.conversations.at(-1).messages.map((each: { written_by_ai: boolean }) => each.written_by_ai)).toEqual([false, true, false, true, true]);
    await page.getByRole('button', { name: 'Slet alle mine samtaler' }).click();
    await expect(page.getByRole('button', { name: 'Fortryd' })).toBeVisible();
    expect(await on_server()).toEqual([]);
    await page.getByRole('button', { name: 'Fortryd' }).click();
    await expect(page.getByText('Dine samtaler er tilbage.')).toBeVisible();
    expect(await on_server()).toContain('fra før');
    await page.getByRole('button', { name: 'Slet alle mine samtaler' }).click();
    await expect(page.getByRole('button', { name: 'Fortryd' })).toBeVisible();
    await page.goto('/');
    await expect(conversation_list(page)).toContainText('Slettet for nylig (1)');
  });

  test('an answer whose line was lost does not keep the next question from being asked', async ({ page, guard }) => {
    guard.allow.push(/status of 400/);
    guard.allow.push(/status of 404/); // the second answer may end by itself as it is stopped
    const turn_events = '**/api/turns/*/events*';
    await open_new(page);
    await page.route(turn_events, (route) => route.fulfill(refusal(400, 'bad_request', 'Det gik ikke.', 'That did not work.', 'req_testlost')));
    await ask(page, 'Svar kort: linjen ryger');
    await expect(last_answer(page).locator('.trouble')).toBeVisible();
    await page.unroute(turn_events);
    await ask(page, 'Svar kort: og nu');
    await expect(answers(page)).toHaveCount(2);
    await answered(page);
    await stop_if_going(page);
    await expect(last_answer(page).locator('.trouble')).toHaveCount(0);
  });

  test('a conversation that is deleted before the server has taken its question stays deleted', async ({ page, guard }) => {
    guard.allow.push(/status of 404/); // the answer may end by itself as it is stopped
    await open_new(page);
    await ask(page, 'Svar kort: bliver slettet');
    await answered(page);
    await stop_if_going(page);
    let let_go = () => {};
    const held = new Promise<void>((resolve) => (let_go = resolve));
    await page.route('**/api/turns', async (route) => {
      await held;
      await route.continue();
    });
    const sent = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/api/turns'));
    await ask(page, 'Svar kort: for sent');
    await sent;
    await item(page, 'bliver slettet').first().getByRole('button', { name: /^Slet/ }).click();
    await expect(conversation_list(page)).toContainText('Slettet for nylig (1)');
    const stopped = page.waitForRequest((request) => request.method() === 'DELETE' && request.url().includes('/api/turns/'));
    let_go();
    await stopped;
    await page.goto('/');
    await expect(conversation_list(page)).toContainText('Slettet for nylig (1)');
  });

  test('what was deleted is gone from the browser when it can no longer come back', async ({ page }) => {
    await page.clock.install();
    await open_new(page);
    await ask(page, 'Svar kort: skal helt væk');
    await answered(page);
    await page.clock.runFor(1_000);
    await stop_if_going(page);
    await item(page, 'skal helt væk').first().getByRole('button', { name: /^Slet/ }).click();
    await expect(conversation_list(page)).toContainText('Slettet for nylig');
    await page.clock.fastForward('10:01');
    await page.reload();
    await open_new(page);
    await expect(conversation_list(page)).not.toContainText('skal helt væk');
    const kept = await page.evaluate(
      () =>
        new Promise<string>((resolve) => {
          const opening = indexedDB.open('faelled');
          opening.onsuccess = () => {
            const all = opening.result.transaction('conversations').objectStore('conversations').getAll();
            all.onsuccess = () => resolve(JSON.stringify(all.result));
          };
        }),
    );
    expect(kept).not.toContain('skal helt væk');
  });
});
