// The journey "ask a question and get an answer" as a screen reader takes it: by roles, names and keys alone, and by what
// the live regions say. What is heard, in order, stands in the table.
import type { Page } from '@playwright/test';
import { answered, expect, open_new, stop_if_going, test } from './page';

interface Heard {
  /** The reader's act, or the page's own when there is none. */
  act: string;
  heard: RegExp;
}

const journey: Heard[] = [
  { act: 'arrives', heard: /^dokument: .* – Fælled$/ },
  { act: 'goes to the first heading', heard: /^overskrift 1: Ny samtale$/ },
  { act: 'goes to the main landmark’s writing field', heard: /^tekstfelt: Skriv dit spørgsmål, (Samtaler gemmes kun .*)?Du skriver med en kunstig intelligens.*$/ },
  { act: 'presses Enter', heard: /^besked: Spørgsmålet er sendt\.$/ },
  { act: '', heard: /^besked: (Svaret er klar|Svaret er stoppet|Svaret er standset, fordi det er langt\. Du kan bede det fortsætte)\.$/ },
  { act: 'asks where it is', heard: /^tekstfelt: Skriv dit spørgsmål/ },
  { act: 'goes to the last heading of level 2', heard: /^overskrift 2: Svar fra .+$/ },
  { act: 'reads on', heard: /^artikel: Svar fra .+, \d+ ord$/ },
  { act: 'reads on', heard: /^knap: Kopiér svar$/ },
  { act: 'reads on', heard: /^til\/fra-knap: Godt svar, ikke trykket$/ },
  { act: 'reads on', heard: /^til\/fra-knap: Dårligt svar, ikke trykket$/ },
  { act: 'reads on', heard: /^knap: Skriv svaret igen$/ },
  { act: 'asks how much room is left', heard: /^måler: Plads i samtalen, Samtalen fylder \d+ % af det, modellen kan huske$/ },
];

/** What every live region says, each time it changes: as an assistive technology is told of it. */
async function listen(page: Page) {
  await page.evaluate(() => {
    const said: string[] = [];
    Object.assign(window, { said });
    const regions = () => [...document.querySelectorAll('[role=status], [role=alert], [aria-live]:not([aria-live=off])')];
    const last = new Map(regions().map((each) => [each, each.textContent?.trim() ?? '']));
    new MutationObserver(() => {
      for (const region of regions()) {
        const text = region.textContent?.trim() ?? '';
        if (text !== '' && text !== last.get(region)) said.push(text);
        last.set(region, text);
      }
    }).observe(document.body, { childList: true, characterData: true, subtree: true });
  });
}

const said = (page: Page) => page.evaluate(() => (window as unknown as { said: string[] }).said);

test('a question is asked and its answer found by ear', async ({ page }) => {
  const heard: string[] = [];
  await open_new(page);
  await listen(page);
  heard.push(`dokument: ${await page.title()}`);
  heard.push(`overskrift 1: ${await page.getByRole('heading', { level: 1 }).innerText()}`);

  const main = page.getByRole('main');
  const field = main.getByRole('textbox', { name: 'Skriv dit spørgsmål' });
  const described = async () => {
    const id = (await field.getAttribute('aria-describedby')) ?? '';
    return (await page.locator(`#${id}`).innerText()).trim();
  };
  await field.focus();
  heard.push(`tekstfelt: Skriv dit spørgsmål, ${await described()}`);

  await page.keyboard.type('Svar kort: Hvad er en kommune?');
  await page.keyboard.press('Enter');
  await expect.poll(async () => (await said(page)).length).toBeGreaterThan(0);
  heard.push(`besked: ${(await said(page))[0]}`);
  await answered(page);
  await stop_if_going(page);
  await expect.poll(async () => (await said(page)).some((each) => /^Svaret/.test(each)), { timeout: 90_000 }).toBe(true);
  const all = await said(page);
  heard.push(`besked: ${all.find((each) => /^Svaret/.test(each))}`);
  // However many tokens came: two messages, and at most one about the wait between them.
  expect(all.length, all.join(' | ')).toBeLessThanOrEqual(3);

  await expect(field).toBeFocused();
  heard.push(`tekstfelt: Skriv dit spørgsmål, ${await described()}`);
  const answer = main.getByRole('article', { name: /^Svar fra/ }).last();
  const name = await answer.getByRole('heading', { level: 2 }).innerText();
  heard.push(`overskrift 2: ${name}`);
  await expect(answer).toHaveAttribute('aria-busy', 'false');
  const words = (await answer.locator('.words').innerText()).split(/\s+/).filter(Boolean).length;
  heard.push(`artikel: ${name}, ${words} ord`);
  for (const each of ['Kopiér svar', 'Godt svar', 'Dårligt svar', 'Skriv svaret igen']) {
    const button = answer.getByRole('button', { name: each });
    const pressed = await button.getAttribute('aria-pressed');
    heard.push(pressed === null ? `knap: ${each}` : `til/fra-knap: ${each}, ${pressed === 'true' ? 'trykket' : 'ikke trykket'}`);
    await expect(button).toBeVisible();
  }
  const meter = main.getByRole('meter', { name: 'Plads i samtalen' });
  heard.push(`måler: Plads i samtalen, ${await meter.getAttribute('aria-valuetext')}`);

  expect(heard).toHaveLength(journey.length);
  heard.forEach((each, at) => expect(each, journey[at]?.act).toMatch(journey[at]?.heard ?? /$^/));
});

test('what the accessibility tree says of the page is in order', async ({ page }) => {
  await open_new(page);
  await expect(page.getByRole('main')).toMatchAriaSnapshot(`
    - main:
      - heading "Ny samtale" [level=1]
      - region "Samtale"
      - textbox "Skriv dit spørgsmål"
      - button "Send" [disabled]
  `);
});
