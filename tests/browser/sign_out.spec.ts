import { expect, field, open_account, open_new, test } from './page';

test('signing out ends the session and forgets what was half written', async ({ page, guard }) => {
  guard.allow.push(/status of 401/);
  await open_new(page);
  await field(page).fill('Et halvt spørgsmål om en borger');
  await open_account(page);
  await page.getByRole('button', { name: 'Log ud' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Log ind på Fælled' })).toBeVisible();
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
  expect(kept).not.toContain('borger');
  expect((await page.request.get('/api/session')).status()).toBe(401);
  await page.reload();
  await expect(page.getByRole('heading', { level: 1, name: 'Log ind på Fælled' })).toBeVisible();
});
