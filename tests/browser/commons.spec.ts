// Kommunens del and Retfærdighed: what a member has, in figures, pictures and plain words; and what if it were more.
import { answered, ask, expect, no_axe_violations, no_sideways_scroll, open_new, refusal, speak, stop_if_going, test } from './page';
import { signed_in_as } from './roles';
import type { Page } from '@playwright/test';

const phone = { viewport: { width: 390, height: 844 } };

/** A question on a real server, so that there is something to count; the mock has figures of its own. */
async function ask_something(page: Page) {
  await open_new(page);
  await ask(page, 'Svar kort: Hvad er en fælled?');
  await answered(page);
  await stop_if_going(page);
}

test('a member sees its share, its waiting and what it has lent, in words and in figures', async ({ page }) => {
  await ask_something(page);
  await page.goto('/share');
  await expect(page.getByRole('heading', { level: 1, name: 'Kommunens del' })).toBeVisible();
  await expect(page.getByText(/^I har altid (mindst \d+\s% af maskinerne|en lige del af maskinerne|jeres del af maskinerne), når I beder om det/)).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Jeres andel' })).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Ventetid' })).toBeVisible();
  await expect(page.getByText('Halvdelen ventede højst')).toBeVisible();
  await expect(page.getByText(/\d+ i brug/)).toBeVisible();
  expect(await page.locator('main').innerText()).not.toMatch(/kr\.|kroner|undefined|NaN|Infinity|null/);
  await no_axe_violations(page);
  if (process.env.FAELLED_MOCK) {
    await expect(page.getByText('I har lånt 41 timer ud og lånt 12 timer.')).toBeVisible();
    await expect(page.getByRole('img', { name: /^Det seneste minut: 6\d\s% af andelen brugt\.$/ })).toBeVisible();
    await page.getByText('Tallene som tabel').click();
    const table = page.getByRole('table', { name: 'Andelen time for time' });
    await expect(table.getByRole('rowheader').first()).toBeVisible();
    expect([48, 49], 'a day in half hours, whenever it begins').toContain(await table.getByRole('rowheader').count());
    await no_axe_violations(page);
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Hent som CSV' }).click();
    expect((await download).suggestedFilename()).toBe('faelled-andel.csv');
  }
});

test('figures come anew without taking the focus, and stop when one wants to read in peace', async ({ page }) => {
  await page.goto('/share');
  const pause = page.getByRole('button', { name: 'Sæt på pause' });
  await expect(pause).toBeVisible();
  const again = page.waitForResponse((response) => response.url().endsWith('/api/share'), { timeout: 60_000 });
  await pause.focus();
  await again;
  await expect(pause).toBeFocused();
  expect(await page.locator('main [aria-live], main [role=status], main [role=alert]').count(), 'nothing is announced every few seconds').toBe(0);
  await page.keyboard.press('Enter');
  const go_on = page.getByRole('button', { name: 'Opdatér igen' });
  await expect(go_on).toBeFocused();
  let asked = 0;
  page.on('request', (request) => (asked += request.url().endsWith('/api/share') ? 1 : 0));
  await page.waitForTimeout(6_000);
  expect(asked).toBe(0);
  await page.keyboard.press('Enter');
  await expect.poll(() => asked).toBeGreaterThan(0);
});

test('a server that cannot be reached leaves the figures there and says of when they are', async ({ page, guard }) => {
  guard.allow.push(/Failed to load resource/);
  await page.goto('/share');
  await expect(page.getByRole('heading', { name: 'Ventetid' })).toBeVisible();
  await page.route('**/api/share', (route) => route.abort());
  await expect(page.getByText(/Kan ikke få nye tal lige nu/)).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Ventetid' })).toBeVisible();
});

