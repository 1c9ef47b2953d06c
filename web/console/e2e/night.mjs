// Plays a night at a running vedette, each person in a browser of their own, and prints what
// came of it as JSON.
//
//   node e2e/night.mjs --url http://127.0.0.1:8080 --staff '{"m.weber": "one-time", …}' --dir DIR [--shots DIR]
//
// The staff are m.weber (monitor), e.okafor (supervisor), j.brandt (officer), t.novak
// (investigator) and a.hale (auditor), with the passwords of their first login. Exit code 0
// when the night went as it should and no page reported an error.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { desktop, findings, footageStored, launch, login, phone, visit } from "./browser.mjs";

/** @typedef {import("playwright-core").Page} Page */

const { values: flags } = parseArgs({
  options: { url: { type: "string" }, staff: { type: "string" }, dir: { type: "string" }, shots: { type: "string" }, timeout: { type: "string", default: "240" } },
});
if (!flags.url || !flags.staff || !flags.dir) {
  console.error("usage: node e2e/night.mjs --url URL --staff JSON --dir DIR [--shots DIR] [--timeout seconds]");
  process.exit(2);
}
const { url, dir } = /** @type {{ url: string, dir: string }} */ (flags);
/** @type {Record<string, string>} */
const staff = JSON.parse(flags.staff);
const own = "a long enough password of mine";
const deadline = Date.now() + Number(flags.timeout) * 1000;

/** @type {{ ok: boolean, step: string, error?: string, incident?: string, exhibit?: string, faults: string[] }} */
const result = { ok: false, step: "start", faults: [] };
if (flags.shots) mkdirSync(flags.shots, { recursive: true });

const browser = await launch();

/** A person with a browser of their own, who chooses a password at the first login. @param {string} user @param {{ width: number, height: number }} [size] */
async function person(user, size = desktop) {
  const { page, faults } = await visit(browser, url, { size });
  page.setDefaultTimeout(Math.max(1, Math.min(45_000, deadline - Date.now())));
  page.on("response", (r) => {
    // 503 is a picture that is not there yet.
    if (r.status() >= 500 && r.status() !== 503) faults.push(`${user}: ${r.status()} ${r.request().method()} ${r.url()}`);
  });
  page.on("close", () => result.faults.push(...faults));
  const known = staff[user] === undefined;
  await login(page, user, staff[user] ?? own);
  if (!known) {
    await page.getByRole("heading", { name: "Choose your password" }).waitFor();
    await page.getByLabel("New password", { exact: true }).fill(own);
    await page.getByLabel("New password again").fill(own);
    await page.getByRole("button", { name: "Set password" }).click();
    delete staff[user];
  }
  await page.getByRole("navigation", { name: "Pages" }).waitFor();
  return page;
}

/** A picture for the documentation. @param {Page} page @param {string} name */
async function shot(page, name) {
  if (!flags.shots) return;
  await page.evaluate(() => document.fonts.ready);
  // What was said a moment ago would lie over what the picture is of.
  for (const notice of (await page.getByRole("button", { name: "Dismiss" }).all()).reverse()) await notice.click({ timeout: 1000 }).catch(() => {});
  await page.waitForTimeout(1200);
  await page.screenshot({ path: join(flags.shots, `${name}.jpg`), type: "jpeg", quality: 72 });
}

/** The same page on a phone. @param {string} user @param {string} path @param {string} name @param {(page: Page) => Promise<void>} [before] */
async function onPhone(user, path, name, before) {
  if (!flags.shots) return;
  const page = await person(user, phone);
  await page.goto(path);
  await page.waitForTimeout(1500);
  await before?.(page);
  await shot(page, `${name}-phone`);
  await page.close();
}

/** @param {Page} page @param {string} what */
const said = (page, what) => page.getByText(new RegExp(`^${what}\\. Logged for`)).first().waitFor();

/** @param {Page} page @param {string} name */
async function more(page, name) {
  await page.getByRole("button", { name: "More", exact: true }).first().click();
  await page.getByRole("group", { name: "More actions" }).getByRole("button", { name }).click();
}

/** @param {Page} page @param {RegExp} name */
const tab = (page, name) => page.getByRole("tab", { name }).click();

/** What axe finds is a fault of the night. @param {Page} page @param {string} where */
async function clean(page, where) {
  result.faults.push(...(await findings(page)).map((f) => `${where}: ${f}`));
}

