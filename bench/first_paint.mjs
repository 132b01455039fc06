// When pages paint and can be written in, on processors that are slower: node first_paint.mjs SPEC, where SPEC is JSON of
// {pages: [{name, url, field, sign_in?, token?}], slower: [times], visits}. Pages take turns; each visit is two, with an empty
// cache and with what the first one left there. Writes a JSON line a visit. `./dev first-paint` starts it.
import { createRequire } from 'node:module';

const require = createRequire(new URL('../tests/browser/package.json', import.meta.url));
const { chromium } = require('@playwright/test');

const { pages, slower, visits } = JSON.parse(process.argv[2]);
const browser = await chromium.launch({
  executablePath: process.env.FAELLED_CHROMIUM ?? '/usr/bin/chromium-headless-shell',
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const window_of = { locale: 'da-DK', viewport: { width: 1280, height: 800 } };

async function signed_in({ url, sign_in, token }) {
  const context = await browser.newContext(window_of);
  const page = await context.newPage();
  await page.goto(sign_in ?? url);
  if (token) await page.evaluate((value) => localStorage.setItem('token', value), token);
  if (sign_in) await page.waitForURL((at) => !at.pathname.startsWith('/sign-in'));
  const state = await context.storageState();
  await context.close();
  return state;
}

async function visit(page, { url, field }, times) {
  const devtools = await page.context().newCDPSession(page);
  let bytes = 0;
  let requests = 0;
  await devtools.send('Network.enable');
  devtools.on('Network.loadingFinished', (event) => {
    bytes += event.encodedDataLength;
    requests += event.encodedDataLength > 0 ? 1 : 0; // what comes from the cache has none
  });
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: times });
  await page.goto(url, { waitUntil: 'commit' });
  await page.locator(field).first().waitFor({ timeout: 120_000 });
  const field_ms = await page.evaluate(() => performance.now());
  await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0);
  const paint_ms = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime);
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: 1 });
  await devtools.detach();
  return { paint_ms, field_ms, bytes, requests };
}

try {
  const states = new Map();
  for (const page of pages) states.set(page.name, await signed_in(page));
  for (const times of slower) {
    for (let i = 0; i < visits; i++) {
      for (const page of pages) {
        const context = await browser.newContext({ ...window_of, storageState: states.get(page.name) });
        const tab = await context.newPage();
        for (const cache of ['empty', 'filled']) {
          console.log(JSON.stringify({ name: page.name, slower: times, cache, ...(await visit(tab, page, times)) }));
          await tab.goto('about:blank');
        }
        await context.close();
      }
    }
  }
} finally {
  await browser.close();
}
