// Status and Vedligehold: what everybody is told, and by whom.
import { expect, field, no_axe_violations, no_sideways_scroll, refusal, test } from './page';
import { signed_in_as } from './roles';

test('status is public, plain and also lines of text', async ({ browser, guard }) => {
  guard.allow.push(/status of 401/);
  const context = await browser.newContext({ baseURL: process.env.FAELLED_URL, locale: 'da-DK', storageState: { cookies: [], origins: [] } });
  const page = await context.newPage();
  await page.goto('/status');
  await expect(page.getByRole('heading', { level: 1, name: 'Status' })).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Alt virker' })).toBeVisible();
  await expect(page.getByRole('table', { name: 'Modeller' })).toContainText('Klar');
  await expect(page.getByRole('link', { name: 'Log ind' })).toBeVisible();
  await no_axe_violations(page);
  const body = await (await page.request.get('/api/status')).text();
  expect(body).not.toMatch(/mem_|usr_|member|demo kommune/i);
  const text = await (await page.request.get('/api/status?format=text')).text();
  expect(text).toContain('Alt virker.');
  await context.close();
});

test('operators close for maintenance, everybody is told, and questions wait until it is open', async ({ browser, page, guard }) => {
  guard.allow.push(/status of 503/);
  const operator = await signed_in_as(browser, 'operator');
  await expect(operator.getByRole('heading', { level: 1, name: 'Vedligehold' })).toBeVisible();
  await no_axe_violations(operator);
  await operator.getByRole('button', { name: 'Luk for vedligehold' }).click();
  await expect(operator.getByText('Fælled er lukket for vedligehold. Nye spørgsmål afvises.')).toBeVisible();

  await page.goto('/');
  await expect(page.getByText('Lukket for vedligehold.')).toBeVisible();
  await no_axe_violations(page);
  if (!process.env.FAELLED_MOCK) {
    await field(page).fill('Er I åbne?');
    await field(page).press('Enter');
    await expect(page.locator('.trouble')).toContainText('Vi opdaterer Fælled');
  }
  await page.goto('/status');
  await expect(page.getByRole('heading', { name: 'Lukket for vedligehold' })).toBeVisible();

  await operator.getByRole('button', { name: 'Åbn igen' }).click();
  await expect(operator.getByRole('button', { name: 'Luk for vedligehold' })).toBeVisible();
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Alt virker' })).toBeVisible();
  await operator.context().close();
});

test('what everybody was told comes back when opening again is undone', async ({ browser, page }) => {
  const operator = await signed_in_as(browser, 'operator');
  await operator.goto('/maintenance');
  const words = `Vi skifter en disk ${Date.now() % 100_000}`;
  const mode = operator.getByRole('region', { name: 'Vedligehold', exact: true });
  await mode.getByRole('textbox', { name: 'Hvad skal der stå? (dansk)' }).fill(words);
  await mode.getByRole('textbox', { name: 'Det samme på engelsk' }).fill('We are changing a disk.');
  await mode.getByLabel('Hvornår regner du med at være færdig?').fill('2099-06-01T12:00');
  await operator.getByRole('button', { name: 'Luk for vedligehold' }).click();
  await operator.getByRole('button', { name: 'Åbn igen' }).waitFor();
  await operator.reload(); // the form knows nothing of it any more
  await operator.getByRole('button', { name: 'Åbn igen' }).click();
  await operator.getByRole('button', { name: 'Luk for vedligehold' }).waitFor();
  await operator.getByRole('button', { name: 'Fortryd' }).click();
  await operator.getByRole('button', { name: 'Åbn igen' }).waitFor();
  const { maintenance } = await (await page.request.get('/api/status')).json();
  expect(maintenance).toMatchObject({ on: true, message_da: words, message: 'We are changing a disk.' });
  expect(new Date(maintenance.until).getTime()).toBe(new Date('2099-06-01T10:00:00Z').getTime());
  await operator.getByRole('button', { name: 'Åbn igen' }).click();
  await operator.getByRole('button', { name: 'Luk for vedligehold' }).waitFor();
  await operator.context().close();
});

