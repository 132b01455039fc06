// What holds for every page: one heading that names it, landmarks, no axe violation, 320 px, 400 %, dark, English.
import { axe_violations, expect, no_axe_violations, no_sideways_scroll, speak, test } from './page';
import { signed_in_as } from './roles';

const pages = [
  { address: '/keys', name: 'Mine nøgler', english: 'My keys', danish_words: /\b(Nøgle|Udløber|Sidst brugt)\b/ },
  { address: '/usage', name: 'Min brug', english: 'My usage', danish_words: /\b(Spørgsmål|Læst|Skrevet)\b/ },
  { address: '/share', name: 'Kommunens del', english: 'Our share', danish_words: /\b(andel|maskinerne|Ventetid)\b/i },
  { address: '/help', name: 'Hjælp', english: 'Help', danish_words: /\b(Hvem|spørgsmål|lektioner)\b/ },
  { address: '/status', name: 'Status', english: 'Status', danish_words: /\b(Modeller|Beskeder|virker)\b/ },
];

test('what axe looks for it would find', async ({ page }) => {
  await page.goto('/help');
  await expect(page.getByRole('heading', { level: 1, name: 'Hjælp' })).toBeVisible();
  await page.evaluate(() => {
    const main = document.querySelector('main')!;
    main.insertAdjacentHTML('beforeend', '<img><p>bleg</p><input>');
    Object.assign((main.lastElementChild!.previousElementSibling as HTMLElement).style, { color: '#ccc', background: '#fff' });
  });
  expect((await axe_violations(page)).map((each) => each.split(':')[0]).sort()).toEqual(['color-contrast', 'image-alt', 'label']);
});

for (const { address, name, english, danish_words } of pages) {
  test(`${address} is named, has landmarks and no violation, light and dark, in both languages`, async ({ page }) => {
    await page.goto(address);
    await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
    await expect(page.locator('main .late')).toHaveCount(0);
    await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
    await expect(page).toHaveTitle(new RegExp(`^${name}`));
    await expect(page.getByRole('main')).toHaveCount(1);
    await expect(page.getByRole('banner')).toHaveCount(1);
    await expect(page.getByRole('navigation', { name: 'Sider' }).locator('[aria-current=page]')).toHaveText(name);
    await no_axe_violations(page);
    await page.emulateMedia({ colorScheme: 'dark' });
    await no_axe_violations(page);
    await page.emulateMedia({ colorScheme: 'light' });
    await speak(page, 'English');
    await expect(page.getByRole('heading', { level: 1, name: english })).toBeVisible();
    expect(await page.getByRole('main').innerText()).not.toMatch(danish_words);
    await speak(page, 'Dansk');
  });

  test(`${address} fits on 320 px and at 400 % zoom`, async ({ page }) => {
    for (const height of [640, 256]) {
      await page.setViewportSize({ width: 320, height });
      await page.goto(address);
      await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
      await expect(page.locator('main .late')).toHaveCount(0);
      await no_sideways_scroll(page, 320);
      await no_axe_violations(page);
    }
  });
}

const pages_of_roles = [
  { role: 'member_admin', address: '/people', name: /Brugere og nøgler/ },
  { role: 'member_admin', address: '/people/keys', name: /Brugere og nøgler/ },
  { role: 'member_admin', address: '/people/policy', name: /Brugere og nøgler/ },
  { role: 'member_admin', address: '/people/audit', name: /Hændelser/ },
  { role: 'user', address: '/privacy', name: 'Data og privatliv' },
  { role: 'operator', address: '/maintenance', name: 'Vedligehold' },
  { role: 'operator', address: '/agreements', name: 'Aftaler' },
  { role: 'operator', address: '/agreements/tiers', name: /Aftaler/ },
  { role: 'operator', address: '/drift', name: 'Drift nu' },
  { role: 'operator', address: '/models', name: 'Modeller' },
] as const;
for (const { role, address, name } of pages_of_roles) {
  test(`${address} fits at 400 % zoom, and its last word is reached`, async ({ browser, guard }) => {
    void guard;
    const page = await signed_in_as(browser, role, { viewport: { width: 320, height: 256 } });
    await page.goto(address);
    await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
    await expect(page.locator('main .late')).toHaveCount(0);
    await no_sideways_scroll(page, 320);
    await no_axe_violations(page);
    const last = page.locator('main').locator('a, button, input, select, textarea, p').filter({ visible: true }).last();
    await last.scrollIntoViewIfNeeded();
    await expect(last).toBeInViewport();
    await page.context().close();
  });
}

test('the menu opens, holds the focus in order, and closes, wide and narrow', async ({ page }) => {
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 700 });
    await page.goto('/help');
    const opener = page.getByRole('button', { name: width > 1000 ? /^Konto: / : 'Menu' });
    await opener.click();
    await expect(page.getByRole('button', { name: 'Log ud' })).toBeVisible();
    await no_axe_violations(page);
    await page.keyboard.press('Escape');
    await expect(page.getByRole('button', { name: 'Log ud' })).toHaveCount(0);
    await expect(opener).toBeFocused();
  }
});

