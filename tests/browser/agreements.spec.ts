// Aftaler: what an operator promises, with the difference shown first and a way back, and what a member reads of it.
import { expect, no_axe_violations, no_sideways_scroll, speak, test } from './page';
import { signed_in_as } from './roles';
import type { Page } from '@playwright/test';

const row = (page: Page, name: string) => page.getByRole('row').filter({ has: page.getByRole('rowheader', { name }) });
// One without an agreement: the mock's last member, a real server's only one.
const member = process.env.FAELLED_MOCK ? 'Forsøgskommunen' : 'Demo Kommune';

async function show_and_save(page: Page, ...expected: string[]) {
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Vis ændringen' }).click();
  await expect(dialog.getByRole('heading', { name: 'Det her sker' })).toBeFocused();
  for (const words of expected) await expect(dialog).toContainText(words);
  await no_axe_violations(page);
  await dialog.getByRole('button', { name: 'Gem ændringen' }).click();
  await expect(page.getByText('Aftalerne er ændret.').first()).toBeVisible();
  await expect(page.getByRole('dialog')).toHaveCount(0);
}

test('a tier and an agreement are made, changed, taken back, suspended and ended, and all of it is still there to read', async ({ browser, guard }) => {
  void guard;
  const page = await signed_in_as(browser, 'operator');
  const tier = `type-${Date.now() % 1_000_000}`;
  await page.getByRole('navigation', { name: 'Sider' }).getByRole('link', { name: 'Aftaler' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Aftaler' })).toBeFocused();
  await page.getByRole('link', { name: 'Aftaletyper' }).first().click();
  await page.getByRole('button', { name: 'Ny aftaletype' }).click();
  await page.getByRole('button', { name: 'Vis ændringen' }).click();
  await expect(page.getByRole('textbox', { name: 'Kort navn' })).toBeFocused();
  await page.getByRole('textbox', { name: 'Kort navn' }).fill(tier);
  await page.getByRole('textbox', { name: 'Andel' }).fill('20');
  await page.getByRole('textbox', { name: 'Pris pr. måned' }).fill('1.998,50');
  await page.getByRole('textbox', { name: 'Pladser' }).fill('50000');
  await show_and_save(page, `Ny aftaletype: ${tier}`, '1.998,50 kr.', '50.000', 'alle grænser gælder i forhold');
  await expect(row(page, tier)).toContainText('tæller som');
  await expect(page.getByText('Der er lovet flere pladser, end der er')).toBeVisible();
  await no_axe_violations(page);

  await page.getByRole('navigation', { name: 'Dele af siden' }).getByRole('link', { name: 'Aftaler', exact: true }).click();
  await page.getByRole('button', { name: 'Ny aftale' }).click();
  await page.getByRole('button', { name: 'Vis ændringen' }).click();
  await expect(page.getByRole('combobox', { name: 'Kommune' })).toBeFocused();
  await no_axe_violations(page);
  await page.getByRole('combobox', { name: 'Kommune' }).selectOption({ label: member });
  await page.getByRole('combobox', { name: 'Aftaletype' }).selectOption({ label: tier });
  await show_and_save(page, `Begynder: ${member}`, '1.998,50 kr.');
  await expect(row(page, member)).toContainText('Gælder');
  await page.getByRole('button', { name: 'Fortryd' }).last().click();
  await expect(row(page, member)).toHaveCount(0);

  await page.getByRole('button', { name: 'Ny aftale' }).click();
  await page.getByRole('combobox', { name: 'Kommune' }).selectOption({ label: member });
  await page.getByRole('combobox', { name: 'Aftaletype' }).selectOption({ label: tier });
  await show_and_save(page);
  await page.getByRole('button', { name: `Ret aftalen med ${member}` }).click();
  await page.getByRole('textbox', { name: 'Andel' }).fill('30');
  await show_and_save(page, `Ændres: ${member}`, '20 → 30');
  await expect(row(page, member).getByRole('cell', { name: '30', exact: true })).toBeVisible();
  await page.getByRole('button', { name: 'Fortryd' }).last().click();
  await expect(page.getByText('Ændringen er taget tilbage.').last()).toBeVisible();
  await expect(row(page, member).getByRole('cell', { name: '20', exact: true })).toBeVisible();

  await page.getByRole('button', { name: `Ret aftalen med ${member}` }).click();
  await page.getByRole('checkbox', { name: /^Sæt aftalen i bero/ }).check();
  await page.getByRole('button', { name: 'Vis ændringen' }).click();
  await expect(page.getByRole('textbox', { name: 'Begrundelse på dansk' })).toBeFocused();
  await page.getByRole('textbox', { name: 'Begrundelse på dansk' }).fill('Regningen er ikke betalt.');
  await page.getByRole('textbox', { name: 'Begrundelse på engelsk' }).fill('The invoice is not paid.');
  await show_and_save(page, 'I bero', 'nej → ja');
  await expect(row(page, member)).toContainText('I bero');

  await page.getByRole('button', { name: `Ret aftalen med ${member}` }).click();
  await page.getByRole('button', { name: 'Afslut aftalen' }).click();
  await expect(page.getByRole('dialog')).toContainText(`Slutter: ${member}`);
  await page.getByRole('button', { name: 'Gem ændringen' }).click();
  await expect(row(page, member)).toHaveCount(0);
  await page.getByRole('navigation', { name: 'Dele af siden' }).getByRole('link', { name: 'Tidligere løfter' }).click();
  await expect(row(page, member).first()).toContainText('Regningen er ikke betalt.');
  expect(await row(page, member).count()).toBeGreaterThanOrEqual(5);
  await no_axe_violations(page);

  await page.getByRole('navigation', { name: 'Dele af siden' }).getByRole('link', { name: 'Aftaletyper' }).click();
  await page.getByRole('button', { name: `Ret aftaletypen ${tier}` }).click();
  await page.getByRole('button', { name: 'Lad typen udgå' }).click();
  await page.getByRole('button', { name: 'Gem ændringen' }).click();
  await expect(row(page, tier)).toHaveCount(0);
  await page.context().close();
});

test('a new agreement ends the one before it, also where that stands on another page of the list', async ({ browser, guard }) => {
  void guard;
  const page = await signed_in_as(browser, 'operator');
  const row = { id: 'agr_9', member: 'mem_far', tier: 'lille', state: 'in_force', from: '2026-01-01', until: null, share: 2, places: 4, places_now: 4, wait_s: 60, models: [], fee_ore: 100, inhabitants: null, suspended: false, reason_da: null, reason_en: null, follows: null, begins_at: '2026-01-01T00:00:00Z', made_at: null, made_by: null, ended_at: null, ended_by: null };
  const places = { promised: 4, there: 8 };
  await page.route('**/api/members', (route) => route.fulfill({ json: { members: [{ id: 'mem_far', name: 'Ø Kommune', created_at: '2026-01-01T00:00:00Z' }] } }));
  await page.route('**/api/tiers', (route) => route.fulfill({ json: { tiers: [{ id: 'lille', name: 'Lille', share: 2, places: 4, places_now: 4, wait_s: 60, models: [], fee_ore: 100 }], places } }));
  await page.route(/\/api\/agreements\?/, (route) => {
    const own = new URL(route.request().url()).searchParams.get('member') === 'mem_far';
    return route.fulfill({ json: { agreements: own ? [row] : [], places, next: own ? null : 'agr_1', total: 51 } });
  });
  const wished: unknown[] = [];
  await page.route('**/api/agreements/plan', (route) => {
    wished.push(...(route.request().postDataJSON() as { agreements: unknown[] }).agreements);
    return route.fulfill({ json: { applied: false, plan: 'plan_1', problems: [], warnings: [], steps: [], over: 0, places } });
  });
  await page.goto('/agreements');
  await page.getByRole('button', { name: 'Ny aftale' }).click();
  await page.getByRole('combobox', { name: 'Kommune' }).selectOption({ label: 'Ø Kommune' });
  await page.getByLabel('Fra og med').fill('2027-01-01');
  await page.getByRole('button', { name: 'Vis ændringen' }).click();
  await expect(page.getByRole('heading', { name: 'Det her sker' })).toBeVisible();
  expect(wished).toMatchObject([{ member: 'mem_far', until: '2026-12-31', replaces: 'agr_9' }, { member: 'mem_far', from: '2027-01-01' }]);
  await page.context().close();
});

test('what somebody else changed meanwhile is said, and the way back leads to the filled form', async ({ browser, guard }) => {
  guard.allow.push(/status of 409/);
  const page = await signed_in_as(browser, 'operator');
  await page.route('**/api/agreements', (route) =>
    route.request().postDataJSON()?.plan
      ? route.fulfill({ status: 409, json: { error: { message: 'changed', type: 'x', param: null, code: 'conflict', message_da: 'Noget er ændret i mellemtiden.' } } })
      : route.fallback());
  await page.goto('/agreements');
  await page.getByRole('link', { name: 'Aftaletyper' }).first().click();
  await page.getByRole('button', { name: 'Ny aftaletype' }).click();
  await page.getByRole('textbox', { name: 'Kort navn' }).fill('imens');
  await page.getByRole('textbox', { name: 'Andel' }).fill('20');
  await page.getByRole('textbox', { name: 'Pris pr. måned' }).fill('100');
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Vis ændringen' }).click();
  await dialog.getByRole('button', { name: 'Gem ændringen' }).click();
  await expect(dialog.getByRole('alert')).toContainText('En anden har ændret aftalerne');
  await no_axe_violations(page);
  await dialog.getByRole('button', { name: 'Tilbage' }).click();
  await expect(page.getByRole('textbox', { name: 'Kort navn' })).toHaveValue('imens');
  await page.context().close();
});

test('a member’s administrator reads what is promised in plain words, in both languages', async ({ browser, guard }) => {
  void guard;
  const page = await signed_in_as(browser, 'member_admin');
  await page.getByRole('navigation', { name: 'Sider' }).getByRole('link', { name: 'Vores aftale' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Vores aftale' })).toBeFocused();
  await expect(page.getByText('I betaler en fast pris. I har altid jeres egen garanterede del af maskinerne.')).toBeVisible();
  await expect(page.getByText(/^Jeres andel er \d+ af \d+, altså/)).toBeVisible();
  await no_axe_violations(page);
  await page.emulateMedia({ colorScheme: 'dark' });
  await no_axe_violations(page);
  await speak(page, 'English');
  await expect(page.getByRole('heading', { level: 1, name: 'Our agreement' })).toBeVisible();
  expect(await page.getByRole('main').innerText()).not.toMatch(/\b(Jeres|Aftalen|Andel|lovet)\b/);
  await page.context().close();
});

test('an auditor reads all others as sums', async ({ browser, guard }) => {
  void guard;
  const page = await signed_in_as(browser, 'auditor');
  await page.goto('/agreements');
  await expect(page.getByRole('heading', { name: 'Alle kommuner, som summer' })).toBeVisible();
  await expect(page.getByText(/kommuner har en aftale/)).toBeVisible();
  await no_axe_violations(page);
  await page.context().close();
});

test('everything fits on a phone 320 px wide', async ({ browser, guard }) => {
  void guard;
  const phone = { viewport: { width: 320, height: 640 }, isMobile: true, hasTouch: true };
  const page = await signed_in_as(browser, 'operator', phone);
  for (const address of ['/agreements', '/agreements/tiers', '/agreements/history']) {
    await page.goto(address);
    await expect(page.locator('main .lead').first()).toBeVisible();
    await expect(page.locator('main .late')).toHaveCount(0);
    await no_sideways_scroll(page, 320);
    await no_axe_violations(page);
  }
  await page.goto('/agreements/tiers');
  await page.getByRole('button', { name: 'Ny aftaletype' }).click();
  await no_sideways_scroll(page, 320);
  await no_axe_violations(page);
  await page.context().close();
  const own = await signed_in_as(browser, 'member_admin', phone);
  await own.goto('/agreements');
  await expect(own.getByRole('heading', { name: 'Det er I lovet' })).toBeVisible();
  await no_sideways_scroll(own, 320);
  await no_axe_violations(own);
  await own.context().close();
});
