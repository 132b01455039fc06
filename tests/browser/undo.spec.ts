// The way back leads to what was left, whatever is shown by then, and says where it does not.
import { expect, go_to, keep_toasts, no_axe_violations, refusal, test } from './page';
import { signed_in_as } from './roles';
import type { Browser, Page } from '@playwright/test';

const policy = { models: null, retention_days: 90, conversations: 'server', key_days_max: 365, key_makers: 'all', contact: null };

/** An operator of two members, on the rules of the first. What was changed of whose, in order. */
async function on_rules(browser: Browser): Promise<{ page: Page; changed: string[] }> {
  const page = await signed_in_as(browser, 'operator');
  await keep_toasts(page);
  const changed: string[] = [];
  await page.route('**/api/members', (route) => route.fulfill({ json: { members: ['ena', 'toa'].map((id) => ({ id, name: `Kommune ${id}`, created_at: '2026-01-01T00:00:00Z' })) } }));
  await page.route('**/api/members/*/policy', (route) => {
    const whose = new URL(route.request().url()).pathname.split('/')[3] ?? '';
    if (route.request().method() === 'GET') return route.fulfill({ json: policy });
    const body = route.request().postDataJSON() as { retention_days: number };
    changed.push(`${whose}: ${body.retention_days}`);
    return route.fulfill({ json: { ...policy, ...body } });
  });
  await page.goto('/people/policy?member=ena');
  await page.getByRole('combobox', { name: /Hvor længe gemmes en samtale/ }).selectOption('30');
  await page.getByRole('button', { name: 'Gem reglerne' }).click();
  await expect(page.getByText('Reglerne er gemt.')).toBeVisible();
  return { page, changed };
}

test('rules are undone of the municipality they were changed of', async ({ browser, guard }) => {
  void guard;
  const { page, changed } = await on_rules(browser);
  await page.getByRole('button', { name: 'Vælg en anden' }).click();
  await page.getByRole('link', { name: 'Kommune toa' }).click();
  await expect(page.getByText(/Kommune toa har bestemt/)).toBeVisible();
  await page.getByRole('button', { name: 'Fortryd' }).click();
  await expect.poll(() => changed).toEqual(['ena: 30', 'ena: 90']);
  await page.context().close();
});

test('what was written after the rules were saved is there after Undo, and too much of it is told before it is sent', async ({ browser, guard }) => {
  void guard;
  const { page, changed } = await on_rules(browser);
  const contact = page.getByRole('textbox', { name: 'Hvem skal man spørge hos jer?' });
  await contact.fill('IT-service\nlokal 12');
  await page.getByRole('button', { name: 'Fortryd' }).click();
  await expect.poll(() => changed).toEqual(['ena: 30', 'ena: 90']);
  await expect(page.getByRole('combobox', { name: /Hvor længe gemmes en samtale/ })).toHaveValue('90');
  await expect(contact).toHaveValue('IT-service\nlokal 12');
  await contact.fill('å'.repeat(251));
  await page.getByRole('button', { name: 'Gem reglerne' }).click();
  await expect(page.getByText('Det er for langt: Skriv højst 500 tegn.')).toBeVisible();
  await expect(contact).toBeFocused();
  await no_axe_violations(page);
  expect(changed).toEqual(['ena: 30', 'ena: 90']);
  await page.context().close();
});

test('what could not be undone is said, also where the page was left', async ({ browser, guard }) => {
  guard.allow.push(/status of 503/);
  const { page, changed } = await on_rules(browser);
  await go_to(page, 'Hjælp');
  await expect(page.getByRole('heading', { level: 1, name: 'Hjælp' })).toBeVisible();
  await page.route('**/api/members/*/policy', (route) => route.fulfill(refusal(503, 'draining', 'Serveren er ved at starte igen.', 'The server is restarting.', 'req_testundo')));
  await page.getByRole('button', { name: 'Fortryd' }).click();
  const told = page.getByText('Fortryd virkede ikke for »Reglerne er gemt.« Serveren er ved at starte igen.');
  await expect(told).toBeVisible();
  await no_axe_violations(page);
  await page.unroute('**/api/members/*/policy');
  await page.route('**/api/members/*/policy', (route) => {
    changed.push(`again: ${(route.request().postDataJSON() as { retention_days: number }).retention_days}`);
    return route.fulfill({ json: policy });
  });
  await page.getByRole('button', { name: 'Prøv igen' }).click();
  await expect(told).toHaveCount(0);
  expect(changed).toEqual(['ena: 30', 'again: 90']);
  await page.context().close();
});

test('an order, a notice and maintenance that could not be undone say so where the page was left', async ({ browser, guard }) => {
  guard.allow.push(/status of 503/);
  const page = await signed_in_as(browser, 'operator');
  await keep_toasts(page);
  const fails = (address: string) => page.route(address, (route) => (route.request().method() === 'GET' ? route.continue() : route.fulfill(refusal(503, 'draining', 'Serveren starter.', 'Restarting.', 'req_testundo'))));
  async function leave_and_undo(done: string | RegExp, address: string) {
    await expect(page.getByRole('status').getByText(done)).toBeVisible();
    await go_to(page, 'Hjælp');
    await fails(address);
    await page.getByRole('button', { name: 'Fortryd' }).click();
    await expect(page.getByText(/^Fortryd virkede ikke for ».+« Serveren starter\.$/)).toBeVisible();
    await page.unroute(address);
    const again = page.waitForResponse((response) => response.request().method() !== 'GET' && response.url().includes('/api/') && response.ok());
    await page.getByRole('button', { name: 'Prøv igen' }).click(); // so that the next test finds it as it was
    await again;
    await expect(page.getByText(/^Fortryd virkede ikke/)).toHaveCount(0);
    for (const close of await page.getByRole('status').getByRole('button', { name: 'Luk' }).all()) await close.click().catch(() => {});
  }
  await page.goto('/drift');
  const hold = page.getByRole('button', { name: /^Hold .+ fast i hukommelsen$/ }).last();
  const held = /^Hold (.+) fast i hukommelsen$/.exec((await hold.getAttribute('aria-label')) ?? '')?.[1] ?? '';
  expect(held).not.toBe('');
  await hold.click();
  await leave_and_undo(held, '**/api/models/*/residency');
  await page.goto('/maintenance');
  await page.getByRole('button', { name: 'Luk for vedligehold' }).click();
  await leave_and_undo('Fælled er lukket for nye spørgsmål.', '**/api/maintenance');
  await page.goto('/maintenance');
  await page.getByRole('textbox', { name: 'Hvad skal der stå? (dansk)' }).last().fill('Kommer igen');
  await page.getByRole('button', { name: 'Vis for alle' }).click();
  await page.getByRole('button', { name: 'Fjern: Kommer igen' }).click();
  await leave_and_undo('Beskeden er fjernet.', '**/api/notices');
  await page.goto('/maintenance');
  await page.getByRole('button', { name: 'Fjern: Kommer igen' }).click();
  await page.context().close();
});
