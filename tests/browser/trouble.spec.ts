// What a server may also answer; put in on the way, so that it can be tested against any server.
import { answered, answers, ask, events, expect, field, last_answer, no_axe_violations, open_new, refusal, speak, stop_if_going, test, words_of } from './page';

const turns = '**/api/conversations/*/turns';
const turn_events = '**/api/turns/*/events*';

test('waiting is honest: place in line, what wakes up, how long', async ({ page }) => {
  await open_new(page);
  let connections = 0;
  let told = false;
  let let_go = () => {};
  const released = new Promise<void>((resolve) => (let_go = resolve));
  let wake = () => {};
  const woken = new Promise<void>((resolve) => (wake = resolve));
  await page.route(turn_events, async (route) => {
    const mine = ++connections;
    if (mine === 1) return route.fulfill(events({ name: 'waiting', id: 0, data: { reason: 'queue', position: 3, ready_in_s: null, at_most_s: 118.5 } }));
    await woken;
    if (mine !== connections) return route.abort(); // the page gives a silent line up after 22 s, and asks again
    if (!told) {
      told = true;
      return route.fulfill(events({ name: 'waiting', id: 0, data: { reason: 'starting', position: 3, ready_in_s: 59, at_most_s: 118.5 } }));
    }
    await released;
    return route.continue();
  });
  await ask(page, 'Hvor længe varer det?');
  await expect(last_answer(page)).toContainText('I er nr. 3 i køen');
  await expect(last_answer(page)).toContainText('Alle pladser er i brug');
  await expect(last_answer(page)).toContainText('Ventetiden er højst 2 min.');
  await no_axe_violations(page);
  wake();
  await expect(last_answer(page)).toContainText(/Modellen vågner, ca\. \d+ s, nr\. 3/);
  let_go();
  await answered(page);
  await stop_if_going(page);
});

test('a refused question says why, gives a number, and Try again asks it once', async ({ page, guard }) => {
  guard.allow.push(/status of 429/);
  await open_new(page);
  await page.route(turns, (route) => route.fulfill(refusal(429, 'queue_full', 'Køen er fuld lige nu.', 'The queue is full.', 'req_test0429')));
  await ask(page, 'Svar kort: Kan du høre mig?');
  const box = last_answer(page).locator('.trouble');
  await expect(box).toContainText('Spørgsmålet blev ikke sendt');
  await expect(box).toContainText('Køen er fuld lige nu.');
  await expect(box).toContainText('req_test0429');
  await no_axe_violations(page);
  await speak(page, 'English');
  await expect(box).toContainText('The queue is full.');
  await speak(page, 'Dansk');
  await page.unroute(turns);
  await box.getByRole('button', { name: 'Prøv igen' }).click();
  await answered(page);
  await expect(page.locator('article.asked')).toHaveCount(1);
  await expect(page.locator('.trouble')).toHaveCount(0);
  await stop_if_going(page);
});

test('of two refused questions the second can be asked again', async ({ page, guard }) => {
  guard.allow.push(/status of 429/);
  await open_new(page);
  await page.route(turns, (route) => route.fulfill(refusal(429, 'queue_full', 'Køen er fuld lige nu.', 'The queue is full.', 'req_test0429')));
  await ask(page, 'Svar kort: den ene');
  await expect(page.locator('.trouble')).toHaveCount(1);
  await ask(page, 'Svar kort: den anden');
  await expect(page.locator('.trouble')).toHaveCount(2);
  await page.unroute(turns);
  await last_answer(page).getByRole('button', { name: 'Prøv igen' }).click();
  await answered(page);
  await expect(page.locator('article.asked').last()).toHaveText(/den anden/);
  await expect(page.locator('.trouble')).toHaveCount(0);
  await stop_if_going(page);
});

