import { session_file } from './playwright.config';
import { expect, field, no_axe_violations, sign_in_link, test } from './page';

test.describe.configure({ mode: 'serial' });

test('without a session the page explains the one-time link', async ({ page, guard }) => {
  guard.allow.push(/status of 401/);
  await page.goto('/');
  await expect(page.getByRole('heading', { level: 1, name: 'Log ind på Fælled' })).toBeVisible();
  await expect(page.getByText('engangslink', { exact: false }).first()).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('lang', 'da');
  await no_axe_violations(page);
});

test('the sign-in page speaks English too', async ({ page, guard }) => {
  guard.allow.push(/status of 401/);
  await page.goto('/sign-in');
  await page.getByRole('button', { name: 'English' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Sign in to Fælled' })).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await page.reload();
  await expect(page.getByRole('heading', { level: 1, name: 'Sign in to Fælled' })).toBeVisible();
});

test('a wrong link says so and gives the number that IT needs', async ({ page, guard }) => {
  guard.allow.push(/status of 401/);
  const refused = page.waitForResponse((response) => response.url().endsWith('/api/session') && response.request().method() === 'POST');
  await page.goto('/sign-in#this-is-no-token');
  const request_id = (await refused).headers()['x-request-id'];
  expect(request_id).toBeTruthy();
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('Linket virker ikke');
  await expect(alert).toContainText(request_id ?? '-');
  expect(page.url()).not.toContain('this-is-no-token');
  await no_axe_violations(page);
});

test('the link signs in once, and its token does not stay in the address or the history', async ({ page, context, guard }) => {
  const token = sign_in_link().split('#')[1] ?? '';
  expect(token).not.toBe('');
  await page.goto(sign_in_link());
  await expect(field(page)).toBeVisible();
  expect(new URL(page.url()).pathname).toBe('/');
  expect(page.url()).not.toContain(token);
  const cookie = (await context.cookies()).find((each) => each.name === 'faelled_session');
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/' });
  await context.storageState({ path: session_file });

  guard.allow.push(/status of 401/);
  await context.clearCookies();
  await page.goto('about:blank');
  await page.goto(sign_in_link());
  await expect(page.getByRole('alert')).toContainText('Linket virker ikke');
});

test('the page comes under a strict content security policy', async ({ page, guard }) => {
  guard.allow.push(/status of 401/);
  const policy = (await page.goto('/'))?.headers()['content-security-policy'] ?? '';
  for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"]) {
    expect(policy).toContain(rule);
  }
  expect(policy).not.toContain('unsafe');
});
