// The page in real Chromium (the one without windows: half the processor's time) against a real server: FAELLED_URL and
// FAELLED_SIGN_IN name a running one; without them ./run starts one; with FAELLED_MOCK=1 the page's mock of the API takes
// its place (after `npm run build` in ui).
import { defineConfig } from '@playwright/test';

const shard = process.env.FAELLED_SHARD ?? 'all'; // several run beside each other, each with a server of its own
export const session_file = new URL(`./.session-${shard}.json`, import.meta.url).pathname;

export default defineConfig({
  testDir: '.',
  outputDir: `./test-results/${shard}`,
  globalSetup: './server.ts',
  fullyParallel: false,
  workers: 1,
  forbidOnly: Boolean(process.env.CI),
  retries: 0,
  timeout: 300_000, // a slow machine takes seconds for a click: it waits for two frames
  expect: { timeout: 45_000 },
  reporter: [['list'], ['./count.ts']],
  use: {
    locale: 'da-DK',
    timezoneId: 'Europe/Copenhagen',
    viewport: { width: 1280, height: 800 },
    launchOptions: {
      executablePath: process.env.FAELLED_CHROMIUM ?? '/usr/bin/chromium-headless-shell',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
    trace: 'off',
    screenshot: 'only-on-failure',
  },
  projects: [
    { name: 'sign-in', testMatch: 'sign_in.spec.ts', teardown: 'sign-out' },
    { name: 'page', testIgnore: ['sign_in.spec.ts', 'sign_out.spec.ts'], dependencies: ['sign-in'], use: { storageState: session_file } },
    { name: 'sign-out', testMatch: 'sign_out.spec.ts', use: { storageState: session_file } },
  ],
});
