// Models by their names where they are beyond what a page lists of a large catalogue.
import { readFile } from 'node:fs/promises';
import { among_many, id_of } from './many';
import { expect, no_axe_violations, refusal, test } from './page';

/** The questions for names alone. */
const names_asked = (asked: string[]) => asked.map((each) => new URLSearchParams(each).getAll('id')).filter((ids) => ids.length > 0);
const key = (name: string, models: string[] | null) => ({ id: `key_${name}`, name, models, member: 'mem_1', user: null, user_name: null, created_at: '2026-11-24T11:00:00Z', expires_at: null, last_used_at: null, revoked_at: null, replaced_by: null });

test('usage names models that no list has, and asks for those alone', async ({ browser, guard }) => {
  void guard;
  const { page, asked } = await among_many(browser, 'user', {}, 1200);
  const used = (model: string, requests: number) => ({ member: 'mem', caller: 'usr', caller_name: null, model, requests, input_tokens: 7, cached_tokens: 0, output_tokens: 5, hour: new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000).toISOString() });
  const row = (model: string) => ({ request_id: `req_${model}`, member: 'mem', caller: 'usr', key: null, user: 'usr', model, started_at: new Date().toISOString(), input_tokens: 7, cached_tokens: 0, output_tokens: 5, queue_us: 0, load_us: 0, engine_us: 1, total_us: 1, outcome: 'done', cause: null });
  await page.route('**/api/usage?*', (route) => {
    const rows = new URL(route.request().url()).searchParams.get('rows') === 'true';
    return route.fulfill({ json: rows ? { rows: [row(id_of(1150)), row('z/syg')], next: null } : { usage: [used(id_of(1150), 3), used('væk/model', 2), used('z/klar', 1)] } });
  });
  await page.goto('/usage');
  const models = page.getByRole('table', { name: 'Fordelt på modeller' });
  await expect(models.getByRole('rowheader')).toHaveText(['Fagmodel 1150', 'væk/model', 'Klar Model']);
  expect(names_asked(asked)).toEqual([[id_of(1150), 'væk/model', 'z/klar']]);
  await models.getByRole('link').first().click();
  await expect(page.getByRole('main')).toContainText('Fagmodel 1150');
  await expect(page.getByRole('table', { name: 'Spørgsmål for spørgsmål' })).toContainText('Syg Model');
  expect(names_asked(asked).slice(1)).toEqual([['z/syg']]);
  expect(asked.filter((each) => each.includes('limit=1000'))).toEqual([]);
  await no_axe_violations(page);
  await page.context().close();
});

test('keys, and the file of them all, name models that no list has', async ({ browser, guard }) => {
  guard.allow.push(/status of 503/);
  const { page } = await among_many(browser, 'member_admin', {}, 1200);
  const further = key('Andet', [id_of(1170), 'væk/model']);
  await page.route('**/api/keys?*', (route) => {
    const whole = new URL(route.request().url()).searchParams.get('limit') === '500';
    return route.fulfill({ json: { keys: [key('Fjernt', [id_of(1150), id_of(0)]), key('Alt', null), ...(whole ? [further] : [])], next: whole ? null : 'key_Alt', total: 3 } });
  });
  await page.goto('/people/keys');
  const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'Fjernt' }) });
  await expect(row).toContainText('Fagmodel 1150, Fagmodel 0');
  const coming = page.waitForEvent('download');
  await page.getByRole('button', { name: /^Hent som CSV/ }).click();
  const text = await readFile(await (await coming).path(), 'utf8');
  expect(text).toContain('Fagmodel 1150, Fagmodel 0');
  expect(text).toContain('Fagmodel 1170, væk/model');
  await page.goto('/keys');
  await expect(row).toContainText('Fagmodel 1150, Fagmodel 0');
  await page.route('**/api/models?*id=*', (route) => route.fulfill(refusal(503, 'draining', 'Serveren starter.', 'Restarting.', 'req_testmany')));
  await page.reload();
  await expect(row, 'without names the ids').toContainText(`${id_of(1150)}, ${id_of(0)}`);
  await page.context().close();
});

test('kinds of agreements, and what a change of one does, name models that no list has', async ({ browser, guard }) => {
  void guard;
  const { page } = await among_many(browser, 'operator', {}, 1200);
  const tier = { id: 'fag', name: 'Fag', share: 5, places: 1, places_now: 1, wait_s: null, models: [id_of(1150), id_of(1151)], fee_ore: 0 };
  await page.route('**/api/tiers', (route) => route.fulfill({ json: { tiers: [tier], places: { promised: 1, there: 8 } } }));
  await page.route('**/api/agreements/plan', (route) => route.fulfill({ json: { applied: false, plan: 'plan_1', problems: [], warnings: [], over: 0, places: { promised: 1, there: 8 }, steps: [{ kind: 'change_tier', tier_before: tier, tier_after: { ...tier, models: [id_of(1160)] }, before: null, after: null }] } }));
  await page.goto('/agreements/tiers');
  await expect(page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'Fag' }) })).toContainText('Fagmodel 1150, Fagmodel 1151');
  await page.getByRole('button', { name: 'Ret aftaletypen Fag' }).click();
  await page.getByRole('button', { name: 'Vis ændringen' }).click();
  await expect(page.getByRole('dialog')).toContainText('Fagmodel 1150, Fagmodel 1151 → Fagmodel 1160');
  await page.context().close();
});

test('the own agreement names its models', async ({ browser, guard }) => {
  void guard;
  const { page } = await among_many(browser, 'user', {}, 1200);
  await page.route('**/api/promise', async (route) => route.fulfill({ json: { ...(await (await route.fetch()).json()), models: [id_of(1150), 'væk/model'] } }));
  await page.goto('/agreements');
  await expect(page.getByText('Aftalen gælder disse modeller: Fagmodel 1150, væk/model.')).toBeVisible();
  await page.context().close();
});
