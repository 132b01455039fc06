// Everybody: by keyboard, on a phone, zoomed in, in the dark, in English.
import { answered, ask, ask_and_catch, conversation_list, expect, field, item, last_answer, no_axe_violations, no_sideways_scroll, open_account, open_new, speak, stop_if_going, test } from './page';
import type { Page } from '@playwright/test';

const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    const box = element.getBoundingClientRect();
    const ringed = (each: Element | null) => each !== null && getComputedStyle(each).outlineStyle !== 'none' && parseFloat(getComputedStyle(each).outlineWidth) >= 2;
    return {
      name: element.getAttribute('aria-label') ?? element.textContent?.trim().slice(0, 40) ?? '',
      tag: element.tagName,
      seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.right > 0,
      ring: ringed(element) || ringed(element.closest('.box')),
    };
  });

test('the whole page works by keyboard, and the focus is always seen', async ({ page }) => {
  await open_new(page);
  await page.locator('.skip').focus();
  expect(await focused(page)).toMatchObject({ name: 'Gå til skrivefeltet', seen: true });
  await page.keyboard.press('Enter');
  await expect(field(page)).toBeFocused();
  await page.keyboard.type('Tæl videre: 1, 2, 3, 4, 5,');
  await page.keyboard.press('Enter');
  await answered(page);
  await stop_if_going(page);
  await expect(field(page)).toBeFocused();

  // Once round the page: everything is reached, everything shows its focus, nothing traps it.
  await page.locator('.skip').focus();
  const names: string[] = [];
  for (let steps = 0; steps < 200; steps++) {
    await page.keyboard.press('Tab');
    const at = await focused(page);
    if (!at) break;
    expect(at, `focus on ${at.tag} ${at.name}`).toMatchObject({ seen: true, ring: true });
    names.push(at.name);
    if (at.tag === 'TEXTAREA') break;
  }
  for (const wanted of [/^Chat/, /^Hjælp/, /^Konto: /, /^Ny samtale/, /^Omdøb/, /^Slet/, /^Samtale$/, /^Kopiér svar/]) {
    expect(names.some((each) => wanted.test(each)), `${wanted} is reached by Tab`).toBe(true);
  }
});

test('rename, delete and undo work by keyboard', async ({ page }) => {
  await open_new(page);
  await ask(page, 'Svar kort: tastatur');
  await answered(page);
  await stop_if_going(page);
  const link = conversation_list(page).locator('[aria-current=page]');
  await link.focus();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.keyboard.type('Med tasterne');
  await page.keyboard.press('Enter');
  await expect(item(page, 'Med tasterne')).toBeVisible();
  await expect(item(page, 'Med tasterne').getByRole('button', { name: /^Omdøb/ })).toBeFocused();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(item(page, 'Med tasterne')).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Fortryd' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(item(page, 'Med tasterne')).toBeVisible();
});

test('Danish first, English complete, and the choice is remembered', async ({ page }) => {
  await open_new(page);
  await expect(page.locator('html')).toHaveAttribute('lang', 'da');
  await speak(page, 'English');
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await expect(page.getByRole('button', { name: 'New conversation' })).toBeVisible();
  await expect(field(page)).toHaveAttribute('placeholder', 'Write your question');
  await expect(page.getByText('artificial intelligence', { exact: false }).first()).toBeVisible();
  await page.reload();
  await expect(page.getByRole('button', { name: 'New conversation' })).toBeVisible();
  await no_axe_violations(page);
  expect(await page.locator('body').innerText()).not.toMatch(/\b(Samtaler|Ny samtale|Mine nøgler|Hjælp|Lige nu|Skriv dit)\b/);
});

