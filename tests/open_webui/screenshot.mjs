// A picture of Open WebUI while a person waits in line: node screenshot.mjs URL TOKEN FILE. The token is the person's, as
// sign-in gave it. Fails where the place in line is not to be seen on the page.
import { createRequire } from "node:module";

const require = createRequire(new URL("../browser/package.json", import.meta.url));
const { chromium } = require("@playwright/test");

const [url, token, file] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.FAELLED_CHROMIUM ?? "/usr/bin/chromium-headless-shell", args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width: 1180, height: 760 }, locale: "da-DK" });
try {
  await page.addInitScript(([value]) => localStorage.setItem("token", value), [token]);
  await page.goto(`${url}/?models=OS2ai-default&q=${encodeURIComponent("Hvad er hovedstaden i Danmark?")}`);
  await page.getByText("Hvad er hovedstaden").first().waitFor({ timeout: 60_000 });
  // What is new in this version may be told first, in a dialog.
  await page.getByRole("button", { name: /okay|let's go/i }).click({ timeout: 2_000 }).catch(() => {});
  await page.locator("#chat-input").press("Enter");
  const thinking = page.getByText(/thinking|tænker|explored/i).first();
  await thinking.click({ timeout: 60_000 });
  const place = page.getByText(/Venter i kø: nummer \d/).first();
  await place.waitFor({ timeout: 30_000 });
  // What opens does so in motion.
  await page.waitForFunction((element) => element.getBoundingClientRect().height > 10, await place.elementHandle());
  await page.evaluate(() => Promise.allSettled(document.getAnimations().map((one) => (one.effect?.getComputedTiming().iterations === Infinity ? null : one.finished))));
  await page.screenshot({ path: file });
} catch (error) {
  await page.screenshot({ path: file.replace(/\.png$/, "-failed.png") });
  throw error;
} finally {
  await browser.close();
}
