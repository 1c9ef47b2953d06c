// The desk in a real browser against the mock: what several people do with one incident, and
// what a person may not do.
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

describe("the queue", () => {
  it("stands by the time that is left, counts down, and says when it is near and when it is over", async () => {
    await withPage(async (page) => {
      await page.getByText("All quiet").waitFor();
      // Made when the page is there, so that the clocks have not run on meanwhile.
      const late = mock.open({ age: 700, severity: "high" });
      const soon = mock.open({ age: 75, severity: "high", scene: 1 });
      const calm = mock.open({ age: 5, severity: "high", scene: 2 });
      await Promise.all([
        row(page, late.id).getByText(/^claim late \d+:\d\d$/).waitFor(),
        row(page, soon.id).getByText(/^0:\d\d to claim$/).waitFor(),
        row(page, calm.id).getByText(/^1:\d\d to claim$/).waitFor(),
      ]);
      const order = await page.locator("[data-id]").evaluateAll((rows) =>
        rows.map((r) => ({ id: /** @type {HTMLElement} */ (r).dataset.id, y: r.getBoundingClientRect().y })).sort((a, b) => a.y - b.y).map((r) => r.id));
      assert.deepEqual(order, [late.id, soon.id, calm.id]);
      assert.equal(await row(page, soon.id).locator(".count.near svg").count(), 1, "near is said by a shape");
      await page.getByRole("button", { name: "Overdue" }).click();
      await row(page, soon.id).waitFor({ state: "detached" });
      await row(page, late.id).waitFor();
    });
  });

  it("brings what becomes overdue by the clock, when nothing is pushed", async () => {
    await withPage(async (page) => {
      await page.clock.install();
      await page.goto("/?show=overdue");
      await page.getByText("Live", { exact: true }).waitFor();
      const late = mock.open({ age: 700, severity: "high" });
      const soon = mock.open({ age: 60, severity: "high", scene: 1 });
      await row(page, late.id).waitFor();
      assert.equal(await row(page, soon.id).count(), 0, "a minute is left");
      mock.ahead = 61_000;
      await page.clock.fastForward(61_000);
      await row(page, soon.id).getByText(/^claim late/).waitFor();
      await row(page, late.id).waitFor();
    });
  });

  it("says what people are called to who may not assign", async () => {
    mock.rights = ["view", "live", "footage", "work"];
    const incident = mock.open({ age: 60, state: "acknowledged", assignment: { officer: "m.weber" }, log: [{ at: new Date().toISOString(), who: "j.brandt", what: "noted", note: "Seen." }] });
    await withPage(async (page) => {
      await row(page, incident.id).getByText("Claimed by Maria Weber").waitFor();
      /** @type {string[]} */
      const asked = [];
      page.on("request", (r) => asked.push(new URL(r.url()).pathname));
      await page.goto(`/incidents/${incident.id}`);
      await page.getByText("Jonas Brandt").waitFor();
      assert.ok(!asked.includes("/api/people"), "what they may not ask for is not asked for");
      assert.equal(asked.filter((p) => p === "/api/names").length, 1, "all names of a page at once");
    });
  });

  it("acknowledges several with one reason, and keeps those that could not be", async () => {
    const ids = [0, 1, 2].map((n) => mock.open({ age: 90 - n, severity: "high", scene: n }).id);
    await withPage(async (page) => {
      await row(page, ids[0] ?? "").waitFor();
      await page.keyboard.press("j");
      await page.keyboard.press("x");
      await page.keyboard.press("j");
      await page.keyboard.press("j");
      await page.keyboard.press("Shift+X");
      await page.getByText("3 chosen").waitFor();
      // Somebody claims one of them meanwhile, and this console has not heard of it.
      const taken = structuredClone(mock.incidents.get(ids[1] ?? ""));
      assert.ok(taken);
      mock.incidents.set(taken.id, { ...taken, state: "acknowledged", assignment: { officer: "m.weber" }, revision: taken.revision + 1 });
      await page.getByRole("button", { name: "Acknowledge…" }).click();
      await page.getByRole("dialog").getByLabel(/^Reason/).fill("storm, all cameras of the yard");
      await page.getByRole("button", { name: "Acknowledge all" }).click();
      await page.getByText(/^2 incidents acknowledged; 1 was not: incident is acknowledged/).waitFor();
      await page.getByText("1 chosen").waitFor();
      assert.equal(mock.incidents.get(ids[0] ?? "")?.log[0]?.note, "storm, all cameras of the yard");
      await page.keyboard.press("Escape");
      await page.getByText("1 chosen").waitFor({ state: "detached" });
    });
  });

  it("makes a sound for what somebody chose, and remembers the choice", async () => {
    await withPage(async (page) => {
      await page.evaluate(() => {
        const start = OscillatorNode.prototype.start;
        Object.assign(globalThis, { notes: 0 });
        OscillatorNode.prototype.start = function (/** @type {number | undefined} */ at) {
          /** @type {any} */ (globalThis).notes++;
          return start.call(this, at);
        };
      });
      const notes = () => page.evaluate(() => /** @type {any} */ (globalThis).notes);
      mock.open({ severity: "critical" });
      await page.locator("[data-id]").first().waitFor();
      assert.equal(await notes(), 0, "off until somebody turns it on");
      await page.getByRole("button", { name: "Sound off. Change" }).click();
      await page.getByRole("button", { name: "Sound for critical alarms. Change" }).click();
      const before = await notes();
      mock.open({ severity: "medium" });
      await page.locator("[data-id]").nth(1).waitFor();
      assert.equal(await notes(), before, "not bad enough");
      mock.open({ severity: "high" });
      await page.locator("[data-id]").nth(2).waitFor();
      assert.ok((await notes()) > before);
      await page.reload();
      await page.getByRole("button", { name: "Sound for high and worse. Change" }).waitFor();
    });
  });

  it("says what came and went while the connection was away", async () => {
    const gone = mock.open({ age: 100 });
    await withPage(async (page) => {
      await row(page, gone.id).waitFor();
      mock.drop({ forget: true, refuse: true });
      await page.getByText(/Stale since/).waitFor();
      const came = mock.open({ age: 1, scene: 1 });
      mock.change(gone.id, (i) => (i.state = "closed"));
      mock.drop({ forget: true });
      mock.restore();
      await page.getByText("After the gap in the connection: 1 new, 1 gone.").first().waitFor();
      await row(page, came.id).waitFor();
    });
  });
});