test('what is not known yet is said in plain words', async ({ page }) => {
  await page.route('**/api/share', async (route) => {
    const empty = { member: 'mem_1', name: 'Prøvekommunen', share: 1, shares_all: 1, places: 0, places_max: 0, waiting: 0, running: 0, recent: 0, floor: 0, entitled_per_s: 0, delivered: 0, lent: 0, borrowed: 0, credit: 0, lent_hours: null, borrowed_hours: null, wait_p50_ms: 0, wait_p95_ms: 0, wait_max_ms: 120_000, past: [] };
    await route.fulfill({ json: empty });
  });
  await page.goto('/share');
  await expect(page.getByText(/^I har altid jeres del af maskinerne/)).toBeVisible();
  await expect(page.getByText(/Der er ikke målt noget endnu/)).toBeVisible();
  await expect(page.getByText(/Der er ingen tal endnu/)).toBeVisible();
  await expect(page.getByText('Ingen har ventet endnu')).toBeVisible();
  expect(await page.locator('main').innerText()).not.toMatch(/undefined|NaN|Infinity|null/);
  await no_axe_violations(page);
});

test('an operator chooses whose share, and its address stays', async ({ browser, guard }) => {
  void guard;
  const page = await signed_in_as(browser, 'operator');
  await page.getByRole('navigation', { name: 'Sider' }).getByRole('link', { name: 'Kommunens del' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Kommunens del' })).toBeFocused();
  await page.getByRole('searchbox', { name: /kommune/i }).focus();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/share\?member=/);
  await expect(page.getByRole('heading', { name: 'Ventetid' })).toBeVisible();
  await no_axe_violations(page);
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Ventetid' })).toBeVisible();
  await page.context().close();
});

for (const [where, options] of [['a desktop', {}], ['a phone', phone]] as const) {
  test(`Retfærdighed on ${where}: every member side by side, and what if one got more users`, async ({ browser, page, guard }) => {
    void guard;
    await ask_something(page);
    const operator = await signed_in_as(browser, 'operator', options);
    await operator.goto('/fairness');
    await expect(operator.getByRole('heading', { level: 1, name: 'Retfærdighed' })).toBeVisible();
    const table = operator.getByRole('table', { name: 'Kommune for kommune' });
    await expect(table.getByRole('rowheader').first()).toBeVisible();
    await expect(operator.getByText(/Endnu ikke kontrolleret|0 brud på gulvet/)).toBeVisible();
    await no_axe_violations(operator);
    await operator.getByRole('link', { name: 'Efter navn' }).click();
    await expect(operator).toHaveURL(/sort=name/);

    await operator.getByRole('button', { name: 'Regn det ud' }).focus();
    await operator.keyboard.press('Enter');
    await expect(operator.getByRole('combobox', { name: 'Kommune' })).toBeFocused();
    await expect(operator.getByText('Vælg en kommune.')).toBeVisible();
    await no_axe_violations(operator);
    await operator.getByRole('combobox', { name: 'Kommune' }).selectOption({ index: 1 });
    await operator.getByRole('textbox', { name: 'Flere brugere' }).fill('mange');
    await operator.keyboard.press('Enter');
    await expect(operator.getByRole('textbox', { name: 'Flere brugere' })).toBeFocused();
    await operator.getByRole('textbox', { name: 'Flere brugere' }).fill('200');
    await operator.keyboard.press('Enter');
    await expect(operator.getByRole('status').getByRole('heading', { name: /^Hvis .+ får 200 brugere til$/ })).toBeVisible();
    await expect(operator).toHaveURL(/users=200/);
    await operator.getByText('Tallene som tabel').click();
    await expect(operator.getByRole('table', { name: /200 brugere til/ }).getByRole('rowheader').first()).toBeVisible();
    await expect(operator.getByText(/Regnet på [\d.]+ spørgsmål/)).toBeVisible();
    expect(await operator.locator('main').innerText()).not.toMatch(/undefined|NaN|Infinity|null/);
    await no_axe_violations(operator);
    await operator.context().close();
  });
}

const check = {
  running: false, checked_at: '2026-11-25T08:00:00.000000Z', from: '2026-11-24T08:00:00.000000Z', to: '2026-11-25T07:59:00.000000Z',
  events: 12_345, skipped: 0, floor_violations: 0, violations: 0, differing: 0, faults: 0, first_faults: [] as string[],
};

test('violations are red and in words, and nobody having looked is not zero', async ({ browser, guard }) => {
  void guard;
  const page = await signed_in_as(browser, 'operator');
  let told: Record<string, unknown> = { ...check, checked_at: null, from: null, to: null, events: null, floor_violations: null };
  await page.route('**/api/shares', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ json: { ...(await response.json()), check: told, floor_violations: told.floor_violations } });
  });
  await page.goto('/fairness');
  await expect(page.getByText('Endnu ikke kontrolleret')).toBeVisible();
  told = { ...check, floor_violations: 3, violations: 3, faults: 2, first_faults: [`2026-11-25-000001.log:41: ${'breaks_a_promise_'.repeat(12)}`] };
  await page.reload();
  await expect(page.getByText('3 brud på gulvet i 12.345 beslutninger')).toBeVisible();
  await expect(page.locator('section.broken')).toContainText('faelled audit replay');
  await no_axe_violations(page);
  await page.setViewportSize({ width: 320, height: 640 });
  await no_sideways_scroll(page, 320);
  told = { ...check, events: 0, skipped: 12_345 };
  await page.reload();
  await expect(page.getByText('beslutninger er ikke kontrolleret')).toBeVisible();
  await no_axe_violations(page);
  told = check;
  await page.reload();
  await expect(page.getByText('0 brud på gulvet i 12.345 beslutninger')).toBeVisible();
  await page.context().close();
});