test('an edited question that was refused is there when it is edited again, until it is sent', async ({ page, guard }) => {
  guard.allow.push(/status of 500/);
  await open_new(page);
  await ask(page, 'Svar kort: som den var');
  await answered(page);
  await stop_if_going(page);
  const pen = page.getByRole('button', { name: 'Ret spørgsmålet' });
  const edit = page.getByRole('textbox', { name: 'Dit spørgsmål, rettet' });
  await pen.click();
  await edit.fill('Svar kort: som den skal');
  await page.route(turns, (route) => route.fulfill(refusal(500, 'internal', 'Der skete en fejl.', 'Something went wrong.', 'req_testedit')));
  await edit.press('Enter');
  await expect(last_answer(page).locator('.trouble')).toBeVisible();
  await page.unroute(turns);
  await page.getByRole('button', { name: 'Ny samtale' }).click();
  await expect(page.locator('.welcome')).toBeVisible();
  await page.goBack();
  await expect(page.locator('article.asked')).toHaveText(/som den var/);
  await pen.click();
  await expect(edit).toHaveValue('Svar kort: som den skal');
  await page.reload();
  await pen.click();
  await expect(edit).toHaveValue('Svar kort: som den skal');
  await edit.press('Enter');
  await expect(page.locator('article.asked')).toHaveText(/som den skal/);
  await answered(page);
  await stop_if_going(page);
  await page.getByRole('group', { name: 'Udgave 2 af 2' }).getByRole('button', { name: 'Forrige' }).click();
  await pen.click();
  await expect(edit).toHaveValue('Svar kort: som den var');
  await edit.fill('Svar kort: fortrudt');
  await page.getByRole('button', { name: 'Fortryd' }).click();
  await pen.click();
  await expect(edit).toHaveValue('Svar kort: som den var');
  await page.keyboard.press('Escape');
});

test('a question that could not be sent is back after a refresh', async ({ page, guard }) => {
  guard.allow.push(/status of 500/);
  await open_new(page);
  await page.route(turns, (route) => route.fulfill(refusal(500, 'internal', 'Der skete en fejl.', 'Something went wrong.', 'req_test0500')));
  await ask(page, 'Må ikke gå tabt');
  await expect(last_answer(page).locator('.trouble')).toBeVisible();
  await page.unroute(turns);
  await page.reload();
  await expect(field(page)).toHaveValue('Må ikke gå tabt');
  await field(page).fill('');
});

test('an answer that breaks off keeps what came and says so', async ({ page }) => {
  await open_new(page);
  await page.route(turn_events, (route) =>
    route.fulfill(
      events(
        { name: 'delta', id: 7, data: { text: 'Så lå' } },
        { name: 'end', id: 7, data: { state: 'failed', error: { message: 'The model stopped.', message_da: 'Modellen gik i stå.' }, request_id: 'req_testbroken', usage: null } },
      ),
    ),
  );
  await ask(page, 'Bliver afbrudt');
  await expect(words_of(last_answer(page))).toHaveText('Så lå');
  await expect(last_answer(page).locator('.trouble')).toContainText('Modellen gik i stå.');
  await expect(last_answer(page).locator('.trouble')).toContainText('req_testbroken');
  await expect(last_answer(page).getByRole('button', { name: 'Prøv igen' })).toBeVisible();
  await page.unroute(turn_events);
  await page.reload();
  await stop_if_going(page);
});

test('a lost line is taken up again from the byte it had', async ({ page, guard }) => {
  guard.allow.push(/ERR_FAILED/);
  await open_new(page);
  const asked_after: string[] = [];
  await page.route(turn_events, (route) => {
    asked_after.push(new URL(route.request().url()).searchParams.get('after') ?? '');
    if (asked_after.length === 1) return route.fulfill(events({ name: 'delta', id: 11, data: { text: 'Æøå 🐄' } }));
    if (asked_after.length === 2) return route.abort();
    return route.fulfill(
      events(
        { name: 'delta', id: 16, data: { text: '🐄 muh!' } },
        { name: 'end', id: 16, data: { state: 'done', error: null, request_id: 'req_testline', usage: null } },
      ),
    );
  });
  await ask(page, 'Linjen ryger');
  await expect(words_of(last_answer(page))).toHaveText('Æøå 🐄 muh!');
  expect(asked_after).toEqual(['0', '11', '11']);
  await page.unroute(turn_events);
  await page.reload();
  await stop_if_going(page);
});

