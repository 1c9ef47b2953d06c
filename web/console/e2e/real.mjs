// Looks at a running vedette as a person does, and prints what it saw as JSON.
//
//   node e2e/real.mjs --url http://127.0.0.1:8080 --user admin --password X [--timeout 90] [--fresh] [--judge] [--evidence DIR] [--shots DIR]
//
// It logs in, gives the account a password of its own when asked to, waits on the queue for
// a loitering incident to arrive without a reload, opens it, reads why it was raised and plays
// its clip, each within the timeout. Exit code 0 when the clip plays and the page reported no error, 1 otherwise. With
// --fresh an incident that was there before does not count; with --judge it is judged true. With
// --evidence it is put on hold, exported as a package into that folder, and continuous footage
// of its camera is played.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { desktop, footageStored, launch, login, phone, visit } from "./browser.mjs";

const { values: flags } = parseArgs({
  options: {
    url: { type: "string" },
    user: { type: "string", default: "admin" },
    password: { type: "string" },
    "new-password": { type: "string", default: "a long enough password of mine" },
    timeout: { type: "string", default: "90" },
    judge: { type: "boolean", default: false },
    fresh: { type: "boolean", default: false },
    evidence: { type: "string" },
    shots: { type: "string" },
  },
});
if (!flags.url || !flags.password || !(Number(flags.timeout) > 0)) {
  console.error("usage: node e2e/real.mjs --url URL --password PASSWORD [--user admin] [--new-password P] [--timeout seconds] [--fresh] [--judge] [--evidence DIR] [--shots DIR]");
  process.exit(2);
}

const url = flags.url.replace(/\/$/, "");
const timeout = Number(flags.timeout) * 1000;
let deadline = Date.now() + timeout;
const left = () => Math.max(1, deadline - Date.now());
let password = flags.password;

/** @type {{ ok: boolean, url: string, error?: string, step: string, begun_s: Record<string, number>, faults: string[], shots: string[], [key: string]: unknown }} */
const result = { ok: false, url, step: "start", begun_s: {}, faults: [], shots: [] };
/** Says what is looked at now, so that a failure names it, and when it was begun; it has the timeout to itself. @param {string} name */
const step = (name) => {
  deadline = Date.now() + timeout;
  result.step = name;
  result.begun_s[name] = Math.round(performance.now() / 100) / 10;
};