test('one day is no plural, and a notice that has run out is not called solved', async ({ browser, guard }) => {
  void guard;
  const operator = await signed_in_as(browser, 'operator');
  const over = { id: 'not_over', message: 'Over', from: '2026-01-01T00:00:00Z', until: '2026-01-02T00:00:00Z' };
  await operator.route('**/api/maintenance', async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    const alarms = [{ id: 'certificate-expiring', severity: 'ticket', about: 'x.example', reading: '1 d', since: body.now }];
    const certificates = [{ name: 'x.example', not_after: body.now, days_left: 1 }];
    const notices = [{ ...over, kind: 'announcement', message_da: 'En besked' }, { ...over, id: 'not_solved', kind: 'incident', message_da: 'En forstyrrelse' }];
    await route.fulfill({ response, json: { ...body, alarms, certificates, notices } });
  });
  await operator.goto('/maintenance');
  await expect(operator.getByText('Certifikatet x.example udløber om 1 dag.')).toBeVisible();
  await expect(operator.getByText('x.example: 1 dag tilbage')).toBeVisible();
  await expect(operator.getByRole('listitem').filter({ hasText: 'En besked' })).toContainText('Vises ikke mere');
  await expect(operator.getByRole('listitem').filter({ hasText: 'En forstyrrelse' })).toContainText('Løst');
  await operator.context().close();
});

test('a certificate that is over is not said to expire in minus one day', async ({ browser, guard }) => {
  void guard;
  const operator = await signed_in_as(browser, 'operator');
  await operator.route('**/api/maintenance', async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    const alarms = [['a.example', '-1 d'], ['b.example', '0 d']].map(([about, reading]) => ({ id: 'certificate-expiring', severity: 'page', about, reading, since: body.now }));
    await route.fulfill({ response, json: { ...body, alarms, certificates: [] } });
  });
  await operator.goto('/maintenance');
  await expect(operator.getByText('Certifikatet a.example er udløbet.', { exact: true })).toBeVisible();
  await expect(operator.getByText('Certifikatet b.example udløber inden for et døgn.', { exact: true })).toBeVisible();
  await operator.context().close();
});

test('a runbook that could not be fetched says so, and is fetched again', async ({ browser, guard }) => {
  guard.allow.push(/Failed to (load resource|fetch)/);
  const operator = await signed_in_as(browser, 'operator');
  await operator.route(/\/assets\/disk-filling-.*\.js$/, (route) => route.abort());
  await operator.goto('/maintenance/disk-filling');
  await expect(operator.getByRole('alert')).toContainText('Vejledningen kunne ikke hentes');
  await no_axe_violations(operator);
  await operator.unroute(/\/assets\/disk-filling-.*\.js$/);
  await operator.getByRole('button', { name: 'Prøv igen' }).click();
  await expect(operator.getByRole('region', { name: 'Sådan gør du' }).getByRole('heading').first()).toBeVisible();
  await operator.context().close();
});

