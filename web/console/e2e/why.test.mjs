// Why an alarm was raised, what people say of it, and trouble with cameras, in a real
// browser against the mock.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { findings, launch, phone, within } from "./browser.mjs";
import { Mock } from "./mock/server.mjs";
import { coverCamera, judgeMonth } from "./mock/story.mjs";

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

/** @param {Page} page @param {string} id */
async function open(page, id) {
  await page.goto(`/incidents/${id}`);
  await page.getByRole("heading", { name: "Why" }).waitFor();
}

/** @param {Page} page */
const card = (page) => page.locator("section", { has: page.getByRole("heading", { name: "Why" }) });

describe("an alarm is judged", () => {
  it("true with one key, from the queue, and is claimed by it", async () => {
    const incident = mock.open({ age: 100 });
    await withPage(async (page) => {
      await row(page, incident.id).waitFor();
      await page.keyboard.press("j");
      await page.keyboard.press("t");
      await row(page, incident.id).getByText("True alarm").waitFor();
      await page.getByText(/^True alarm\. Logged for admin at/).waitFor();
      const kept = mock.incidents.get(incident.id);
      assert.equal(kept?.state, "acknowledged");
      assert.equal(kept?.judgement?.verdict, "true");
      assert.deepEqual(kept?.log.map((l) => l.what), ["acknowledged", "judged true"]);
      // It stays in the queue, in its place, until it is closed.
      assert.equal(await row(page, incident.id).count(), 1);
      const button = page.getByRole("region", { name: "Preview" }).getByRole("button", { name: "True" });
      assert.equal(await button.getAttribute("aria-pressed"), "true");
    });
  });

  it("a nuisance with two keys", async () => {
    const incident = mock.open({ age: 100 });
    await withPage(async (page) => {
      await row(page, incident.id).waitFor();
      await page.keyboard.press("j");
      await page.keyboard.press("n");
      await page.getByRole("dialog").getByText("It is claimed for you").waitFor();
      await page.keyboard.press("7");
      await row(page, incident.id).getByText("Nuisance, known person").waitFor();
      await page.getByRole("dialog").waitFor({ state: "detached" });
      await page.getByText(/^Nuisance, known person\. Logged/).waitFor();
      assert.deepEqual(mock.incidents.get(incident.id)?.judgement?.reason, "known_person");
      // The keys of the queue work again, from the same row.
      await page.waitForFunction((id) => /** @type {HTMLElement} */ (document.activeElement)?.dataset.id === id, incident.id);
    });
  });

  it("other with a note; digits in the note are text; and again when one was wrong", async () => {
    const incident = mock.open({ age: 100, state: "acknowledged" });
    await withPage(async (page) => {
      await open(page, incident.id);
      await page.keyboard.press("n");
      assert.ok(await page.getByRole("button", { name: "Nuisance, other" }).isDisabled());
      await page.keyboard.press("8");
      await page.keyboard.type("3 balloons");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { level: 1 }).locator("xpath=..").getByText("Nuisance, other").waitFor();
      await page.getByText("3 balloons").first().waitFor();
      assert.deepEqual(mock.incidents.get(incident.id)?.log.map((l) => [l.what, l.note]), [["judged nuisance: other", "3 balloons"]]);

      await page.keyboard.press("t");
      await page.getByRole("heading", { level: 1 }).locator("xpath=..").getByText("True alarm").waitFor();
      await page.getByText("Judged true", { exact: true }).waitFor();
      await page.keyboard.press("t");
      await page.getByText("Already judged: true alarm, by admin.").waitFor();
      assert.equal(mock.incidents.get(incident.id)?.log.length, 2);
    });
  });

  it("is shown at once, and taken back when the server refuses", async () => {
    const incident = mock.open({ age: 100 });
    await withPage(async (page) => {
      await row(page, incident.id).waitFor();
      await page.keyboard.press("j");
      mock.deaf = true;
      /** @type {() => void} */
      let release = () => {};
      const held = new Promise((go) => (release = () => go(undefined)));
      await page.route("**/acknowledge", async (route) => {
        await held;
        await route.continue();
      });
      await page.keyboard.press("t");
      await row(page, incident.id).getByText("True alarm").waitFor();
      assert.equal(mock.incidents.get(incident.id)?.judgement, undefined);
      release();
      await page.getByText("Not judged: the index does not answer").waitFor();
      await row(page, incident.id).getByText("Unclaimed").waitFor();
      assert.equal(await row(page, incident.id).getByText("True alarm").count(), 0);
    });
  });

  it("by somebody who was slower to claim it all the same", async () => {
    const incident = mock.open({ age: 100 });
    await withPage(async (page) => {
      await row(page, incident.id).waitFor();
      const now = structuredClone(/** @type {import("./mock/server.mjs").Incident} */ (mock.incidents.get(incident.id)));
      now.state = "acknowledged";
      now.revision++;
      now.log = [{ at: new Date().toISOString(), who: "m.weber", what: "acknowledged" }];
      mock.incidents.set(now.id, now);
      await page.keyboard.press("j");
      await page.keyboard.press("t");
      await row(page, incident.id).getByText("True alarm").waitFor();
      await page.getByText("Claimed by Maria Weber").first().waitFor();
    });
  });

  it("on a phone with the thumb", async () => {
    const incident = mock.open({ age: 100 });
    await withPage(
      async (page) => {
        await row(page, incident.id).tap();
        const button = page.getByRole("button", { name: "Nuisance…" });
        const box = await button.boundingBox();
        assert.ok(box && box.y > phone.height * 0.6 && box.height >= 44 && box.x + box.width <= phone.width, "the action is within the thumb's reach");
        await button.tap();
        await page.getByRole("button", { name: "Animal" }).tap();
        await page.getByText("Nuisance, animal").first().waitFor();
      },
      { size: phone },
    );
  });

  it("can be searched by", async () => {
    const judged = mock.open({ age: 100, judgement: { verdict: "nuisance", reason: "rain", by: "admin", at: new Date().toISOString() } });
    const other = mock.open({ age: 200 });
    await withPage(async (page) => {
      await row(page, other.id).waitFor();
      await page.keyboard.press("/");
      await page.keyboard.type("nuis");
      await page.getByRole("option", { name: "Nuisance" }).click();
      await page.waitForURL(/verdict=nuisance/);
      await row(page, other.id).waitFor({ state: "detached" });
      await row(page, judged.id).waitFor();
      await page.goto("/?verdict=none");
      await row(page, other.id).waitFor();
      assert.equal(await row(page, judged.id).count(), 0);
    });
  });
});

