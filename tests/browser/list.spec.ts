import { conversation_list, conversation_on_server, expect, field, item, no_axe_violations, open_new, test } from './page';
import type { Page } from '@playwright/test';

async function begin(page: Page, title: string): Promise<string> {
  const { models } = await (await page.request.get('/api/models')).json();
  return page.evaluate(
    async (body) => {
      const made = await fetch('/api/conversations', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
      return (await made.json()).id as string;
    },
    { title, model: models[0].id },
  );
}

async function open_with(page: Page, title: string) {
  await open_new(page);
  const id = await begin(page, title);
  await page.goto(`/c/${id}`);
  await expect(item(page, title)).toBeVisible();
  return id;
}

test('the list shows conversations by day, marks the open one, and the address opens it', async ({ page }) => {
  await open_with(page, 'Høring om cykelsti');
  await expect(conversation_list(page).getByRole('heading', { name: 'I dag' })).toBeVisible();
  await expect(item(page, 'Høring om cykelsti').getByRole('link')).toHaveAttribute('aria-current', 'page');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Høring om cykelsti');
  await expect(page).toHaveTitle(/Høring om cykelsti/);
});

test('a conversation is renamed where it stands', async ({ page }) => {
  await open_with(page, 'Gammelt navn');
  await item(page, 'Gammelt navn').getByRole('button', { name: 'Omdøb »Gammelt navn«' }).click();
  const name = page.getByRole('textbox', { name: 'Samtalens navn' });
  await expect(name).toBeFocused();
  await name.fill('Nyt navn æøå');
  const saved = page.waitForResponse((response) => response.request().method() === 'PATCH');
  await name.press('Enter');
  expect((await saved).ok()).toBe(true);
  await expect(item(page, 'Nyt navn æøå')).toBeVisible();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Nyt navn æøå');
  await page.reload();
  await expect(item(page, 'Nyt navn æøå')).toBeVisible();
  expect((await conversation_on_server(page)).body.title).toBe('Nyt navn æøå');
});

test('Escape leaves the name as it was', async ({ page }) => {
  await open_with(page, 'Bliver sådan');
  await item(page, 'Bliver sådan').getByRole('button', { name: /^Omdøb/ }).click();
  await page.getByRole('textbox', { name: 'Samtalens navn' }).fill('noget andet');
  await page.keyboard.press('Escape');
  await expect(item(page, 'Bliver sådan')).toBeVisible();
  await expect(item(page, 'Bliver sådan').getByRole('button', { name: /^Omdøb/ })).toBeFocused();
});

test('a deleted conversation is gone at once, and back at Undo with all its words', async ({ page }) => {
  const id = await open_with(page, 'Slettes og fortrydes');
  const gone = page.waitForResponse((response) => response.request().method() === 'DELETE' && response.url().endsWith(id));
  await item(page, 'Slettes og fortrydes').getByRole('button', { name: /^Slet/ }).click();
  expect((await gone).status()).toBe(204);
  await expect(item(page, 'Slettes og fortrydes')).toHaveCount(0);
  await expect(page.getByText('»Slettes og fortrydes« er slettet')).toBeVisible();
  expect((await page.request.get(`/api/conversations/${id}`)).status()).toBe(404);
  await page.getByRole('status').getByRole('button', { name: 'Fortryd' }).click();
  await expect(item(page, 'Slettes og fortrydes')).toBeVisible();
  await expect(page).toHaveURL(new RegExp(`/c/${id}$`));
  await page.reload();
  await expect(item(page, 'Slettes og fortrydes')).toBeVisible();
});

test('a deleted conversation can come back after the page was left', async ({ page }) => {
  const id = await open_with(page, 'Slettes på vej ud');
  await item(page, 'Slettes på vej ud').getByRole('button', { name: /^Slet/ }).click();
  await expect(page.getByText('»Slettes på vej ud« er slettet')).toBeVisible();
  await page.goto('about:blank');
  await open_new(page);
  await page.getByText(/^Slettet for nylig/).click();
  const row = conversation_list(page).getByRole('listitem').filter({ hasText: 'Slettes på vej ud' });
  await expect(row).toContainText(/slettes helt kl\. \d\d\.\d\d/);
  await no_axe_violations(page);
  await row.getByRole('button', { name: 'Fortryd sletning af »Slettes på vej ud«' }).click();
  await expect(item(page, 'Slettes på vej ud').getByRole('link')).toBeVisible();
  expect((await page.request.get(`/api/conversations/${id}`)).status()).toBe(200);
});

test('an unknown conversation says so and leaves a way on', async ({ page, guard }) => {
  guard.allow.push(/status of 404/);
  await page.goto('/c/con_does_not_exist');
  await expect(page.getByRole('heading', { name: 'Samtalen findes ikke' })).toBeVisible();
  await page.getByRole('button', { name: 'Ny samtale' }).click();
  await expect(page.locator('.welcome')).toBeVisible();
  await expect(field(page)).toBeFocused();
});
