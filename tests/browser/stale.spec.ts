// What stands on a page that could not be had anew: it is said to be old, and nothing of it is green.
import { expect, no_axe_violations, no_sideways_scroll, refusal, test } from './page';
import { signed_in_as } from './roles';
import type { Page } from '@playwright/test';

const down = () => refusal(503, 'draining', 'Serveren er ved at starte igen.', 'The server is restarting.', 'req_teststale');
const old_words = /Kan ikke få nye tal lige nu\. Her er dem fra kl\. \d\d\.\d\d\./;

/** Somebody comes back to the page: then it looks again. */
const look_again = (page: Page) => page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));

for (const width of [1280, 320]) {
  test(`Status does not go on saying that all works, ${width} px wide`, async ({ page, guard }) => {
    guard.allow.push(/status of 503/);
    await page.setViewportSize({ width, height: 800 });
    await page.goto('/status');
    await expect(page.getByRole('heading', { name: 'Alt virker' })).toBeVisible();
    await page.route('**/api/status?*', (route) => route.fulfill(down()));
    await look_again(page);
    await expect(page.getByRole('main').getByText(old_words)).toBeVisible();
    await expect(page.getByRole('heading', { name: 'Sidst meldt: Alt virker' })).toBeVisible();
    await expect(page.getByRole('heading', { name: 'Alt virker', exact: true })).toHaveCount(0);
    await expect(page.locator('main .dot.good')).toHaveCount(0);
    await no_sideways_scroll(page, width);
    await no_axe_violations(page);
    await page.unroute('**/api/status?*');
    await page.getByRole('button', { name: 'Prøv igen' }).click();
    await expect(page.getByRole('heading', { name: 'Alt virker', exact: true })).toBeVisible();
    await expect(page.getByRole('main').getByText(old_words)).toHaveCount(0);
  });
}

test('Vedligehold does not go on saying that there is nothing to do', async ({ browser, guard }) => {
  guard.allow.push(/status of 503/);
  const page = await signed_in_as(browser, 'operator');
  await page.route('**/api/maintenance', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), alarms: [] } });
  });
  await page.goto('/maintenance');
  await expect(page.getByText('Ingen alarmer. Du behøver ikke gøre noget.')).toBeVisible();
  await page.unroute('**/api/maintenance');
  await page.route('**/api/maintenance', (route) => route.fulfill(down()));
  await look_again(page);
  await expect(page.getByRole('main').getByText(old_words)).toBeVisible();
  await expect(page.getByText(/^Der var ingen alarmer kl\. \d\d\.\d\d\.$/)).toBeVisible();
  await expect(page.getByText('Du behøver ikke gøre noget.')).toHaveCount(0);
  await expect(page.locator('main .dot.good')).toHaveCount(0);
  await no_axe_violations(page);
  await page.context().close();
});

test('Modeller says that it is old', async ({ browser, guard }) => {
  guard.allow.push(/status of 503/);
  const page = await signed_in_as(browser, 'operator');
  await page.goto('/models');
  await expect(page.getByRole('table', { name: 'Modeller' })).toBeVisible();
  await page.route('**/api/residency?*', (route) => route.fulfill(down()));
  await look_again(page);
  await expect(page.getByRole('main').getByText(old_words)).toBeVisible();
  await expect(page.locator('main .dot.good, main .dot.warn')).toHaveCount(0);
  await no_axe_violations(page);
  await page.context().close();
});

test('keys that could not be had anew are not shown as working', async ({ page, guard }) => {
  guard.allow.push(/status of 503/);
  await page.goto('/keys');
  const name = `Gammel ${Date.now() % 100_000}`;
  await page.getByRole('button', { name: 'Lav en nøgle' }).click();
  await page.getByRole('dialog').getByRole('textbox', { name: 'Navn' }).fill(name);
  await page.getByRole('button', { name: 'Lav nøglen' }).click();
  await page.getByRole('button', { name: 'Jeg har gemt den' }).click();
  const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name }) });
  await expect(row.locator('.dot.good')).toBeVisible();
  await page.route('**/api/keys?*', (route) => route.fulfill(down()));
  await row.getByRole('button', { name: `Tilbagekald »${name}«` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Tilbagekald nøglen' }).click();
  await expect(page.getByRole('main').getByText(old_words)).toBeVisible();
  await expect(page.locator('main .dot.good')).toHaveCount(0);
  await no_axe_violations(page);
  await page.unroute('**/api/keys?*');
  await page.getByRole('button', { name: 'Prøv igen' }).click();
  await expect(row).toHaveCount(0);
});