describe("why an alarm was raised", () => {
  it("is told as rule, facts, curve, scores, path and configuration", async () => {
    const incident = mock.open({ age: 100 });
    await withPage(async (page) => {
      await open(page, incident.id);
      const why = card(page);
      await why.getByText(/^Person that stays in junction for 10 s, out of it for at most 3 s at a time\.$/).waitFor();
      await why.getByText("limit 10 s").first().waitFor();
      const curve = why.getByRole("slider", { name: "Read the curve of dwell" });
      await curve.focus();
      const alarm = (await curve.getAttribute("aria-valuetext")) ?? "";
      assert.match(alarm, /^\d\d:\d\d:\d\d\.\d, dwell 10\.\d s, limit 10 s$/);
      await page.keyboard.press("ArrowRight");
      const next = (await curve.getAttribute("aria-valuetext")) ?? "";
      assert.notEqual(next, alarm);
      await why.getByText(`at ${next.slice(0, 10)}`).waitFor();
      // What is read can be seen: the clip goes there.
      await page.keyboard.press("Enter");
      await page.locator(".stamp", { hasText: next.slice(0, 8) }).waitFor();

      await why.getByText("As a table").first().click();
      assert.ok((await why.getByRole("table").first().getByRole("row").count()) > 20);
      await why.getByText(/^Path, \d+ points$/).click();
      await why.getByRole("region", { name: "Path" }).getByRole("row").nth(5).waitFor();
      assert.deepEqual(await findings(page, { enhanced: true }), [], "with its tables open");
      await why.getByText("still in force").waitFor();
      await why.getByText("vedette 0.1.0").waitFor();
      assert.equal(await why.getByRole("link", { name: "Download" }).getAttribute("download"), `${incident.id}-why.jpg`);
      const picture = why.getByRole("img", { name: /^Why the alarm, drawn/ });
      await picture.scrollIntoViewIfNeeded();
      await page.waitForFunction((e) => e instanceof HTMLImageElement && e.naturalWidth > 0, await picture.elementHandle());
    });
  });

  it("is read with the pointer", async () => {
    const incident = mock.open({ age: 100 });
    await withPage(async (page) => {
      await open(page, incident.id);
      const curve = card(page).getByRole("slider", { name: "Read the curve of dwell" });
      await curve.scrollIntoViewIfNeeded();
      const box = await curve.boundingBox();
      assert.ok(box);
      await page.mouse.move(box.x + 2, box.y + 20);
      const read = card(page).locator(".read").first();
      assert.match((await read.textContent()) ?? "", /0 s\s+at \d/);
      await page.mouse.move(box.x + box.width - 2, box.y + 20);
      assert.match((await read.textContent()) ?? "", /1[0-9](\.\d)? s\s+at \d/);
      await page.mouse.move(10, 10);
      await read.getByText("at the alarm").waitFor();
    });
  });

  it("is drawn over the still: path with times, the line to cross, what moved", async () => {
    const incident = mock.open({ age: 100, kind: "line" });
    await withPage(async (page) => {
      await open(page, incident.id);
      await card(page).getByText("Person that crosses the line in junction from its right to its left.").waitFor();
      assert.equal(await page.locator("svg.overlay path.crossed").count(), 1);
      await page.keyboard.press("m");
      const mask = page.getByRole("img", { name: "What moved at the alarm" });
      await mask.waitFor();
      await page.locator(".stamp", { hasText: "at the alarm" }).waitFor();
      assert.ok(await page.evaluate(() => document.querySelector("video")?.paused));
      if (incident.events[0]?.path.length) await page.locator("svg.overlay text", { hasText: /^\+\d+ s$/ }).first().waitFor();
      await page.keyboard.press("m");
      await mask.waitFor({ state: "detached" });
    });
  });

  it("that has no picture and no mask offers none", async () => {
    const incident = mock.open({ age: 100 });
    mock.change(incident.id, (i) => {
      i.footage.objects = i.footage.objects?.filter((o) => o.role !== "why" && o.role !== "mask");
      for (const e of i.events) {
        delete e.curve;
        for (const p of e.path) delete p.score;
      }
    });
    await withPage(async (page) => {
      await open(page, incident.id);
      await card(page).getByText("limit 10 s").waitFor();
      assert.equal(await card(page).getByRole("slider").count(), 0);
      assert.equal(await card(page).getByRole("link").count(), 0);
      assert.equal(await page.getByRole("button", { name: "What moved at the alarm" }).count(), 0);
    });
  });

  for (const kind of /** @type {const} */ (["motion", "intrusion", "returning", "crowd", "left_object", "removed_object", "storage"])) {
    it(`of kind ${kind} is told`, async () => {
      const incident = mock.open({ age: 100, kind });
      await withPage(async (page) => {
        await open(page, incident.id);
        const text = (await card(page).textContent()) ?? "";
        assert.doesNotMatch(text, /undefined|NaN|No event/);
        // Each earlier visit is a fact of the same name.
        if (kind === "returning") assert.equal(await card(page).getByText("difference in looks").count(), 2);
      });
    });
  }
});

