// Every table as a file: all of it, in one piece.
import { readFile } from 'node:fs/promises';
import { expect, no_axe_violations, refusal, test } from './page';
import { signed_in_as } from './roles';
import type { Page } from '@playwright/test';

async function downloaded(page: Page, press: () => Promise<void>): Promise<{ name: string; text: string }> {
  const coming = page.waitForEvent('download');
  await press();
  const file = await coming;
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') };
}

/** Three pages of a file, as the server gives them. */
async function in_pages(page: Page, address: string, by: string) {
  const parts: Record<string, [text: string, next?: string]> = { '': ['id,navn\r\n1,Als\r\n', 'to'], to: ['2,Fur\r\n', 'tre'], tre: ['3,Mors\r\n'] };
  await page.route(address, (route) => {
    const url = new URL(route.request().url());
    if (!url.searchParams.get('format')) return route.continue();
    const [body, next] = parts[url.searchParams.get(by) ?? ''] ?? ['wrong'];
    return route.fulfill({ headers: { 'content-type': 'text/csv; charset=utf-8', 'content-disposition': 'attachment; filename="faelled-prøve.csv"'.replace('ø', 'oe'), ...(next && { 'x-next': next }) }, body });
  });
}
const whole = 'id,navn\r\n1,Als\r\n2,Fur\r\n3,Mors\r\n';

test('what the server gives a page at a time is one file with one heading', async ({ browser, page, guard }) => {
  void guard;
  await in_pages(page, '**/api/usage?*', 'after');
  await page.goto('/usage?days=30&rows=1');
  expect(await downloaded(page, () => page.getByRole('link', { name: 'Hent rækkerne som CSV' }).click())).toEqual({ name: 'faelled-proeve.csv', text: whole });
  const admin = await signed_in_as(browser, 'member_admin');
  await in_pages(admin, '**/api/audit?*', 'before');
  await admin.goto('/people/audit');
  expect((await downloaded(admin, () => admin.getByRole('link', { name: 'Hent til Excel' }).click())).text).toBe(whole);
  await admin.context().close();
  const operator = await signed_in_as(browser, 'operator');
  await in_pages(operator, '**/api/agreements/history?*', 'before');
  await in_pages(operator, '**/api/residency/events?*', 'before');
  await operator.goto('/agreements/history');
  expect((await downloaded(operator, () => operator.getByRole('link', { name: 'Hent som CSV' }).click())).text).toBe(whole);
  await operator.goto('/drift');
  expect((await downloaded(operator, () => operator.getByRole('link', { name: 'Hent hændelser som CSV' }).click())).text).toBe(whole);
  await operator.context().close();
});

test('a long file says how far it is, and one that breaks off is none', async ({ page, guard }) => {
  guard.allow.push(/status of 503/);
  let let_go = () => {};
  const released = new Promise<void>((resolve) => (let_go = resolve));
  await page.route('**/api/usage?*', async (route) => {
    const url = new URL(route.request().url());
    if (!url.searchParams.get('format')) return route.continue();
    if (!url.searchParams.get('after')) return route.fulfill({ headers: { 'content-type': 'text/csv', 'x-next': 'to' }, body: 'id\r\n' });
    await released;
    return route.fulfill(refusal(503, 'draining', 'Serveren starter.', 'Restarting.', 'req_testfile'));
  });
  await page.goto('/usage?days=30&rows=1');
  await page.getByRole('link', { name: 'Hent rækkerne som CSV' }).click();
  await expect(page.getByText('Henter side 2 …')).toBeVisible();
  await no_axe_violations(page);
  let_go();
  await expect(page.getByText('Filen blev ikke hentet. Serveren starter.')).toBeVisible();
  await expect(page.getByText('Henter side 2 …')).toHaveCount(0);
});

test('the file of a list has all of its pages, and no name is a formula', async ({ browser, guard }) => {
  void guard;
  const admin = await signed_in_as(browser, 'member_admin');
  const user = (at: number, name: string) => ({ id: `usr_${at}`, name, member: 'mem', role: 'user', email: null, front_end: null, external_id: null, created_at: '2026-01-01T00:00:00Z', disabled_at: null, last_seen_at: null });
  await admin.route('**/api/members/*/users?*', (route) => {
    const second = new URL(route.request().url()).searchParams.get('after') === 'usr_1';
    return route.fulfill({ json: { users: second ? [user(2, 'Å Vang')] : [user(1, '=HYPERLINK("x")')], next: second ? null : 'usr_1', total: 2 } });
  });
  await admin.goto('/people');
  const file = await downloaded(admin, () => admin.getByRole('button', { name: 'Hent som CSV: Brugere' }).click());
  expect(file).toEqual({ name: 'faelled-personer.csv', text: '\ufeffNavn;E-mail;Rolle;Sidst her;Adgang\r\n"\'=HYPERLINK(""x"")";;Bruger;;Åben\r\nÅ Vang;;Bruger;;Åben\r\n' });
  await no_axe_violations(admin);
  await admin.context().close();
});

test('every table is had as a file', async ({ browser, page, guard }) => {
  void guard;
  await page.goto('/status');
  expect((await downloaded(page, () => page.getByRole('button', { name: 'Hent som CSV: Modeller' }).click())).text).toMatch(/^\ufeffModel;Lige nu\r\n.+;.+\r\n/);
  const operator = await signed_in_as(browser, 'operator');
  const tier = { id: 'lille', name: 'Lille', share: 2, places: 4, places_now: 4, wait_s: 60, models: [], fee_ore: 199_850 };
  await operator.route('**/api/tiers', (route) => route.fulfill({ json: { tiers: [tier], places: { promised: 4, there: 8 } } }));
  await operator.goto('/agreements/tiers');
  expect((await downloaded(operator, () => operator.getByRole('button', { name: 'Hent som CSV: Aftaletyper' }).click())).text).toContain('\r\nLille;2;4;60;1998,5;\r\n');
  await operator.route('**/api/aliases', (route) => route.fulfill({ json: { aliases: [{ name: 'standard', version: 1, model: 'm', moving_to: null, previous: null, owner: 'drift', detail: null, lane: 'interactive', listed: true }], left_out: [] } }));
  await operator.goto('/models');
  expect((await downloaded(operator, () => operator.getByRole('button', { name: 'Hent som CSV: Navne, der kan flyttes' }).click())).text).toContain('\r\nstandard;m;drift\r\n');
  await operator.context().close();
  const auditor = await signed_in_as(browser, 'auditor');
  await auditor.route('**/api/agreements/sums', (route) => route.fulfill({ json: { members: 3, with_agreement: 1, suspended: 0, share: 2, fee_ore: 199_850, tiers: [{ tier: 'lille', name: 'Lille', members: 1, share: 2, fee_ore: 199_850 }] } }));
  await auditor.goto('/agreements');
  expect((await downloaded(auditor, () => auditor.getByRole('button', { name: /^Hent som CSV/ }).click())).text).toContain('\r\nLille;1;2;1998,5\r\n');
  await auditor.context().close();
});