test('an engine’s log says when it was loaded, is loaded again, and is of the model that was chosen last', async ({ browser, guard }) => {
  guard.allow.push(/status of 503/);
  const operator = await signed_in_as(browser, 'operator');
  const models = ['langsom', 'rask', 'rask:jura'].map((id) => ({ id, name: `Model ${id}`, base: id.includes(':') ? 'rask' : null, state: 'ready', serves: 'chat', embeddings: false }));
  await operator.route('**/api/models?*', (route) => route.fulfill({ json: { models, next: null } }));
  let answer_slowly = () => {};
  const slow = new Promise<void>((resolve) => (answer_slowly = resolve));
  let failing = false;
  let times = 0;
  await operator.route('**/api/engine-log?*', async (route) => {
    const model = new URL(route.request().url()).searchParams.get('model') ?? '';
    if (model === 'langsom') await slow;
    if (failing) return route.fulfill(refusal(503, 'draining', 'Serveren starter.', 'Restarting.', 'req_testlog'));
    return route.fulfill({ json: { model, text: `${model} ${++times}`, further: [] } });
  });
  await operator.goto('/maintenance');
  const logs = operator.getByRole('region', { name: 'Hvad modellens motor skrev' });
  await expect(logs.getByRole('link'), 'an adapter has no engine of its own').toHaveText(['Model langsom', 'Model rask']);
  await logs.getByRole('link', { name: 'Model langsom' }).click();
  await logs.getByRole('link', { name: 'Model rask' }).click();
  await expect(logs.locator('pre')).toHaveText('rask 1');
  const late = operator.waitForResponse((response) => response.url().includes('langsom'));
  answer_slowly();
  await late;
  await expect(logs.locator('pre')).toHaveText('rask 1');
  await expect(logs.getByText(/^Hentet kl\. \d\d\.\d\d\.$/)).toBeVisible();
  await logs.getByRole('button', { name: 'Hent igen' }).click();
  await expect(logs.locator('pre')).toHaveText('rask 3');
  failing = true;
  await logs.getByRole('button', { name: 'Hent igen' }).click();
  await expect(logs.locator('.trouble')).toContainText('Loggen kunne ikke hentes');
  await no_axe_violations(operator);
  failing = false;
  await logs.getByRole('button', { name: 'Prøv igen' }).click();
  await expect(logs.locator('pre')).toHaveText('rask 4');
  await expect(logs.locator('.trouble')).toHaveCount(0);
  await operator.context().close();
});

test('an incident is told, marked as solved, removed and brought back', async ({ browser, page }) => {
  const operator = await signed_in_as(browser, 'operator');
  await operator.goto('/maintenance');
  const words = `Langsomme svar ${Date.now() % 100_000}`;
  await operator.getByRole('radio', { name: 'En driftsforstyrrelse' }).check();
  await operator.getByRole('textbox', { name: 'Hvad skal der stå? (dansk)' }).last().fill(words);
  await operator.getByRole('button', { name: 'Vis for alle' }).click();
  await operator.getByRole('button', { name: `Meld løst: ${words}` }).waitFor();
  await page.goto('/status');
  await expect(page.getByRole('article').filter({ hasText: words })).toContainText('Ikke løst endnu');
  await operator.getByRole('button', { name: `Meld løst: ${words}` }).click();
  await expect(operator.getByRole('button', { name: `Meld løst: ${words}` })).toHaveCount(0);
  await page.reload();
  await expect(page.getByRole('article').filter({ hasText: words })).toContainText('Løst');
  await operator.getByRole('button', { name: `Fjern: ${words}` }).click();
  await operator.getByRole('button', { name: 'Fortryd' }).click();
  await expect(operator.getByRole('button', { name: `Fjern: ${words}` })).toBeVisible();
  await operator.getByRole('button', { name: `Fjern: ${words}` }).click();
  await expect(operator.getByRole('button', { name: `Fjern: ${words}` })).toHaveCount(0);
  await operator.context().close();
});

test('an operator sees how the server stands and what its engine printed, on a phone too', async ({ browser, guard }) => {
  void guard;
  const operator = await signed_in_as(browser, 'operator', { viewport: { width: 320, height: 640 } });
  await operator.goto('/maintenance');
  await expect(operator.getByText('Datamappe')).toBeVisible();
  await operator.getByRole('region', { name: 'Hvad modellens motor skrev' }).getByRole('link').first().click();
  await expect(operator).toHaveURL(/log=/);
  await expect(operator.locator('pre').last()).toBeVisible();
  await no_sideways_scroll(operator, 320);
  await no_axe_violations(operator);
  await operator.context().close();
});