describe("trouble with a camera", () => {
  it("is an incident of the camera, without a zone, a person or a box", async () => {
    const incident = mock.open({ age: 60, scene: 2, kind: "covered", severity: "high", end: undefined });
    await withPage(async (page) => {
      const line = row(page, incident.id);
      await line.getByText("Camera covered").waitFor();
      const text = ((await line.textContent()) ?? "").replace(/\s+/g, " ");
      assert.match(text, /lobby(?! \/)/);
      assert.match(text, /for \d+:\d\d so far/);
      const preview = page.getByRole("region", { name: "Preview" });
      await preview.getByText("lobby", { exact: true }).waitFor();
      assert.doesNotMatch((await preview.textContent()) ?? "", /something moving|There for/);
      await open(page, incident.id);
      assert.match(await page.title(), /^Camera covered, lobby · vedette$/);
      await card(page).getByText(/^Something hides most of the view, for/).waitFor();
      await card(page).getByText("edges of the usual view that are gone").waitFor();
      assert.equal(await page.locator("svg.overlay :is(polygon, rect, circle)").count(), 0);
      assert.equal(await page.getByText("something moving").count(), 0);
      assert.equal(await page.getByText("100 %)").count(), 0, "a camera has no score");
    });
  });

  it("that sent nothing has no picture, and says why", async () => {
    const incident = mock.open({ age: 60, scene: 2, kind: "camera_lost" });
    mock.change(incident.id, (i) => {
      i.footage = { state: "none", asked_from: i.start, frames: 0, gaps: [{ from: i.start, to: i.alarm, cause: "camera_lost" }] };
    });
    await withPage(async (page) => {
      await open(page, incident.id);
      await page.getByText("The camera sent no picture.").waitFor();
      // Without a clip the line of time still shows when it was lost and when that was sure.
      await page.locator(".timeline .event", { hasText: "Alarm" }).waitFor();
      await card(page).getByText(/^No pictures come from the camera, for/).waitFor();
      assert.ok(await page.getByRole("button", { name: "Play" }).isDisabled());
    });
  });

  it("is named on the cameras page, the troubled one first", async () => {
    await withPage(async (page) => {
      await page.goto("/cameras");
      await page.getByText("3 cameras watched").waitFor();
      coverCamera(mock);
      await page.getByText("1 camera in trouble").waitFor();
      const first = page.getByRole("listitem").first();
      assert.match((await first.textContent()) ?? "", /lobby[^]*Covered/);
      await first.getByRole("link").click();
      await page.getByRole("heading", { name: "Health" }).waitFor();
      await page.getByText("Covered").waitFor();
      await page.getByText(/looks, 12 over the budget/).waitFor();
    });
  });
});