const browser = await launch();
try {
  const { page, faults } = await visit(browser, url);
  result.faults = faults;
  page.on("response", (r) => {
    // 503 is a camera that has no picture yet.
    if (r.status() >= 500 && r.status() !== 503) faults.push(`${r.status()} ${r.request().method()} ${r.url()}`);
  });
  // The door has time of its own: how long the page takes to come is up to the machine.
  page.setDefaultTimeout(Math.max(timeout, 60_000));

  step("login");
  await login(page, flags.user, password);
  const inside = page.getByRole("navigation", { name: "Pages" });
  const choose = page.getByRole("heading", { name: "Choose your password" });
  const refused = page.getByRole("alert");
  await inside.or(choose).or(refused).first().waitFor();
  if (await refused.isVisible()) throw new Error(`login: ${await refused.textContent()}`);
  if (await choose.isVisible()) {
    step("choose a password");
    password = flags["new-password"];
    await page.getByLabel("New password", { exact: true }).fill(password);
    await page.getByLabel("New password again").fill(password);
    await page.getByRole("button", { name: "Set password" }).click();
    await inside.waitFor();
    result.password_changed = true;
  }

  step("wait for an incident");
  const waiting = Date.now();
  page.setDefaultTimeout(timeout);
  await page.evaluate(() => Object.assign(globalThis, { sameDocument: true }));
  await page.getByText("Live", { exact: true }).waitFor();
  // What was there before this page was opened has not arrived before its eyes.
  await page.waitForTimeout(1000);
  const rows = page.locator("[data-id]", { hasText: "Loitering" });
  const there = await rows.evaluateAll((found) => found.map((row) => row.getAttribute("data-id") ?? ""));
  result.was_there = there.length > 0 && !flags.fresh;
  const fresh = there.map((known) => `:not([data-id="${known.replaceAll('"', '\\"')}"])`).join("");
  const loitering = page.locator(flags.fresh ? `[data-id]${fresh}` : "[data-id]", { hasText: "Loitering" }).first();
  await loitering.waitFor({ timeout: left() });
  result.waited_s = (Date.now() - waiting) / 1000;
  if (!(await page.evaluate(() => "sameDocument" in globalThis))) throw new Error("the page was reloaded");
  const id = (await loitering.getAttribute("data-id")) ?? "";

  step("open the incident");
  await page.waitForTimeout(500);
  // By its name: another one may have come before it meanwhile.
  await page.locator(`[data-id="${id.replaceAll('"', '\\"')}"]`).press("Enter");
  await page.getByRole("heading", { name: "Facts" }).waitFor();
  result.incident = await page.evaluate(async (i) => {
    const r = await (await fetch(`/api/incidents/${encodeURIComponent(i)}`)).json();
    return { id: r.id, kind: r.kind, camera: r.camera, zone: r.zone, label: r.label, severity: r.severity, footage: r.footage.state };
  }, id);
  if (!page.url().endsWith(encodeURIComponent(id))) throw new Error(`another page was opened: ${page.url()}`);

  step("read why");
  const why = page.locator("section", { has: page.getByRole("heading", { name: "Why" }) });
  await why.locator(".fact").first().waitFor();
  result.why = await why.evaluate((card) => ({
    rule: card.querySelector(".event p")?.textContent ?? "",
    facts: [...card.querySelectorAll(".fact")].map((f) => (f.textContent ?? "").replace(/\s+/g, " ").trim()),
    curves: card.querySelectorAll("input[type=range]").length,
  }));

  step("play the clip");
  await page.waitForFunction(
    () => {
      const v = document.querySelector("video");
      return v !== null && v.readyState >= 2 && v.videoWidth > 0;
    },
    undefined,
    { timeout: left() },
  );
  if (await page.evaluate(() => document.querySelector("video")?.paused)) {
    await page.getByRole("button", { name: "Play", exact: true }).click();
  }
  const from = await page.evaluate(() => document.querySelector("video")?.currentTime ?? 0);
  await page.waitForFunction((t) => Math.abs((document.querySelector("video")?.currentTime ?? t) - t) > 0.5, from, { timeout: left() });
  result.clip = await page.evaluate((t) => {
    const v = /** @type {HTMLVideoElement} */ (document.querySelector("video"));
    const d = v.duration;
    return { from_s: t, to_s: v.currentTime, duration_s: Number.isFinite(d) ? d : null, width: v.videoWidth, height: v.videoHeight, error: v.error?.message ?? null };
  }, from);
  const clip = /** @type {{ from_s: number, to_s: number, error: string | null }} */ (result.clip);
  if (clip.error) throw new Error(`clip: ${clip.error}`);
  if (!(clip.to_s > clip.from_s)) throw new Error("the clip does not advance");
  const overlay = await page.locator("svg.overlay polygon").count();
  if (overlay === 0) throw new Error("the zone is not drawn over the clip");

  if (flags.judge) {
    step("judge");
    await page.keyboard.press("t");
    await page.getByText(/^True alarm\. Logged for/).waitFor({ timeout: left() });
    result.judgement = await page.evaluate(async (i) => (await (await fetch(`/api/incidents/${encodeURIComponent(i)}`)).json()).judgement, id);
  }

  if (flags.evidence) {
    step("wait until the clip is finished");
    await footageStored(page, id, left());
    step("hold");
    await page.getByText("Signature valid").waitFor({ timeout: left() });
    await page.getByRole("button", { name: "Hold…" }).click();
    await page.getByLabel(/^Why\?/).fill("case 4711");
    await page.getByRole("button", { name: "Put on hold" }).click();
    await page.getByText("On hold until somebody releases it").waitFor({ timeout: left() });
    step("export");
    await page.getByRole("button", { name: "Export…" }).click();
    await page.getByLabel("Who asked for it, and what for?").fill("police, case 4711");
    const [download] = await Promise.all([
      page.waitForEvent("download", { timeout: left() }),
      page.getByRole("button", { name: "Make package" }).click(),
    ]);
    result.exhibit = join(flags.evidence, download.suggestedFilename());
    await download.saveAs(/** @type {string} */ (result.exhibit));
    step("recall");
    await page.getByRole("link", { name: "Recall" }).click();
    await page.getByText(/of this time is there/).waitFor({ timeout: left() });
    await page.keyboard.press(" ");
    await page.waitForFunction(() => (document.querySelector("video")?.currentTime ?? 0) > 0.5, undefined, { timeout: left() });
    result.recalled = await page.evaluate(() => document.querySelector("video")?.duration);
    step("read the custody log");
    await page.getByRole("link", { name: "Custody" }).click();
    const older = page.getByRole("button", { name: "Older entries" });
    for (const act of ["Footage recalled", "Exported", "Put on hold", "Played", "Looked at"]) {
      // Cameras that saw much meanwhile have pushed it to an older page.
      const entry = page.getByRole("listitem").filter({ hasText: act }).first();
      await entry.or(older).first().waitFor({ timeout: left() });
      while (!(await entry.isVisible()) && (await older.isVisible())) {
        await older.click({ timeout: left() });
        await page.getByRole("button", { name: "Loading…" }).waitFor({ state: "detached", timeout: left() });
      }
      await entry.waitFor({ timeout: left() });
    }
  }

  if (flags.shots) {
    step("take pictures");
    mkdirSync(flags.shots, { recursive: true });
    for (const theme of /** @type {const} */ (["dark", "light"])) {
      for (const [width, size] of /** @type {const} */ ([["desktop", desktop], ["phone", phone]])) {
        const view = await visit(browser, url, { size, theme });
        view.page.setDefaultTimeout(30_000);
        await login(view.page, flags.user, password);
        await view.page.getByRole("navigation", { name: "Pages" }).waitFor();
        /** @param {string} name */
        const shot = async (name) => {
          await view.page.waitForTimeout(2500);
          const file = join(/** @type {string} */ (flags.shots), `${name}-${theme}-${width}.png`);
          await view.page.screenshot({ path: file });
          result.shots.push(file);
        };
        await view.page.goto("/");
        await shot("queue");
        await view.page.goto(`/incidents/${encodeURIComponent(id)}`);
        await shot("incident");
        await view.page.keyboard.press("n");
        await shot("nuisance");
        await view.page.keyboard.press("Escape");
        await view.page.getByRole("heading", { name: "Why" }).evaluate((e) => e.scrollIntoView());
        await shot("why");
        for (const name of ["cameras", "precision"]) {
          await view.page.goto(`/${name}`);
          await shot(name);
        }
        faults.push(...view.faults);
        await view.context.close();
      }
    }
  }
  step("done");
  result.ok = faults.length === 0;
} catch (err) {
  result.error = /** @type {Error} */ (err).message;
} finally {
  await browser.close();
}
console.log(JSON.stringify(result, null, 2));
process.exit(result.ok ? 0 : 1);
