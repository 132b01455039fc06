// The first paint waits for one style sheet: neither for a script nor for an answer of the API. How many milliseconds that
// is on a slow computer, beside another page: `./dev first-paint`.
import { expect, hold_back, test } from './page';

test('the name is painted while scripts and answers have not come', async ({ page }) => {
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.resourceType()));
  const let_scripts_go = await hold_back(page, '**/*.js');
  const let_answers_go = await hold_back(page, '**/api/**');
  await page.goto('/', { waitUntil: 'commit' });
  await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0);
  await expect(page.locator('.boot')).toContainText('Fælled');
  const blocking = await page.evaluate(() =>
    performance
      .getEntriesByType('resource')
      .filter((each) => (each as PerformanceResourceTiming).renderBlockingStatus === 'blocking')
      .map((each) => new URL(each.name).pathname.replace(/^.*\./, '')),
  );
  expect(blocking).toEqual(['css']);
  let_scripts_go();
  let_answers_go();
  await page.locator('#question').waitFor();
  expect(asked.filter((kind) => kind === 'script' || kind === 'stylesheet').length, asked.join(' ')).toBeLessThanOrEqual(6);
  expect(asked.filter((kind) => kind === 'fetch' || kind === 'xhr').length, asked.join(' ')).toBeLessThanOrEqual(6);
});