describe("how many alarms were true", () => {
  it("says so by rule, zone, camera and hour, with how sure that is", async () => {
    judgeMonth(mock);
    await withPage(async (page) => {
      await page.getByRole("link", { name: "Precision" }).click();
      await page.waitForURL(/\/precision$/);
      const all = page.getByRole("region", { name: "All alarms of the period" });
      await all.getByText(/^\d+ of 48$/).waitFor();
      await all.getByText(/60 alarms, 12 not judged: they count neither/).waitFor();
      const first = page.getByRole("row", { name: /^Loitering, gate \/ junction/ });
      await first.getByText(/^\d+ %$/).waitFor();
      await first.getByText(/^\d+–\d+ %$/).waitFor();
      await page.getByRole("button", { name: "Hours", exact: true }).click();
      await page.waitForURL(/by=hour/);
      await page.getByRole("row", { name: /^\d\d–\d\d h/ }).first().waitFor();
      await page.getByText("Hours by the clock of Europe/Berlin.").waitFor();
      await page.getByRole("button", { name: "Cameras", exact: true }).click();
      await page.getByLabel("Camera", { exact: true }).selectOption("yard");
      await page.waitForURL(/camera=yard/);
      await page.getByRole("row", { name: /^gate/ }).waitFor({ state: "detached" }); // the answer replaces the table
      assert.equal(await page.getByRole("row").count(), 2);
      await page.reload();
      await page.getByRole("row", { name: /^yard/ }).waitFor();
    });
  });

  it("says that there was none, and that none was judged", async () => {
    await withPage(async (page) => {
      await page.goto("/precision");
      await page.getByText("No alarm in this period.").waitFor();
      mock.open({ age: 4000 });
      await page.getByRole("button", { name: "7 days" }).click();
      await page.getByText("Nobody has judged an alarm of this period.").waitFor();
      await page.getByRole("button", { name: "24 hours" }).click();
      await page.getByRole("row", { name: /^Loitering/ }).getByText("–", { exact: true }).waitFor();
    });
  });
});