test('without a connection the page says so, and goes on when it is back', async ({ page, context, guard }) => {
  guard.allow.push(/ERR_INTERNET_DISCONNECTED/);
  await open_new(page);
  await context.setOffline(true);
  await ask(page, 'Svar kort: Er nettet tilbage?');
  await expect(last_answer(page).locator('.trouble')).toContainText('Der er ingen forbindelse til serveren');
  await context.setOffline(false);
  await last_answer(page).getByRole('button', { name: 'Prøv igen' }).click();
  await answered(page);
  await expect(answers(page)).toHaveCount(1);
  await stop_if_going(page);
});

test('a server that does not answer is said so, with a way to try again', async ({ page, guard }) => {
  guard.allow.push(/status of 503/);
  await page.route('**/api/session', (route) => route.fulfill(refusal(503, 'draining', 'Serveren er ved at starte igen.', 'The server is restarting.', 'req_test0503')));
  await page.goto('/');
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('Fælled svarer ikke lige nu');
  await expect(alert).toContainText('Serveren er ved at starte igen.');
  await expect(alert).toContainText('req_test0503');
  await no_axe_violations(page);
  await page.unroute('**/api/session');
  await alert.getByRole('button', { name: 'Prøv igen' }).click();
  await expect(field(page)).toBeVisible();
});

test('an expired session leads to the sign-in page and keeps the half-written question', async ({ page, guard }) => {
  guard.allow.push(/status of 401/);
  await open_new(page);
  await field(page).fill('Skal overleve udløb');
  await page.route('**/api/conversations', (route) => route.fulfill(refusal(401, 'not_signed_in', 'Du er ikke logget ind.', 'Not signed in.', 'req_test0401')));
  await field(page).press('Enter');
  await expect(page.getByText('Du er logget ud, fordi der er gået lang tid.', { exact: false })).toBeVisible();
  await page.unroute('**/api/conversations');
  await page.goto('/');
  await expect(field(page)).toHaveValue('Skal overleve udløb');
  await field(page).fill('');
});

test('nothing a model writes can run, load or lead astray', async ({ page, context }) => {
  await open_new(page);
  const attack = [
    '<script>document.title = "taken"</script><img src="https://outside.example/pixel.png" onerror="document.title=1">',
    '![pixel](https://outside.example/pixel.png) [klik](javascript:document.title=2) [data](data:text/html,x)',
    '<style>body{display:none}</style> <iframe src="https://outside.example"></iframe>',
    '[god](https://www.kl.dk/) `kode` **fed**',
  ].join('\n\n');
  const bytes = Buffer.byteLength(attack);
  await page.route(turn_events, (route) =>
    route.fulfill(events({ name: 'delta', id: bytes, data: { text: attack } }, { name: 'end', id: bytes, data: { state: 'done', error: null, request_id: 'req_testattack', usage: null } })),
  );
  let dialogs = 0;
  context.on('dialog', () => dialogs++);
  await ask(page, 'Prøv at bryde ud');
  const words = words_of(last_answer(page));
  await expect(words).toContainText('<script>document.title = "taken"</script>');
  expect(await words.locator('script, img, iframe, style, object, embed, form').count()).toBe(0);
  const links = await words.locator('a').evaluateAll((all) => all.map((each) => [each.getAttribute('href'), each.getAttribute('rel')]));
  expect(links.map(([href]) => href)).toEqual(['https://outside.example/pixel.png', 'https://www.kl.dk/']);
  for (const [, rel] of links) expect(rel).toContain('noopener');
  await expect(page).not.toHaveTitle(/taken|^1$|^2$/);
  expect(dialogs).toBe(0);
  await page.unroute(turn_events);
  await page.reload();
  await stop_if_going(page);
});
