// Search, recall, holds, exhibits and custody in a real browser against the mock.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { launch, within } from "./browser.mjs";
import { Mock } from "./mock/server.mjs";

/** @typedef {import("playwright-core").Page} Page */

/** @type {Mock} */
let mock;
/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser?.close());
beforeEach(async () => {
  await mock?.stop();
  mock = await Mock.start();
});
after(() => mock?.stop());

/** @param {(page: Page) => Promise<void>} fn @param {Parameters<typeof within>[3]} [o] */
const withPage = (fn, o) => within(browser, mock, fn, o);

/** @param {Page} page @param {string} id */
const row = (page, id) => page.locator(`[data-id="${id}"]`);

/** @param {Page} page */
const advances = async (page) => {
  await page.waitForFunction(() => (document.querySelector("video")?.readyState ?? 0) >= 3 && !document.querySelector("video")?.paused);
  const from = await page.evaluate(() => document.querySelector("video")?.currentTime ?? 0);
  await page.waitForFunction((t) => (document.querySelector("video")?.currentTime ?? 0) > t + 0.3, from);
};

describe("search", () => {
  it("finds by words of a note, dwell and hold, and the address holds it", async () => {
    const noted = mock.open({ age: 300, state: "closed", revision: 2, log: [{ at: new Date().toISOString(), who: "ann", what: "closed", note: "Man with a ladder" }] });
    const held = mock.open({ age: 500, hold: { by: "ann", why: "case 4711", at: new Date().toISOString() } });
    const plain = mock.open({ age: 400, scene: 1 });
    await withPage(async (page) => {
      await page.goto("/");
      await row(page, plain.id).waitFor();
      await page.getByRole("button", { name: "All", exact: true }).click();
      await row(page, noted.id).waitFor();
      await page.keyboard.press("/");
      await page.keyboard.type("ladder");
      await page.getByRole("option", { name: /ladder/ }).click();
      await row(page, plain.id).waitFor({ state: "detached" });
      await row(page, noted.id).waitFor();
      assert.match(page.url(), /text=ladder/);
      await page.getByRole("button", { name: /Remove the filter text/ }).click();
      await row(page, plain.id).waitFor();
      await page.getByRole("button", { name: "More filters" }).click();
      await page.getByLabel("Hold").selectOption("true");
      await row(page, plain.id).waitFor({ state: "detached" });
      await row(page, held.id).waitFor();
      await page.getByLabel("Lasted").selectOption("3600");
      await page.getByText("Nothing fits these filters.").waitFor();
      // Sent to a colleague, the address shows the same.
      const address = page.url();
      assert.match(address, /held=true/);
      await page.goto(address.replace("&dwell=3600", ""));
      await row(page, held.id).waitFor();
      assert.equal(await row(page, noted.id).count(), 0);
    });
  });
});

describe("recall", () => {
  it("plays footage from the line, searches a region, and hands out a clip", async () => {
    const incident = mock.open({ age: 900 });
    await withPage(async (page) => {
      await page.getByRole("link", { name: "Recall" }).click();
      await page.getByText(/of this time is there/).waitFor();
      await page.getByRole("button", { name: "1 h", exact: true }).waitFor();
      const line = page.locator(".line svg");
      const box = await line.boundingBox();
      assert.ok(box);
      await page.mouse.click(box.x + box.width * 0.3, box.y + 40);
      await advances(page);
      const shown = await page.locator(".stamp").textContent();
      assert.match(shown ?? "", /\d\d:\d\d:\d\d\.\d/);
      assert.match(page.url(), /begin=/);
      // A drag chooses a stretch.
      await page.mouse.move(box.x + box.width * 0.5, box.y + 40);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * 0.6, box.y + 40, { steps: 4 });
      await page.mouse.up();
      await advances(page);
      const q = new URL(page.url()).searchParams;
      const length = (Date.parse(q.get("end") ?? "") - Date.parse(q.get("begin") ?? "")) / 60_000;
      assert.ok(length > 4 && length < 8, `a tenth of an hour was drawn, ${length} min chosen`);
      // Something moved here.
      const found = page.locator("aside .found").first().getByRole("listitem");
      const before = await found.count();
      assert.ok(before > 2);
      await page.getByRole("button", { name: "Something moved here" }).click();
      const stage = await page.locator(".stage").boundingBox();
      assert.ok(stage);
      await page.mouse.move(stage.x + stage.width * 0.5, stage.y + stage.height * 0.5);
      await page.mouse.down();
      await page.mouse.move(stage.x + stage.width * 0.75, stage.y + stage.height * 0.75, { steps: 4 });
      await page.mouse.up();
      await page.getByRole("heading", { name: "Something moved here" }).waitFor();
      await page.waitForFunction((n) => document.querySelectorAll("aside .found:first-of-type li").length < n, before);
      const [x, y, w, h] = (new URL(page.url()).searchParams.get("region") ?? "").split(",").map(Number);
      assert.ok(Math.abs((x ?? 0) - 0.5) < 0.02 && Math.abs((y ?? 0) - 0.5) < 0.02 && Math.abs((w ?? 0) - 0.25) < 0.02 && Math.abs((h ?? 0) - 0.25) < 0.02);
      // Incidents of the time are there, and open.
      await page.getByRole("link", { name: /Open Loitering/ }).waitFor();
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download this clip" }).click()]);
      assert.match(download.suggestedFilename(), /^gate-.*\.mp4$/);
      await page.getByRole("link", { name: /Open Loitering/ }).click();
      await page.waitForURL(`**/incidents/${encodeURIComponent(incident.id)}`);
    });
  });

  it("works by keyboard alone", async () => {
    await withPage(async (page) => {
      await page.goto("/recall");
      await page.getByText(/of this time is there/).waitFor();
      const span = () => {
        const q = new URL(page.url()).searchParams;
        return q.get("from") ? Date.parse(q.get("to") ?? "") - Date.parse(q.get("from") ?? "") : 3_600_000;
      };
      await page.keyboard.press("+");
      await page.waitForURL(/from=/);
      assert.equal(span(), 1_800_000);
      await page.keyboard.press("-");
      await page.waitForFunction(() => new URL(location.href).searchParams.get("from"));
      await page.keyboard.press("[");
      await page.keyboard.press("Space");
      await advances(page);
      await page.keyboard.press("Space");
      await page.waitForFunction(() => document.querySelector("video")?.paused);
      await page.getByRole("button", { name: "Something moved here" }).focus();
      await page.keyboard.press("Enter");
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("Shift+ArrowDown");
      await page.keyboard.press("Enter");
      await page.waitForURL(/region=0\.4375%2C0\.3750%2C0\.2500%2C0\.3125/);
    });
  });
});