test('it follows a dark computer, and can be told otherwise', async ({ browser, guard }) => {
  void guard;
  const context = await browser.newContext({ storageState: test.info().project.use.storageState, colorScheme: 'dark', baseURL: process.env.FAELLED_URL });
  const page = await context.newPage();
  const back = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const brightness = async () => Number(/rgb\((\d+)/.exec(await back())?.[1]);
  await open_new(page);
  expect(await brightness()).toBeLessThan(60);
  await no_axe_violations(page);
  await conversation_list(page).getByRole('link').first().click();
  await expect(page.locator('article').first()).toBeVisible();
  await no_axe_violations(page);
  await open_account(page);
  await page.getByRole('combobox', { name: 'Udseende' }).selectOption('light');
  expect(await brightness()).toBeGreaterThan(200);
  await page.reload();
  await expect(field(page)).toBeVisible();
  expect(await brightness()).toBeGreaterThan(200);
  await context.close();
});

for (const width of [320, 390]) {
  test.describe(`on a phone ${width} px wide`, () => {
    test.use({ viewport: { width, height: 700 }, isMobile: true, hasTouch: true });

    test('everything fits, and the drawer opens, keeps the focus and closes', async ({ page }) => {
      await open_new(page);
      await no_sideways_scroll(page, width);
      await no_axe_violations(page);
      const opener = page.getByRole('button', { name: 'Vis samtaler' });
      await opener.click();
      await expect(page.getByRole('button', { name: 'Skjul samtaler' })).toBeFocused();
      await no_axe_violations(page);
      await page.keyboard.press('Escape');
      await expect(opener).toBeFocused();
      await opener.click();
      await conversation_list(page).getByRole('link').first().click();
      await expect(page.locator('article.asked').first()).toBeVisible();
      await expect(page.getByRole('button', { name: 'Skjul samtaler' })).toBeHidden();
      await no_sideways_scroll(page, width);
    });

    test('a question is asked and answered by touch', async ({ page }) => {
      await open_new(page);
      await field(page).fill('Svar kort: Er det let at bruge en telefon?');
      await page.getByRole('button', { name: 'Send', exact: true }).tap();
      await answered(page);
      await stop_if_going(page);
      await no_sideways_scroll(page, width);
      await no_axe_violations(page);
    });
  });
}

test.describe('at 400 % zoom', () => {
  test.use({ viewport: { width: 320, height: 256 } });

  test('the answer and the writing field are both reached', async ({ page }) => {
    await open_new(page);
    await no_sideways_scroll(page, 320);
    await field(page).scrollIntoViewIfNeeded();
    await expect(field(page)).toBeInViewport();
    await page.getByRole('button', { name: 'Send', exact: true }).scrollIntoViewIfNeeded();
    await expect(page.getByRole('button', { name: 'Send', exact: true })).toBeInViewport();
  });

  test('what is told above the chat leaves the chat to be read', async ({ page }) => {
    const told = 'Vi opdaterer Fælled i aften og regner med at være færdige klokken 22. '.repeat(3);
    await page.route('**/api/status?*', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), maintenance: { on: true, message: told, message_da: told, until: null } } });
    });
    await open_new(page);
    await expect(page.getByText('Lukket for vedligehold.')).toBeVisible();
    await ask(page, 'Svar kort: Kan du ses?');
    await answered(page);
    await stop_if_going(page);
    await no_sideways_scroll(page, 320);
    for (const part of [last_answer(page), field(page), page.getByRole('button', { name: 'Vis samtaler' })]) {
      await part.scrollIntoViewIfNeeded();
      await expect(part).toBeInViewport({ ratio: 0.5 });
    }
  });
});

test.describe('with reduced motion', () => {
  test.use({ contextOptions: { reducedMotion: 'reduce' } });

  test('nothing moves by itself', async ({ page }) => {
    await open_new(page);
    await ask_and_catch(page);
    const moving = await page.evaluate(() => document.getAnimations().filter((each) => each.playState === 'running' && each.effect?.getComputedTiming().iterations === Infinity).length);
    expect(moving).toBe(0);
    await stop_if_going(page);
    await stop_if_going(page);
  });
});