test('an operator has the floors checked with the keyboard and sees what was found', async ({ browser, page: someone, guard }) => {
  void guard;
  await ask_something(someone);
  const page = await signed_in_as(browser, 'operator');
  await page.goto('/fairness');
  await page.getByRole('button', { name: 'Kontrollér nu' }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('status').getByText(/^0 brud på gulvet i [\d.]+ beslutninger fra .+ til .+, kontrolleret/)).toBeVisible();
  await expect(page.getByText('Kontrollerer …')).toBeHidden();
  await expect(page.getByRole('button', { name: 'Kontrollér nu' })).toBeFocused();
  await no_axe_violations(page);
  await page.context().close();
});

test('a what-if and a check that fail say why, and give the number that IT needs', async ({ browser, guard }) => {
  guard.allow.push(/status of (409|503)/);
  const page = await signed_in_as(browser, 'operator');
  await page.route('**/api/what-if', (route) =>
    route.fulfill(refusal(409, 'conflict', 'Det bliver for mange spørgsmål at regne på.', 'too many', 'req_testif')));
  await page.route('**/api/shares/check', (route) => route.fulfill(refusal(503, 'draining', 'Serveren starter.', 'Restarting.', 'req_testcheck')));
  await page.goto('/fairness');
  await page.getByRole('combobox', { name: 'Kommune' }).selectOption({ index: 1 });
  await page.getByRole('button', { name: 'Regn det ud' }).click();
  await expect(page.getByRole('alert')).toContainText('Det bliver for mange spørgsmål at regne på.');
  await expect(page.getByRole('alert')).toContainText('req_testif');
  await page.getByRole('button', { name: 'Kontrollér nu' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'Kontrollen kunne ikke begynde' })).toContainText('req_testcheck');
  await no_axe_violations(page);
  await page.context().close();
});

test('both pages in dark, in English, on 320 px and at 400 %', async ({ browser, guard }) => {
  void guard;
  const page = await signed_in_as(browser, 'operator');
  await page.goto('/fairness');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  const member = await page.getByRole('combobox', { name: 'Kommune' }).locator('option').nth(1).getAttribute('value');
  for (const address of ['/fairness', `/share?member=${member}`]) {
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.goto(address);
    await expect(page.locator('main h2').first()).toBeVisible();
    await page.emulateMedia({ colorScheme: 'dark' });
    await no_axe_violations(page);
    await page.emulateMedia({ colorScheme: 'light' });
    await speak(page, 'English');
    expect(await page.getByRole('main').innerText()).not.toMatch(/\b(andel|lånt|ventetid|spørgsmål)\b/i);
    await speak(page, 'Dansk');
    for (const [width, height] of [[760, 900], [320, 640], [320, 256]] as const) {
      await page.setViewportSize({ width, height });
      await page.goto(address);
      await expect(page.locator('main h2').first()).toBeVisible();
      await no_sideways_scroll(page, width);
      await no_axe_violations(page);
    }
  }
  await page.context().close();
});