for (const width of [1280, 1024]) {
  test(`the menu of an operator is one line with every page, ${width} px wide, by keyboard too`, async ({ browser, guard }) => {
    void guard;
    const page = await signed_in_as(browser, 'operator', { viewport: { width, height: 800 } });
    const nav = page.getByRole('navigation', { name: 'Sider' });
    for (const language of ['Dansk', 'English'] as const) {
      if (language === 'English') await speak(page, language);
      const bar = page.getByRole('navigation', { name: /Sider|Pages/ });
      const more = bar.getByRole('button', { name: /^(Mere|More)$/ });
      const shown = await bar.getByRole('link').allInnerTexts();
      const tops = await bar.getByRole('link').evaluateAll((all) => all.map((each) => Math.round(each.getBoundingClientRect().top)));
      expect(new Set(tops).size, 'one line').toBe(1);
      expect((await page.getByRole('banner').boundingBox())?.height).toBeLessThan(60);
      await no_sideways_scroll(page, width);
      await more.focus();
      await page.keyboard.press('Enter');
      await expect(bar.getByRole('link', { name: /^Status$/ })).toBeVisible();
      expect((await bar.getByRole('link').count())).toBe(10);
      expect(shown.length).toBeGreaterThanOrEqual(width === 1280 ? 6 : 4);
      await no_axe_violations(page);
      await page.keyboard.press('Escape');
      await expect(more).toBeFocused();
    }
    await speak(page, 'Dansk');
    for (const name of ['Kommunens del', 'Status']) {
      await nav.getByRole('button', { name: 'Mere' }).click();
      await expect(nav.locator('.panel a').first(), 'the menu has the focus').toBeFocused();
      await nav.getByRole('link', { name }).press('Enter');
      await expect(page.getByRole('heading', { level: 1, name })).toBeFocused();
      await expect(nav.locator('[aria-current=page]'), 'where one is stands in the bar').toHaveText(name);
    }
    await page.context().close();
  });
}

test('going from page to page moves the focus to the heading, and back goes back', async ({ page }) => {
  await page.goto('/help');
  const nav = page.getByRole('navigation', { name: 'Sider' });
  await nav.getByRole('link', { name: 'Mine nøgler' }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Mine nøgler' })).toBeFocused();
  await nav.getByRole('link', { name: 'Min brug' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Min brug' })).toBeFocused();
  await page.goBack();
  await expect(page.getByRole('heading', { level: 1, name: 'Mine nøgler' })).toBeVisible();
  await page.goBack();
  await expect(page.getByRole('heading', { level: 1, name: 'Hjælp' })).toBeVisible();
  await nav.getByRole('link', { name: 'Chat' }).click();
  await expect(page.getByRole('textbox', { name: 'Skriv dit spørgsmål' })).toBeFocused();
});

test('the first Tab leads past the menu to the content', async ({ page }) => {
  await page.goto('/usage');
  await expect(page.getByRole('heading', { level: 1, name: 'Min brug' })).toBeVisible();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Gå til indholdet' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Min brug' })).toBeFocused();
});

test('a page whose part is gone after an update says so and offers a way on', async ({ page, guard }) => {
  guard.allow.push(/Failed to (load resource|fetch)/);
  await page.goto('/help');
  await expect(page.getByRole('heading', { level: 1, name: 'Hjælp' })).toBeVisible();
  await page.route(/\/assets\/KeysPage-.*\.js$/, (route) => route.abort());
  await page.getByRole('navigation', { name: 'Sider' }).getByRole('link', { name: 'Mine nøgler' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Siden kunne ikke hentes' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Hent siden igen' })).toBeVisible();
  await no_axe_violations(page);
});

test('who has no chat is neither sent to it nor left at its address', async ({ browser, page, guard }) => {
  void guard;
  await page.goto('/help');
  await expect(page.getByRole('link', { name: 'Prøv i chatten' })).toBeVisible();
  for (const role of ['operator', 'auditor'] as const) {
    const theirs = await signed_in_as(browser, role);
    const first = new URL(theirs.url()).pathname;
    await theirs.goto('/help');
    await expect(theirs.getByRole('heading', { level: 1, name: 'Hjælp' })).toBeVisible();
    await expect(theirs.getByRole('link', { name: 'Prøv i chatten' })).toHaveCount(0);
    await theirs.evaluate(() => {
      history.pushState(null, '', '/');
      dispatchEvent(new PopStateEvent('popstate'));
    });
    await expect(theirs).toHaveURL(new RegExp(`${first}$`));
    await expect(theirs.getByRole('heading', { level: 1 })).toBeVisible();
    await theirs.goto('/');
    await expect(theirs).toHaveURL(new RegExp(`${first}$`));
    await theirs.context().close();
  }
});