describe("evidence", () => {
  it("is put on hold and released, with the reason on record", async () => {
    const incident = mock.open({ age: 900 });
    await withPage(async (page) => {
      await page.goto(`/incidents/${incident.id}`);
      await page.getByText("Signature valid").waitFor();
      await page.getByText(/then retention may delete it/).waitFor();
      await page.getByRole("button", { name: "Hold…" }).click();
      await page.getByLabel("Why?").fill("police, case 4711");
      await page.getByRole("button", { name: "Put on hold" }).click();
      await page.getByText("On hold until somebody releases it").waitFor();
      await page.locator("details li", { hasText: "Put on hold" }).getByText("police, case 4711").waitFor();
      await page.getByRole("button", { name: "Release hold…" }).click();
      await page.getByLabel("Why?").fill("case is closed");
      await page.getByRole("button", { name: "Release hold", exact: true }).click();
      await page.getByText(/then retention may delete it/).waitFor();
      assert.equal(mock.incidents.get(incident.id)?.hold, undefined);
      await page.getByRole("button", { name: "Check files" }).click();
      await page.getByText("every file was read and is as it was sealed").waitFor();
    });
  });

  it("is exported with a reason, and half a package is none", async () => {
    const incident = mock.open({ age: 900 });
    await withPage(async (page) => {
      await page.goto(`/incidents/${incident.id}`);
      await page.getByRole("button", { name: "Export…" }).click();
      const make = page.getByRole("button", { name: "Make package" });
      assert.ok(await make.isDisabled());
      await page.getByLabel("Who asked for it").fill("police, case 4711");
      mock.cut = true;
      await make.click();
      await page.getByText(/^Not made:/).waitFor();
      mock.cut = false;
      const [download] = await Promise.all([page.waitForEvent("download"), make.click()]);
      assert.equal(download.suggestedFilename(), `exhibit-${incident.id}.zip`);
      await page.locator("details li", { hasText: "Exported" }).getByText("police, case 4711").waitFor();
    });
  });

  it("plays H.265 through a copy, and says so", async () => {
    const incident = mock.open({ age: 900 });
    mock.change(incident.id, (i) => (i.footage.codec = "h265"));
    await withPage(async (page) => {
      await page.goto(`/incidents/${incident.id}`);
      await advances(page);
      assert.match(await page.evaluate(() => document.querySelector("video")?.currentSrc ?? ""), /\/playable$/);
      await page.getByText("copy, not the original").waitFor();
      const link = page.getByRole("link", { name: "download the original" });
      assert.match((await link.getAttribute("href")) ?? "", /\/clip\?/);
    });
  });
});

describe("custody", () => {
  it("lists who did what, and gives the public keys", async () => {
    const incident = mock.open({ age: 900 });
    await withPage(async (page) => {
      await page.goto(`/incidents/${incident.id}`);
      await advances(page);
      await page.goto("/custody");
      const entry = page.getByRole("listitem").filter({ hasText: "Played" });
      await entry.getByText("192.0.2.17").waitFor();
      await page.getByText("signs now").waitFor();
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Public key" }).first().click()]);
      assert.match(download.suggestedFilename(), /^vedette-[0-9a-f]{16}\.pem$/);
      await entry.getByRole("link", { name: incident.id }).click();
      await page.getByRole("heading", { name: "Evidence" }).waitFor();
    });
  });
});