try {
  result.step = "an alarm arrives";
  const monitor = await person("m.weber");
  const row = monitor.locator("[data-id]", { hasText: "Loitering" }).first();
  await row.waitFor({ timeout: 120_000 });
  const id = (await row.getAttribute("data-id")) ?? "";
  result.incident = id;
  const path = `/incidents/${encodeURIComponent(id)}`;
  assert.match(await monitor.title(), /^\(\d+\) /);
  await monitor.waitForTimeout(3000);
  await shot(monitor, "1-alarm");

  result.step = "the monitor claims it and judges it";
  await monitor.locator(`[data-id="${id}"]`).press("Enter");
  await monitor.getByRole("heading", { name: "Facts" }).waitFor();
  await monitor.keyboard.press("c");
  await said(monitor, "Claimed");
  await monitor.keyboard.press("t");
  await said(monitor, "True alarm");
  assert.equal(await monitor.getByRole("button", { name: "Resolve…" }).count(), 0, "a monitor cannot resolve");
  await shot(monitor, "2-claimed");
  await clean(monitor, "claimed");
  await onPhone("m.weber", path, "2-claimed");

  result.step = "the supervisor assigns the officer who is suggested";
  const supervisor = await person("e.okafor");
  await supervisor.goto(path);
  await supervisor.getByRole("heading", { name: "Facts" }).waitFor();
  await supervisor.keyboard.press("a");
  const dialog = supervisor.getByRole("dialog");
  await dialog.getByText("suggested").waitFor();
  assert.match((await dialog.locator("label", { hasText: "suggested" }).textContent()) ?? "", /Jonas Brandt.*\d+ m away/s);
  await dialog.getByLabel(/^Reason/).fill("He is the nearest");
  await shot(supervisor, "3-assign");
  await dialog.getByRole("button", { name: "Assign" }).click();
  await said(supervisor, "Assigned");

  result.step = "the officer responds";
  const officer = await person("j.brandt", phone);
  await officer.goto("/?show=mine");
  await officer.locator(`[data-id="${id}"]`).tap();
  await officer.getByRole("heading", { name: "Facts" }).waitFor();
  await shot(officer, "4-mine-phone");
  await officer.getByRole("button", { name: "Respond…" }).tap();
  await officer.getByLabel(/^What was found\?/).fill("Somebody at the counter, who left when spoken to.");
  await officer.getByRole("button", { name: "Log the response" }).tap();
  await said(officer, "Response logged");
  await officer.close();

  result.step = "the investigator finds out";
  const investigator = await person("t.novak");
  await investigator.goto(path);
  await investigator.getByRole("heading", { name: "Facts" }).waitFor();
  await investigator.getByRole("button", { name: "Start timer" }).click();
  await said(investigator, "Timer started");
  await tab(investigator, /^Investigation/);
  const what = investigator.getByRole("dialog");
  await investigator.getByRole("button", { name: "Describe…" }).first().click();
  await what.getByLabel("Description").fill("Somebody waited at the counter and looked at the locks. Nothing was taken.");
  await what.getByRole("button", { name: "Save" }).click();
  await said(investigator, "Described");
  await investigator.getByRole("button", { name: "Add…" }).click();
  await what.getByLabel("Who said it?").fill("Cleo Novak, tenant");
  await what.getByLabel("What did they say?").fill("She asked when the shop closes, and did not want to buy anything.");
  await what.getByRole("button", { name: "Add statement" }).click();
  await said(investigator, "Statement added");
  await investigator.getByRole("button", { name: /^Mark \d/ }).click();
  await what.getByLabel("What is to be seen?").fill("Looks at the lock");
  await what.getByRole("button", { name: "Mark", exact: true }).click();
  await said(investigator, "Marked");
  await investigator.getByRole("button", { name: "Attach footage…" }).click();
  await what.getByLabel("Camera").selectOption("walkway");
  await what.getByRole("button", { name: "Attach", exact: true }).click();
  await said(investigator, "Footage attached");
  await investigator.locator("section:has(> [role=tablist])").evaluate((e) => e.scrollIntoView());
  await shot(investigator, "5-investigation");
  await clean(investigator, "investigation");
  await tab(investigator, /^Tasks/);
  const open = investigator.getByRole("checkbox", { checked: false });
  for (let left = await open.count(); left > 0; left--) {
    await open.first().click();
    await investigator.waitForFunction((n) => document.querySelectorAll("[role=tabpanel] input:not(:checked)").length < n, left);
  }
  await shot(investigator, "5-tasks");
  await onPhone("t.novak", path, "5-investigation", async (page) => {
    await tab(page, /^Investigation/);
    await page.locator("section:has(> [role=tablist])").evaluate((e) => e.scrollIntoView());
  });

  result.step = "and resolves and closes it";
  await tab(investigator, /^Outcome/);
  await investigator.evaluate(() => document.getElementById("main")?.scrollTo(0, 0));
  await investigator.getByRole("button", { name: "Resolve…" }).first().click();
  await what.getByLabel("Outcome").selectOption("deterred");
  await what.getByLabel(/^What do you conclude\?/).fill("Looked for a way in, and left when an officer came.");
  await what.getByLabel(/^What returned/).fill("The counter was watched until the shop closed.");
  await what.getByLabel(/^Cost or loss/).fill("0 EUR");
  await shot(investigator, "6-resolve");
  await what.getByRole("button", { name: "Resolve" }).click();
  await said(investigator, "Resolved");
  await investigator.getByRole("button", { name: "Close…" }).first().click();
  await what.getByRole("button", { name: "Close incident" }).click();
  await said(investigator, "Closed");
  await investigator.close();

  result.step = "the supervisor reviews it";
  await footageStored(supervisor, id, 60_000);
  await supervisor.goto(path);
  await supervisor.getByRole("button", { name: "Review…" }).first().click();
  await dialog.getByLabel("What happened?").fill("Somebody watched the counter and its lock.");
  await dialog.getByLabel("How did it come about?").fill("The shop was empty, and nobody was at the entrance.");
  await dialog.getByLabel("What could have been seen earlier?").fill("The same person had been there twice that week.");
  await dialog.getByRole("button", { name: "Add a change" }).click();
  await dialog.getByLabel("Change 1", { exact: true }).fill("Somebody at the entrance after 21:00");
  await dialog.getByLabel("Owner of change 1").selectOption("j.brandt");
  await dialog.getByLabel(/^For all staff/).fill("Greet who waits at the counter.");
  await shot(supervisor, "7-review");
  await dialog.getByRole("button", { name: "Save review" }).click();
  await said(supervisor, "Reviewed");

  result.step = "a package is made and its delivery recorded";
  await supervisor.getByRole("button", { name: "Export…" }).click();
  await dialog.getByLabel("Who asked for it, and what for?").fill("police, case 4711");
  const [download] = await Promise.all([supervisor.waitForEvent("download"), dialog.getByRole("button", { name: "Make package" }).click()]);
  result.exhibit = join(dir, download.suggestedFilename());
  await download.saveAs(result.exhibit);
  await more(supervisor, "Record a delivery…");
  await dialog.getByLabel(/^To whom\?/).fill("Insp. Huber, Vienna police");
  await dialog.getByLabel("Why?").fill("investigation of attempted burglaries");
  await dialog.getByLabel(/^How\?/).fill("by hand on a stick");
  await dialog.getByLabel(/^Their reference/).fill("4711/2026");
  await dialog.getByRole("button", { name: "Record" }).click();
  await said(supervisor, "Delivery recorded");
  await tab(supervisor, /^Outcome/);
  await supervisor.getByText("Insp. Huber, Vienna police").waitFor();
  await supervisor.locator("section:has(> [role=tablist])").evaluate((e) => e.scrollIntoView());
  await shot(supervisor, "8-outcome");
  await clean(supervisor, "outcome");
  await onPhone("e.okafor", path, "8-outcome", async (page) => {
    await tab(page, /^Outcome/);
    await page.locator("section:has(> [role=tablist])").evaluate((e) => e.scrollIntoView());
  });

  result.step = "the report shows it";
  await supervisor.getByRole("link", { name: "Books" }).click();
  const all = supervisor.getByRole("region", { name: "All of the period" });
  await all.getByText(/\b1 true\b/).waitFor();
  await shot(supervisor, "9-report");
  await supervisor.close();

  result.step = "the auditor sees who did what, and can do nothing";
  const auditor = await person("a.hale");
  await auditor.goto(path);
  await auditor.getByText("Footage is for those who have the right to see it.").waitFor();
  for (const name of ["Claim", "True", "Nuisance…", "More", "Review…", "Reopen…", "Export…", "Add"]) {
    assert.equal(await auditor.getByRole("button", { name, exact: true }).count(), 0, `an auditor is offered ${name}`);
  }
  const refused = await auditor.evaluate(async (i) => {
    const to = (/** @type {string} */ step) => `/api/incidents/${encodeURIComponent(i)}/${step}`;
    const send = async (/** @type {string} */ step, /** @type {unknown} */ body) =>
      (await fetch(to(step), { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) })).status;
    return [await send("reopen", { reason: "x" }), await send("notes", { text: "x" }), (await fetch(to("clip"))).status];
  }, id);
  assert.deepEqual(refused, [403, 403, 403]);
  await auditor.getByRole("link", { name: "Custody" }).click();
  for (const who of ["m.weber", "e.okafor", "t.novak"]) await auditor.getByRole("listitem").filter({ hasText: who }).first().waitFor();
  await shot(auditor, "10-audit");
  await clean(auditor, "audit");
  await auditor.close();
  await monitor.close();

  result.step = "done";
  result.ok = result.faults.length === 0;
} catch (err) {
  result.error = /** @type {Error} */ (err).message;
  if (flags.shots) {
    for (const context of browser.contexts()) for (const page of context.pages()) await page.screenshot({ path: join(flags.shots, `failed-${Date.now()}.png`) }).catch(() => {});
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(result, null, 2));
process.exit(result.ok ? 0 : 1);
