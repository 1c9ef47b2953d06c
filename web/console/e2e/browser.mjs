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
  // Long enough for a machine that has other work; what is there is not waited for.
  page.setDefaultTimeout(60_000);
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
 * Does something in a page that is signed in (unless inside is false) and stands where at
 * says, the queue by default, and holds it to reporting no error.
 * @param {import("playwright-core").Browser} browser
 * @param {{ url: string, user: string, password: string }} mock
 * @param {(page: import("playwright-core").Page) => Promise<void>} fn
 * @param {Parameters<typeof visit>[2] & { inside?: boolean, at?: string }} [o]
 */
export async function within(browser, mock, fn, o = {}) {
  const { context, page, faults } = await visit(browser, mock.url, o);
  try {
    if (o.inside !== false) {
      // The door has tests of its own; here its key is enough.
      const answer = await context.request.post("/api/session", { data: { user: mock.user, password: mock.password } });
      assert.equal(answer.status(), 200, "signing in");
      await page.goto(o.at ?? "/");
      await page.getByRole("navigation", { name: "Pages" }).waitFor();
    }
    await fn(page);
    assert.deepEqual(faults, [], "the page reported errors");
  } finally {
    await context.close();
  }
}

/**
 * Waits until what is shown stands still: skeletons gone, fonts there, transitions over.
 * @param {import("playwright-core").Page} page
 */
export async function settled(page) {
  await page.waitForFunction(() => document.querySelector(".bone") === null);
  await page.evaluate(async () => {
    await document.fonts.ready;
    for (let i = 0; i < 2; i++) await new Promise((drawn) => requestAnimationFrame(drawn));
    const passing = document.getAnimations().filter((a) => a.effect?.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(passing.map((a) => a.finished));
  });
}

/**
 * Waits until an incident's footage is finished and off to the bucket, at most so many milliseconds.
 * @param {import("playwright-core").Page} page @param {string} id @param {number} timeout
 */
export async function footageStored(page, id, timeout) {
  const until = Date.now() + timeout;
  const state = () => page.evaluate(async (i) => (await (await fetch(`/api/incidents/${encodeURIComponent(i)}`)).json()).footage.state, id);
  for (let now = await state(); now !== "stored"; now = await state()) {
    if (Date.now() > until) throw new Error(`the footage of ${id} is still ${now}`);
    await page.waitForTimeout(500);
  }
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The rules that look at colours; the others see the same document in both themes. */
const colourRules = ["color-contrast", "link-in-text-block"];

/**
 * What axe finds against WCAG 2.2 AA, and 7:1 for text where asked; by the rules about
 * colours alone where asked.
 * @param {import("playwright-core").Page} page
 * @param {{ enhanced?: boolean, colours?: boolean }} [o]
 * @returns {Promise<string[]>}
 */
export async function findings(page, o = {}) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe);
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const enhanced = o.enhanced ?? false;
  const options = {
    resultTypes: ["violations"],
    ...(o.colours
      ? { runOnly: { type: "rule", values: enhanced ? [...colourRules, "color-contrast-enhanced"] : colourRules } }
      : { runOnly: { type: "tag", values: tags }, rules: { "color-contrast-enhanced": { enabled: enhanced }, "target-size": { enabled: true } } }),
  };
  return page.evaluate(async (how) => {
    // @ts-expect-error axe is what was evaluated before
    const result = await globalThis.axe.run(document, how);
    return result.violations.flatMap((/** @type {any} */ v) =>
      v.nodes.map((/** @type {any} */ n) => `${v.id}: ${n.target.join(" ")}: ${n.failureSummary?.replace(/\s+/g, " ")}`),
    );
  }, options);
}

/** How far the page scrolls sideways, pixels. @param {import("playwright-core").Page} page */
export function sideways(page) {
  return page.evaluate(() => {
    const wide = [document.documentElement, document.querySelector("main")].filter((e) => e !== null);
    return Math.max(...wide.map((e) => e.scrollWidth - e.clientWidth));
  });
}

/**
 * Holds what is shown to what every page keeps, in both themes: axe finds nothing, nothing
 * scrolls sideways. The page comes and is left in the dark theme.
 * @param {import("playwright-core").Page} page @param {string} where
 * @param {{ enhanced?: boolean }} [o]
 */
export async function keeps(page, where, { enhanced = false } = {}) {
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await settled(page);
  const dark = await ground();
  assert.deepEqual(await findings(page, { enhanced }), [], `${where}, dark`);
  assert.ok((await sideways(page)) <= 0, `${where} scrolls sideways`);
  await page.emulateMedia({ colorScheme: "light" });
  await settled(page);
  assert.notEqual(await ground(), dark, `${where} has one theme`);
  assert.deepEqual(await findings(page, { enhanced, colours: true }), [], `${where}, light`);
  await page.emulateMedia({ colorScheme: "dark" });
}