describe("an incident", () => {
  it("that somebody else changes meanwhile shows what they did, and keeps the text", async () => {
    const incident = mock.open({ age: 60 });
    await withPage(async (page) => {
      await page.goto(`/incidents/${incident.id}`);
      await page.getByRole("tab", { name: "Investigation" }).click();
      await page.getByRole("button", { name: "Describe…" }).first().click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Description").fill("What I saw.");
      mock.change(incident.id, (i) => {
        i.description = "What Maria saw.";
        i.log.push({ at: new Date().toISOString(), who: "m.weber", what: "described" });
      });
      await dialog.getByRole("button", { name: "Save" }).click();
      await dialog.getByText(/somebody has changed the incident/).waitFor();
      await dialog.getByText("What Maria saw.").waitFor();
      await dialog.getByText("Maria Weber").waitFor();
      assert.equal(await dialog.getByLabel("Description").inputValue(), "What I saw.");
      await dialog.getByRole("button", { name: "Save" }).click();
      await page.getByText("What I saw.").waitFor();
      assert.equal(mock.incidents.get(incident.id)?.description, "What I saw.");
    });
  });

  it("is closed when its type has all that it asks for", async () => {
    const incident = mock.open({ age: 60, state: "acknowledged", assignment: { officer: "admin" }, triage: { type: "suspicious" } });
    await withPage(async (page) => {
      await page.goto(`/incidents/${incident.id}`);
      await page.getByRole("heading", { name: "Facts" }).waitFor();
      await page.keyboard.press("e");
      const dialog = page.getByRole("dialog");
      for (const words of ["a description", "a judgement of the alarm", "an outcome"]) await dialog.getByText(words, { exact: true }).waitFor();
      await dialog.getByRole("button", { name: "Resolve it first…" }).click();
      await dialog.getByLabel("Outcome").selectOption("deterred");
      await dialog.getByLabel(/^Cost or loss/).fill("a lot");
      await dialog.getByRole("button", { name: "Resolve" }).click();
      await dialog.getByText(/is no amount of money/).waitFor();
      await dialog.getByLabel(/^Cost or loss/).fill("1 234,50 CHF");
      await dialog.getByRole("button", { name: "Resolve" }).click();
      await page.getByText(/^Resolved\. Logged/).waitFor();
      assert.deepEqual(mock.incidents.get(incident.id)?.resolution?.loss, { amount: 123_450, currency: "CHF" });
    });
  });

  it("takes a file, and text in it is only text", async () => {
    const incident = mock.open({ age: 60 });
    await withPage(async (page) => {
      await page.goto(`/incidents/${incident.id}`);
      await page.getByPlaceholder("Add a note").fill("<img src=x onerror=alert(1)>");
      await page.getByRole("button", { name: "Add", exact: true }).click();
      await page.getByText("<img src=x onerror=alert(1)>").waitFor();
      await page.getByRole("tab", { name: "Investigation" }).click();
      await page.locator("input[type=file]").setInputFiles({ name: "plan <b>.txt", mimeType: "text/plain", buffer: Buffer.from("a plan") });
      await page.getByRole("link", { name: "plan <b>.txt" }).waitFor();
    });
  });

  it("offers nothing that the person may not do", async () => {
    mock.rights = ["view", "report", "audit"];
    const incident = mock.open({ age: 60 });
    await withPage(async (page) => {
      await page.goto(`/incidents/${incident.id}`);
      await page.getByText("Footage is for those who have the right to see it.").waitFor();
      for (const name of ["Claim", "True", "More", "Add", "Rate…"]) assert.equal(await page.getByRole("button", { name, exact: true }).count(), 0, name);
      await page.keyboard.press("c");
      await page.waitForTimeout(300);
      assert.equal(mock.incidents.get(incident.id)?.state, "new");
      assert.equal(await page.getByRole("link", { name: "People" }).count(), 0);
    });
  });

  it("that was two is split, and at least one event stays", async () => {
    const incident = mock.open({ age: 300 });
    mock.change(incident.id, (i) => {
      const [first] = i.events;
      assert.ok(first);
      i.events.push({ ...first, id: 2, label: "car" });
      i.event_count = 2;
    });
    await withPage(async (page) => {
      await page.getByRole("tab", { name: "Similar" }).click();
      await page.getByText("It holds 2 events.").waitFor();
      await page.getByRole("button", { name: "Split…" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel(/^Why/).fill("a man and a car");
      const split = dialog.getByRole("button", { name: "Split" });
      assert.ok(await split.isDisabled(), "nothing is chosen");
      await dialog.getByRole("checkbox").nth(0).check();
      await dialog.getByRole("checkbox").nth(1).check();
      await dialog.getByText("At most 1 of them.").waitFor();
      assert.ok(await split.isDisabled(), "all are chosen");
      await dialog.getByRole("checkbox").nth(0).uncheck();
      await split.click();
      await page.getByText(/^Split\. Logged/).waitFor();
      assert.deepEqual(mock.incidents.get(incident.id)?.events.map((e) => e.id), [1]);
      const [part] = [...mock.incidents.values()].filter((i) => i.linked?.from === incident.id);
      assert.deepEqual(part?.events.map((e) => e.label), ["car"]);
      await page.getByText("It holds 2 events.").waitFor({ state: "detached" });
    }, { at: `/incidents/${incident.id}` });
  });

  it("that was merged by mistake goes on by itself, from either side", async () => {
    const whole = mock.open({ age: 300 });
    const [one, two] = [mock.open({ age: 200 }), mock.open({ age: 100 })];
    for (const i of [one, two]) mock.change(i.id, (x) => Object.assign(x, { state: "closed", linked: { into: whole.id } }));
    mock.change(whole.id, (x) => (x.linked = { merged: [one.id, two.id] }));
    await withPage(async (page) => {
      await page.getByRole("tab", { name: "Similar" }).click();
      await page.getByRole("button", { name: `Take ${one.id} out` }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel(/^Why/).fill("another man");
      await dialog.getByRole("button", { name: "Take out" }).click();
      await page.getByRole("button", { name: `Take ${one.id} out` }).waitFor({ state: "detached" });
      assert.equal(mock.incidents.get(one.id)?.state, "acknowledged");
      assert.deepEqual(mock.incidents.get(whole.id)?.linked?.merged, [two.id]);
      await page.goto(`/incidents/${two.id}`);
      await page.getByRole("tab", { name: "Similar" }).click();
      await page.getByRole("button", { name: "Part…" }).click();
      await dialog.getByLabel(/^Why/).fill("a third man");
      await dialog.getByRole("button", { name: "Part" }).click();
      await page.getByText(/^Parted\. Logged/).waitFor();
      assert.equal(mock.incidents.get(two.id)?.linked?.into, undefined);
    }, { at: `/incidents/${whole.id}` });
  });

  it("begins a series with one that is like it, and the next is offered that series with the reasons", async () => {
    const [first, second, third] = [300, 200, 100].map((age) => mock.open({ age }));
    assert.ok(first && second && third);
    await withPage(async (page) => {
      await page.getByRole("tab", { name: "Similar" }).click();
      await page.getByText("the same hour of the night").first().waitFor();
      await page.getByRole("button", { name: "Begin a series…" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel(/^What is it called/).fill("Window shoppers");
      await dialog.getByRole("checkbox", { name: new RegExp(`^#${second.number} `) }).check();
      await dialog.getByLabel(/^Why/).fill("the same jacket");
      await dialog.getByRole("button", { name: "Begin the series" }).click();
      await page.getByRole("link", { name: "a series", exact: true }).waitFor();
      assert.deepEqual(mock.series[0]?.incidents, [first.id, second.id]);
      assert.equal(await page.getByRole("button", { name: "Begin a series…" }).count(), 0, "it belongs to one already");

      await page.goto(`/incidents/${third.id}`);
      await page.getByRole("tab", { name: "Similar" }).click();
      await page.getByRole("heading", { name: "Perhaps of a series" }).waitFor();
      await page.getByRole("link", { name: "S1 Window shoppers" }).waitFor();
      await page.getByText(/^2 incidents of it are like this one/).waitFor();
      await page.getByRole("button", { name: "Add to S1" }).click();
      await dialog.getByText(/the same place, the same hour of the night/).waitFor();
      await dialog.getByLabel(/^Why/).fill("the jacket again");
      await dialog.getByRole("button", { name: "Add to the series" }).click();
      await page.getByText(/^Added to the series\. Logged/).waitFor();
      assert.deepEqual(mock.series[0]?.incidents, [first.id, second.id, third.id]);
      assert.equal(mock.incidents.get(third.id)?.log[0]?.note, "the jacket again");
    }, { at: `/incidents/${first.id}` });
  });

  it("is opened by hand, and stands open at once", async () => {
    await withPage(async (page) => {
      await page.getByText("All quiet").waitFor();
      await page.keyboard.press("+");
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("What happened?").fill("A bicycle is gone from the stand.");
      await dialog.getByLabel("Type").selectOption("theft");
      await dialog.getByRole("button", { name: "Open incident" }).click();
      await page.getByRole("heading", { name: /Reported/ }).waitFor();
      await page.getByRole("tab", { name: /^Investigation/ }).click();
      await page.getByText("A bicycle is gone from the stand.").waitFor();
    });
  });
});

describe("people", () => {
  it("have shifts: days and hours by the clock of a place", async () => {
    await withPage(async (page) => {
      await page.getByRole("button", { name: "Change Jonas Brandt" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("button", { name: "Set a shift" }).click();
      await dialog.getByText("until the next day").waitFor();
      for (const day of ["Sat", "Sun"]) await dialog.getByRole("button", { name: day }).click();
      await dialog.getByLabel("Shift 1 from").fill("18:30");
      await dialog.getByLabel("Shift 1 to").fill("02:00");
      await dialog.getByRole("button", { name: "Another shift" }).click();
      await dialog.getByLabel("Clock of shift 2").fill("Asia/Tokyo");
      await dialog.getByRole("button", { name: "Save" }).click();
      await page.getByText(/Mon–Fri 18:30–02:00 and 22:00–06:00 \(Asia\/Tokyo\)/).waitFor();
      const hour = 3600e9;
      assert.deepEqual(mock.people.find((p) => p.user === "j.brandt")?.account?.shift, [
        { days: [1, 2, 3, 4, 5], from_ns: 18.5 * hour, to_ns: 2 * hour, time_zone: "Europe/Berlin" },
        { days: [], from_ns: 22 * hour, to_ns: 6 * hour, time_zone: "Asia/Tokyo" },
      ]);
      await page.getByRole("button", { name: "Change Jonas Brandt" }).click();
      await dialog.getByRole("button", { name: "Take shift 1 away" }).click();
      await dialog.getByRole("button", { name: "Take shift 1 away" }).click();
      await dialog.getByText("always").waitFor();
      await dialog.getByRole("button", { name: "Save" }).click();
      await dialog.waitFor({ state: "detached" });
      assert.deepEqual(mock.people.find((p) => p.user === "j.brandt")?.account?.shift, []);
    }, { at: "/people" });
  });

  it("are let in with a one-time password, and suspended", async () => {
    await withPage(async (page) => {
      await page.goto("/people");
      await page.getByText("Jonas Brandt").waitFor();
      await page.getByRole("button", { name: "Let somebody in…" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Name", { exact: true }).fill("Nadia Roy");
      await dialog.getByLabel("User name").fill("n.roy");
      await dialog.getByLabel("Role 1", { exact: true }).selectOption("officer");
      await dialog.getByLabel("Cameras of role 1").selectOption("outside");
      await dialog.getByRole("button", { name: "Let in" }).click();
      await page.getByText("One-time password of Nadia Roy.").waitFor();
      assert.deepEqual(mock.people.find((p) => p.user === "n.roy")?.account?.grants, [{ role: "officer", groups: ["outside"] }]);
      await page.getByRole("button", { name: "Suspend Nadia Roy" }).click();
      await page.getByText(/Nadia Roy: suspended/).waitFor();
    });
  });
});
