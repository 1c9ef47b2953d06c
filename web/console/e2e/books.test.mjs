// Reports, the log book, hand-over and series in a real browser: on the screen, on a phone and
// on paper.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { desktop, keeps, launch, phone, within } from "./browser.mjs";
import { Mock } from "./mock/server.mjs";

/** @typedef {import("playwright-core").Page} Page */

/** @type {Mock} */
let mock;
/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  browser = await launch();
  mock = await Mock.start();
});
after(async () => {
  await browser?.close();
  await mock?.stop();
});

const hour = 3_600_000_000_000;
const at = "2026-03-29T01:30:00Z";
const handling = { count: 4, median_ns: 42e9, slow90_ns: 300e9, promised: 4, in_time: 3, missed: 1, share: 0.75 };
const figures = {
  incidents: 4, merged: 0, true: 2, nuisance: 1, unjudged: 1, open: 1, overdue: 1, reopened: 0, acknowledge: handling, respond: handling,
  resolve: handling, effort_ns: hour, losses: [{ amount: 125000, currency: "EUR" }],
};
const sheet = {
  open: [{ id: "a", number: 17, camera: "gate", zone: "door", kind: "loitering", severity: "high", state: "new", alarm: at, due: at, overdue: true, text: "<b>not bold</b>" }],
  overdue: 1, happened: { opened: 4, true: 2, nuisance: 1, closed: 3 }, work: [{ officer: "", incidents: 1, overdue: 1 }], journal: [], troubles: [{ camera: "gate", what: "covered" }],
};
const profile = {
  incidents: 2, hours: { mean_ns: 23 * hour, spread_ns: hour, usual_from_ns: 22 * hour, usual_to_ns: 0, hours: Array.from({ length: 24 }, (_, h) => (h > 21 ? 1 : 0)) },
  weekdays: [0, 0, 0, 0, 0, 2, 0], places: [], kinds: [], types: [], tags: [], ways_in: [], looks: [], words: [], outcomes: [], verdicts: [],
  dwell: { count: 0, least_ns: 0, median_ns: 0, longest_ns: 0 }, interval: { count: 0, least_ns: 0, median_ns: 0, longest_ns: 0 }, subjects: [],
  habits: ["at gate/door (2 of 2)"],
};
const series = {
  id: "s1", number: 1, name: "Window shoppers", state: "open", opened: at, by: "eva", incidents: ["a"], log: [{ at, who: "eva", what: "series begun" }], edition: 1,
};

/** What the server would answer. @type {Record<string, unknown>} */
const answers = {
  "/api/reports/summary": { from: at, to: at, made: at, rows: [{ by: "all", ...figures }, { by: "day", day: "2026-03-28", length_ns: 24 * hour, ...figures }, { by: "day", day: "2026-03-29", length_ns: 23 * hour, ...figures }] },
  "/api/logbook": {
    site: "", day: "2026-03-29", from: at, to: at, time_zone: "Europe/Vienna", truncated: false,
    lines: Array.from({ length: 120 }, (_, i) => ({ line: i + 1, ref: `J${i + 1}`, at, source: "journal", what: `key: <b>key ${i + 1}</b> handed out`, who: "mia", measures: "signed for" })),
  },
  "/api/handover": { site: "", from: at, to: at, sheet },
  "/api/handovers": { items: [{ id: "h1", number: 1, from: at, to: at, by: "mia", at, sheet, notes: "watch the yard" }], next: "" },
  "/api/series": { items: [series], next: "" },
  "/api/series/s1": { ...series, items: [], hidden: 1, profile },
};

/** @param {Page} page */
const answered = (page) =>
  page.route(
    (url) => url.pathname in answers,
    (route) => route.fulfill({ json: answers[new URL(route.request().url()).pathname] }),
  );

const pages = /** @type {const} */ ([
  ["/reports", "Reports", "2026-03-29 (23 h)"],
  ["/logbook?day=2026-03-29", "Log book", "key: <b>key 1</b> handed out"],
  ["/handover", "Hand-over", "<b>not bold</b>"],
  ["/series", "Series", "Window shoppers"],
  ["/series/s1", "S1 Window shoppers", "at gate/door (2 of 2)"],
]);

describe("the books", () => {
  for (const [name, size] of /** @type {const} */ ([["a desk", desktop], ["a phone", phone]])) {
    it(`say what they hold, without a fault of access, on ${name}`, async () => {
      await within(browser, mock, async (page) => {
        await answered(page);
        for (const [path, title, text] of pages) {
          await page.goto(path);
          await page.getByRole("heading", { level: 1, name: title }).waitFor();
          await page.getByText(text).filter({ visible: true }).first().waitFor();
          await keeps(page, path);
        }
      }, { size, still: true });
    });
  }

  it("draw a few days from the left, as the first of many", async () => {
    await within(browser, mock, async (page) => {
      await answered(page);
      const day = { by: "day", day: "2026-03-29", length_ns: 24 * hour, ...figures };
      await page.route((url) => url.pathname === "/api/reports/summary", (route) => route.fulfill({ json: { from: at, to: at, made: at, rows: [{ by: "all", ...figures }, day] } }));
      await page.goto("/reports?days=1");
      const chart = page.getByRole("img", { name: /^4 incidents by day/ });
      const [all, bar] = [await chart.boundingBox(), await chart.locator("rect").first().boundingBox()];
      assert.ok(all && bar && bar.x - all.x < 2 && bar.width < all.width / 8, `a bar at ${bar?.x} of ${all?.x}, ${bar?.width} wide`);
      const name = await page.locator("figcaption").getByText("2026-03-29").boundingBox();
      assert.ok(name && Math.abs(name.x - all.x) < 2, "its name stands below it");
    });
  });

  it("print on pages, without what is only for the screen", async () => {
    await within(browser, mock, async (page) => {
      await answered(page);
      for (const [path, , text] of pages.slice(0, 3)) {
        await page.goto(path);
        await page.getByText(text).filter({ visible: true }).first().waitFor();
        await page.emulateMedia({ media: "print" });
        assert.equal(await page.locator(".shell > header").isVisible(), false, path);
        assert.equal(await page.getByRole("button", { name: "Print" }).isVisible(), false, path);
        assert.equal(await page.evaluate(() => getComputedStyle(document.body).color), "rgb(0, 0, 0)", path);
        const pdf = (await page.pdf({ preferCSSPageSize: true })).toString("latin1");
        const sheets = pdf.match(/\/Type\s*\/Page\b(?!s)/g)?.length ?? 0;
        assert.ok(path.startsWith("/logbook") ? sheets > 1 && sheets < 12 : sheets >= 1, `${path}: ${sheets} pages`);
        assert.match(pdf, /\/MediaBox\s*\[0 0 59[45][\d.]* 84[12][\d.]*\]/, `${path} is A4`);
        await page.emulateMedia({ media: "screen" });
      }
    });
  });
});
