// How soon the page is there on a slow computer. Printed, so that the figures can be read; the bound is the promise.
import { expect, test } from './page';

for (const { slower, ms_max } of [{ slower: 4, ms_max: 1_000 }, { slower: 6, ms_max: 2_000 }]) {
  test(`first paint comes within ${ms_max} ms on a processor ${slower} times slower`, async ({ page }) => {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Emulation.setCPUThrottlingRate', { rate: slower });
    const seen: number[] = [];
    for (let i = 0; i < 5; i++) {
      await page.goto('/');
      await page.locator('#question').waitFor();
      const ms = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity);
      const writing_ms = await page.evaluate(() => performance.now());
      seen.push(ms);
      console.log(`processor ${slower} times slower: first contentful paint ${Math.round(ms)} ms, writing field there at ${Math.round(writing_ms)} ms`);
      await page.goto('about:blank');
    }
    await devtools.send('Emulation.setCPUThrottlingRate', { rate: 1 });
    expect(seen.sort((a, b) => a - b)[2], 'the median of five').toBeLessThan(ms_max);
  });
}
