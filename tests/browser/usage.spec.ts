// Min brug: sums, the rows behind them, and the address that holds it all.
import { answered, ask, expect, no_axe_violations, open_new, refusal, stop_if_going, test } from './page';

test('what was asked is counted, and every number opens into its rows', async ({ page }) => {
  await open_new(page);
  await ask(page, 'Svar kort: Tæl mig med.');
  await answered(page);
  await stop_if_going(page);
  await page.getByRole('navigation', { name: 'Sider' }).getByRole('link', { name: 'Min brug' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Min brug' })).toBeFocused();
  await expect(page.getByRole('heading', { name: 'Spørgsmål per dag' })).toBeVisible();
  await no_axe_violations(page);
  const total = page.locator('.totals').getByRole('link').first();
  const count = Number(((await total.textContent()) ?? '').replace(/\D/g, ''));
  expect(count).toBeGreaterThan(0);
  await total.click();
  await expect(page).toHaveURL(/rows=1/);
  await expect(page.getByRole('heading', { name: 'Spørgsmål for spørgsmål' })).toBeVisible();
  await expect.poll(() => page.getByRole('rowheader').count()).toBeGreaterThanOrEqual(Math.min(count, 50));
  await no_axe_violations(page);
  expect(await page.locator('main').innerText()).not.toContain('Tæl mig med');
  await page.goBack();
  await expect(page.locator('.totals')).toBeVisible();
});

test('the period is in the address, and back undoes it', async ({ page }) => {
  await page.goto('/usage');
  await page.getByRole('link', { name: '30 dage' }).click();
  await expect(page).toHaveURL(/days=30/);
  await expect(page.getByRole('link', { name: '30 dage' })).toHaveAttribute('aria-current', 'true');
  await page.getByRole('link', { name: 'I dag' }).click();
  await expect(page).toHaveURL(/days=1/);
  await page.goBack();
  await expect(page.getByRole('link', { name: '30 dage' })).toHaveAttribute('aria-current', 'true');
  await page.reload();
  await expect(page.getByRole('link', { name: '30 dage' })).toHaveAttribute('aria-current', 'true');
});

test('the chart’s figures stand in a table, a model’s number opens its rows, and both come as CSV', async ({ page }) => {
  await page.goto('/usage?days=7');
  await page.getByText('Tallene dag for dag').click();
  await expect(page.getByRole('table', { name: 'Spørgsmål i perioden' }).getByRole('rowheader')).toHaveCount(7);
  const models = page.getByRole('table', { name: 'Fordelt på modeller' });
  await models.getByRole('link').first().click();
  await expect(page).toHaveURL(/model=/);
  await expect(page.getByRole('heading', { name: 'Spørgsmål for spørgsmål' })).toBeVisible();
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Hent rækkerne som CSV' }).click();
  await (await download).cancel();
});

test('another period never shows the former one’s figures', async ({ page, guard }) => {
  guard.allow.push(/status of 500/);
  const model = (await (await page.request.get('/api/models')).json()).models[0].id;
  const one = { member: 'mem', caller: 'usr', caller_name: null, model, requests: 1, input_tokens: 7, cached_tokens: 0, output_tokens: 5, hour: new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000).toISOString() };
  let answer = () => {};
  const late = new Promise<void>((resolve) => (answer = resolve));
  let times = 0;
  await page.route('**/api/usage?*', async (route) => {
    times++;
    if (times === 2) await late;
    if (times === 3) return route.fulfill(refusal(500, 'internal', 'Der skete en fejl.', 'Something went wrong.', 'req_testusage'));
    return route.fulfill({ json: { usage: [one] } });
  });
  await page.goto('/usage?days=7');
  await expect(page.locator('.totals').getByRole('link', { name: 'Vis det ene spørgsmål' })).toBeVisible();
  await page.getByRole('link', { name: '30 dage' }).click();
  await expect(page.locator('main .late')).toHaveCount(1);
  await expect(page.locator('.totals')).toHaveCount(0);
  await page.getByRole('link', { name: 'I dag' }).click();
  await expect(page.locator('main .trouble')).toContainText('Tallene kunne ikke hentes');
  answer();
  await expect(page.locator('.totals')).toHaveCount(0);
  await page.getByRole('button', { name: 'Prøv igen' }).click();
  await expect(page.locator('.totals')).toBeVisible();
  await page.unroute('**/api/usage?*');
});

test('after midnight today is the new day, on a page that was open all the while', async ({ page }) => {
  await page.clock.install({ time: new Date('2026-11-24T22:58:00Z') }); // 23.58 in Copenhagen
  const asked: (string | null)[] = [];
  await page.route('**/api/usage?*', (route) => {
    asked.push(new URL(route.request().url()).searchParams.get('from'));
    return route.fulfill({ json: { usage: [] } });
  });
  await page.goto('/usage?days=1');
  await expect.poll(() => asked).toEqual(['2026-11-23T23:00:00.000Z']);
  await page.clock.runFor('05:00');
  await expect.poll(() => asked).toEqual(['2026-11-23T23:00:00.000Z', '2026-11-24T23:00:00.000Z']);
});
