// People of other roles than the one that every test has: each signs in with a link of their own.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { base_url } from './page';
import type { Browser, Page } from '@playwright/test';

export type Role = 'user' | 'builder' | 'member_admin' | 'auditor' | 'operator';

const run = promisify(execFile);
const program = process.env.FAELLED_PROGRAM ?? fileURLToPath(new URL('../../build/release/faelled', import.meta.url));

async function command(...words: string[]): Promise<Record<string, string>> {
  const { stdout } = await run(program, [...words, '--config', process.env.FAELLED_CONFIG ?? '', '--json']);
  return JSON.parse(stdout) as Record<string, string>;
}

/** A fresh sign-in link for somebody of this role; on a real server for a new person. */
async function link_for(role: Role, name: string): Promise<string> {
  if (process.env.FAELLED_MOCK) return `${base_url()}/sign-in#${role === 'member_admin' ? 'admin' : role}`;
  const made = await command('user', 'add', 'demo', name, '--role', role);
  return (await command('user', 'sign-in-link', made.id ?? '')).url ?? '';
}

/** A page of a browser of its own, with somebody of this role signed in. Close its context after. */
export async function signed_in_as(browser: Browser, role: Role, options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  const context = await browser.newContext({ locale: 'da-DK', timezoneId: 'Europe/Copenhagen', viewport: { width: 1280, height: 800 }, baseURL: base_url(), ...options, storageState: { cookies: [], origins: [] } });
  const page = await context.newPage();
  await page.goto(await link_for(role, `Prøve ${role} ${Date.now() % 100_000}`));
  await page.locator('main h1').first().waitFor();
  return page;
}
