// Two journeys without eyes: make a key and copy the snippet; add a person and give a sign-in link.
import { expect, test } from './page';
import { Reader } from './reader';
import { signed_in_as } from './roles';

test('a developer who sees nothing makes a key and copies the snippet', async ({ page }) => {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto('/help');
  const reader = await Reader.of(page);
  await reader.hears('heading', 'Hjælp');
  await reader.presses('link', 'Mine nøgler');
  await reader.hears('heading', 'Mine nøgler');
  expect(await reader.focus()).toMatchObject({ role: 'heading', name: 'Mine nøgler' });

  await reader.presses('button', 'Lav en nøgle');
  await reader.hears('dialog', 'Lav en nøgle');
  const field = await reader.hears('textbox', 'Navn');
  expect(field.description).toContain('hvad den skal bruges i');
  const name = `Uden øjne ${Date.now() % 100_000}`;
  await reader.writes('Navn', name);
  await reader.hears('combobox', 'Hvor længe skal den virke?');
  await reader.presses('button', 'Lav nøglen');

  await reader.hears('dialog', `Nøglen »${name}« er klar`);
  const secret = (await reader.hears('textbox', 'Nøglen')).value;
  expect(secret.length).toBeGreaterThan(20);
  await reader.presses('button', 'Kopiér nøglen');
  await reader.is_told('Kopieret');
  await reader.goes_to('radio', 'curl');
  await page.keyboard.press('ArrowRight');
  expect((await reader.hears('radio', 'Python')).state.checked).toBe('true');
  await reader.presses('button', 'Kopiér eksemplet');
  await reader.is_told('Kopieret');
  const text = await page.evaluate(() => navigator.clipboard.readText());
  expect(text).toContain('from openai import OpenAI');
  expect(text).toContain(secret);

  await reader.presses('button', 'Jeg har gemt den');
  await reader.hears('rowheader', name);
  await reader.hears('button', `Tilbagekald »${name}«`);
  expect((await reader.focus())?.name, 'the focus is somewhere sensible after the window is gone').toMatch(/Lav en nøgle|Mine nøgler/);
});

test('an administrator who sees nothing adds a person and gives a sign-in link', async ({ browser, guard }) => {
  void guard;
  const page = await signed_in_as(browser, 'member_admin');
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const reader = await Reader.of(page);
  await reader.presses('link', 'Brugere og nøgler');
  await reader.hears('heading', 'Brugere og nøgler: Brugere');
  expect(await reader.focus()).toMatchObject({ role: 'heading' });
  await reader.presses('button', 'Opret en person');
  await reader.hears('dialog', 'Opret en person');

  // Forgets the name: is told so, where it is.
  await reader.presses('button', 'Opret, og lav et login-link');
  expect(await reader.focus()).toMatchObject({ role: 'textbox', name: 'Navn', description: 'Skriv et navn.' });
  const name = `Signe Strand ${Date.now() % 100_000}`;
  await reader.writes('Navn', name);
  await reader.hears('radiogroup', 'Hvad skal personen kunne?').catch(() => reader.hears('group', 'Hvad skal personen kunne?'));
  await reader.presses('radio', /^Udvikler/, 'Space');
  expect((await reader.hears('radio', /^Udvikler/)).state.checked).toBe('true');
  await reader.presses('button', 'Opret, og lav et login-link');

  await reader.hears('dialog', `Login-link til ${name}`);
  const link = (await reader.hears('textbox', 'Link')).value;
  expect(link).toContain('/sign-in#');
  await reader.presses('button', 'Kopiér linket');
  await reader.is_told('Kopieret');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(link);
  await reader.presses('button', 'Færdig');

  await reader.writes('Søg på navn eller e-mail', name, 'searchbox');
  await reader.is_told('1 person');
  await reader.hears('rowheader', name);
  await page.context().close();
});
