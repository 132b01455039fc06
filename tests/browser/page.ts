// What every test of the page shares: it fails on any console error, policy violation or request to another origin.
import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type Locator, type Page } from '@playwright/test';

export const base_url = () => process.env.FAELLED_URL ?? '';
export const sign_in_link = () => process.env.FAELLED_SIGN_IN ?? '';

interface Guard {
  /** Console errors that this test brings about itself. */
  allow: RegExp[];
}

export const test = base.extend<{ guard: Guard }>({
  baseURL: async ({}, use) => use(base_url()),
  guard: [
    async ({ context }, use) => {
      const guard: Guard = { allow: [] };
      const found: string[] = [];
      const origin = new URL(base_url()).origin;
      context.on('console', (message) => {
        if (message.type() === 'error' || /Content Security Policy/i.test(message.text())) found.push(`console: ${message.text()}`);
      });
      context.on('weberror', (error) => found.push(`error: ${error.error().stack ?? error.error().message}`));
      context.on('request', (request) => {
        const url = new URL(request.url());
        if (url.protocol.startsWith('http') && url.origin !== origin) found.push(`outside request: ${request.url()}`);
      });
      await use(guard);
      expect(found.filter((each) => !guard.allow.some((allowed) => allowed.test(each)))).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

export const field = (page: Page) => page.getByRole('textbox', { name: /Skriv dit spørgsmål|Write your question/ });
export const answers = (page: Page) => page.locator('article.answer');
export const last_answer = (page: Page) => answers(page).last();
export const words_of = (answer: Locator) => answer.locator('.words');

/** The last question has its answer, or at least the beginning of one. A small model may also have nothing to say. */
export async function answered(page: Page) {
  await expect(last_answer(page).locator('.words, .empty').first()).toBeVisible({ timeout: 60_000 });
}
export const stop_button = (page: Page) => page.getByRole('button', { name: /^Stop$/ });
export const copy_button = (page: Page) => last_answer(page).getByRole('button', { name: /^(Kopiér svar|Copy answer)$/ });
export const conversation_list = (page: Page) => page.getByRole('navigation', { name: /Samtaler|Conversations/ });
export const item = (page: Page, title: string) => conversation_list(page).getByRole('listitem').filter({ hasText: title });

/** Opens the menu that holds the account, the language and the appearance: on a narrow window the menu of pages too. */
export async function open_account(page: Page) {
  const opener = page.getByRole('button', { name: /^(Konto: |Account: |Menu$)/ });
  if ((await opener.getAttribute('aria-expanded')) !== 'true') await opener.click();
  await expect(page.getByRole('combobox', { name: /Udseende|Appearance/ })).toBeVisible();
}

export async function speak(page: Page, language: 'English' | 'Dansk') {
  await open_account(page);
  await page.getByRole('button', { name: language, exact: true }).click();
  await page.keyboard.press('Escape');
}

/** By the menu of pages, without loading anew. */
export async function go_to(page: Page, name: string) {
  const nav = page.getByRole('navigation', { name: 'Sider' });
  const link = nav.getByRole('link', { name, exact: true });
  if (!(await link.isVisible())) await nav.getByRole('button', { name: 'Mere' }).click();
  await link.click();
}

export async function no_sideways_scroll(page: Page, width_px: number) {
  // Charts are drawn anew a moment after the window has another width.
  const widths = () => page.evaluate(() => ({ page: document.documentElement.scrollWidth, window: window.innerWidth }));
  await expect.poll(widths).toEqual({ page: width_px, window: width_px });
}

export async function open_new(page: Page) {
  await page.goto('/');
  await expect(field(page)).toBeVisible();
  await expect(page.locator('.welcome .card')).toBeVisible();
}

export async function ask(page: Page, question: string) {
  await field(page).fill(question);
  await expect(send_button(page), 'the model is known').toBeEnabled({ timeout: 60_000 });
  await field(page).press('Enter');
  await expect(page.locator('article.asked').last()).toHaveText(new RegExp(question.slice(0, 20).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')));
}

/** What goes to these addresses waits until the function that comes back is called. */
export async function hold_back(page: Page, addresses: string): Promise<() => void> {
  let let_go = () => {};
  const released = new Promise<void>((resolve) => (let_go = resolve));
  await page.route(addresses, async (route) => {
    await released;
    await route.continue();
  });
  return let_go;
}

const send_button = (page: Page) => page.getByRole('button', { name: 'Send', exact: true });

export async function ended(page: Page) {
  await expect(send_button(page)).toBeVisible({ timeout: 90_000 });
}

/** Stops a long answer, if it is still going, so that the next test need not wait for it. */
export async function stop_if_going(page: Page) {
  for (let tries = 0; tries < 20 && !(await send_button(page).isVisible()); tries++) {
    await stop_button(page).dispatchEvent('click', undefined, { timeout: 5_000 }).catch(() => {}); // it may have ended meanwhile; a click waits for two frames
  }
  await ended(page);
}

/** After "Skriv svaret igen": the second answer has begun, is stopped if it is long, and stands beside the first. */
export async function written_again(page: Page) {
  const both = page.getByRole('group', { name: 'Svar 2 af 2' });
  await expect(stop_button(page).or(both).first()).toBeVisible({ timeout: 60_000 });
  await answered(page);
  await stop_if_going(page);
  await expect(both).toBeVisible();
}

/** Asks until an answer is caught while it is being written: a small model may be done in a blink. */
export async function ask_and_catch(page: Page): Promise<string> {
  for (let tries = 0; tries < 12; tries++) {
    await ask(page, 'Tæl videre, helt op til 2000: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,');
    const begun = words_of(last_answer(page));
    await expect(begun.or(send_button(page)).first()).toBeVisible({ timeout: 60_000 });
    const text = await page.evaluate(() => {
      const all = document.querySelectorAll('article.answer');
      const last = all[all.length - 1];
      return last?.getAttribute('aria-busy') === 'true' ? (last.querySelector('.words')?.textContent ?? '') : '';
    });
    if (text.length > 0) return text;
    await ended(page);
  }
  throw new Error('no answer was long enough to be caught while it was written');
}

/** From the next page load on toasts stay, as they do under a mouse: ten seconds are few for a slow browser. */
export async function keep_toasts(page: Page) {
  await page.addInitScript(() => {
    for (const left of ['mouseleave', 'focusout']) {
      addEventListener(left, (event) => event.target instanceof Element && event.target.closest('.toast') && event.stopImmediatePropagation(), true);
    }
    new MutationObserver(() => {
      for (const toast of document.querySelectorAll('.toast')) toast.dispatchEvent(new MouseEvent('mouseenter'));
    }).observe(document, { childList: true, subtree: true });
  });
}

/** From the next page load on an answer begins four letters at a time, each drawn before the next: a busy machine hands a browser many words at once. */
export async function slow_answers(page: Page) {
  await page.addInitScript(() => {
    const drawn = () => new Promise((then) => requestAnimationFrame(then));
    const fetched = window.fetch.bind(window);
    const encoder = new TextEncoder();
    function pieces(event: string): string[] {
      const delta = /^event: delta\nid: (\d+)\ndata: (.*)$/.exec(event);
      if (!delta) return [event];
      const text: string = JSON.parse(delta[2]!).text;
      let at = Number(delta[1]) - encoder.encode(text).length;
      return (text.match(/.{1,4}/gsu) ?? []).map((piece) => `event: delta\nid: ${(at += encoder.encode(piece).length)}\ndata: ${JSON.stringify({ text: piece })}`);
    }
    function slowly() {
      let rest = '';
      let left = 12; // a slow browser takes seconds for a frame
      return new TransformStream<string, string>({
        async transform(chunk, out) {
          const events = (rest + chunk).split('\n\n');
          rest = events.pop() ?? '';
          for (const piece of events.flatMap(pieces)) {
            out.enqueue(`${piece}\n\n`);
            if (left-- > 0) await drawn();
          }
        },
      });
    }
    window.fetch = async (...asked) => {
      const reply = await fetched(...asked);
      if (!reply.body || !reply.headers.get('content-type')?.startsWith('text/event-stream')) return reply;
      const body = reply.body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).pipeThrough(slowly()).pipeThrough(new TextEncoderStream());
      return new Response(body, reply);
    };
  });
}

export async function conversation_on_server(page: Page) {
  const id = new URL(page.url()).pathname.replace('/c/', '');
  const response = await page.request.get(`/api/conversations/${id}`);
  return { status: response.status(), body: response.ok() ? await response.json() : null, id };
}

/** What the page holds of the last answer, letter by letter, as its copy button gives it. */
export async function copied_answer(page: Page): Promise<string> {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: base_url() });
  await copy_button(page).click();
  const text = await page.evaluate(() => navigator.clipboard.readText());
  return text.replace(/\r\n/g, '\n').replace(/\n\n— [^\n]*$/, '');
}

/** The page has no frames: so axe need not end its work in a blank page of its own, which takes as long again. */
export async function axe_violations(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ['violations'] }).analyze();
  return violations.map((each) => `${each.id}: ${each.help} — ${each.nodes.map((node) => node.target.join(' ')).join(', ')}`);
}

export async function no_axe_violations(page: Page) {
  expect(await axe_violations(page)).toEqual([]);
}

/** Server-sent events as the server writes them. */
export function events(...all: { name: 'waiting' | 'delta' | 'end'; id: number; data: unknown }[]) {
  return {
    status: 200,
    contentType: 'text/event-stream',
    body: all.map((each) => `id: ${each.id}\nevent: ${each.name}\ndata: ${JSON.stringify(each.data)}\n\n`).join(''),
  };
}

export function refusal(status: number, code: string, message_da: string, message: string, request_id: string, param: string | null = null) {
  return {
    status,
    headers: { 'content-type': 'application/json', 'x-request-id': request_id },
    body: JSON.stringify({ error: { message, type: 'server_error', param, code, message_da } }),
  };
}
