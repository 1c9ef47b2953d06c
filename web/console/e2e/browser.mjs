// Debian's Chromium, and what every page must keep.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export const desktop = { width: 1440, height: 900 };
export const phone = { width: 390, height: 844 };

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
      "--autoplay-policy=no-user-gesture-required",
    ],
  });
}

/**
 * A page of its own session that remembers what went wrong in it.
 * @param {import("playwright-core").Browser} browser
 * @param {string} url
 * @param {{ size?: { width: number, height: number }, theme?: "dark" | "light", still?: boolean }} [o]
 */
export async function visit(browser, url, o = {}) {
  const size = o.size ?? desktop;
  const context = await browser.newContext({
    baseURL: url, viewport: size, colorScheme: o.theme ?? "dark", hasTouch: size.width < 500, isMobile: size.width < 500,
    deviceScaleFactor: 1, reducedMotion: o.still ? "reduce" : "no-preference", locale: "en-GB", timezoneId: "Europe/Berlin",
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  /** @type {string[]} */
  const faults = [];
  page.on("pageerror", (e) => faults.push(`error: ${e.message}`));
  page.on("console", (m) => {
    if (m.type() !== "error") return;
    // The browser reports every answer of 400 and above; which of them are wrong the tests say.
    if (m.text().startsWith("Failed to load resource")) return;
    faults.push(`console: ${m.text()}`);
  });
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`));
  });
  return { context, page, faults };
}

/** @param {import("playwright-core").Page} page @param {string} user @param {string} password */
export async function login(page, user, password) {
  await page.goto("/");
  await page.getByLabel("Name").fill(user);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/**
 * Does something in a page that is signed in (unless inside is false), and holds it to
 * reporting no error.
 * @param {import("playwright-core").Browser} browser
 * @param {{ url: string, user: string, password: string }} mock
 * @param {(page: import("playwright-core").Page) => Promise<void>} fn
 * @param {Parameters<typeof visit>[2] & { inside?: boolean }} [o]
 */
export async function within(browser, mock, fn, o = {}) {
  const { context, page, faults } = await visit(browser, mock.url, o);
  try {
    if (o.inside !== false) {
      await login(page, mock.user, mock.password);
      await page.getByRole("navigation", { name: "Pages" }).waitFor();
    }
    await fn(page);
    assert.deepEqual(faults, [], "the page reported errors");
  } finally {
    await context.close();
  }
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/**
 * What axe finds against WCAG 2.2 AA, and 7:1 for text where asked.
 * @param {import("playwright-core").Page} page
 * @param {{ enhanced?: boolean }} [o]
 * @returns {Promise<string[]>}
 */
export async function findings(page, o = {}) {
  await page.evaluate(axe);
  return page.evaluate(async (enhanced) => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    // @ts-expect-error axe is what was evaluated before
    const result = await globalThis.axe.run(document, {
      runOnly: { type: "tag", values: tags },
      rules: { "color-contrast-enhanced": { enabled: enhanced }, "target-size": { enabled: true } },
    });
    return result.violations.flatMap((/** @type {any} */ v) =>
      v.nodes.map((/** @type {any} */ n) => `${v.id}: ${n.target.join(" ")}: ${n.failureSummary?.replace(/\s+/g, " ")}`),
    );
  }, o.enhanced ?? false);
}

/** How far the page scrolls sideways, pixels. @param {import("playwright-core").Page} page */
export function sideways(page) {
  return page.evaluate(() => {
    const wide = [document.documentElement, document.querySelector("main")].filter((e) => e !== null);
    return Math.max(...wide.map((e) => e.scrollWidth - e.clientWidth));
  });
}
