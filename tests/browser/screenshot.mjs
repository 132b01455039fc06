// Takes the README's picture of the page from a running server:
//   FAELLED_SIGN_IN=LINK [FAELLED_QUESTION=TEXT] node screenshot.mjs [FILE]      (default docs/images/chat.png)
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';

const link = process.env.FAELLED_SIGN_IN;
if (!link) {
  console.error('FAELLED_SIGN_IN must hold an unused sign-in link');
  process.exit(2);
}
const file = process.argv[2] ?? fileURLToPath(new URL('../../docs/images/chat.png', import.meta.url));
const question = process.env.FAELLED_QUESTION ?? 'Nævn tre gode grunde til at cykle på arbejde.';

const browser = await chromium.launch({
  executablePath: process.env.FAELLED_CHROMIUM ?? '/usr/bin/chromium-headless-shell',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, deviceScaleFactor: 2, locale: 'da-DK', timezoneId: 'Europe/Copenhagen', colorScheme: 'light' });
  await page.goto(link);
  const field = page.getByRole('textbox', { name: 'Skriv dit spørgsmål' });
  await field.fill(question);
  await field.press('Enter');
  await page.getByRole('button', { name: 'Send', exact: true }).waitFor({ timeout: 120_000 });
  await page.locator('section.scroller').evaluate((each) => each.scrollTo({ top: 0 }));
  await mkdir(dirname(file), { recursive: true });
  await page.screenshot({ path: file });
  console.log(file);
} finally {
  await browser.close();
}
