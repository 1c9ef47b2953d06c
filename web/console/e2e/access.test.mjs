// Every page and dialog in a real browser against the mock, on the desk and on a phone, in
// both themes: axe finds nothing, nothing scrolls sideways.
import { after, before, beforeEach, describe, it } from "node:test";
import { desktop, keeps, launch, login, phone, within } from "./browser.mjs";
import { Mock } from "./mock/server.mjs";
import { breakConfig, coverCamera, judgeMonth, loseCamera, tellStory } from "./mock/story.mjs";

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

for (const [name, size] of /** @type {const} */ ([["a desk", desktop], ["a phone", phone]])) {
  /** @param {(page: Page) => Promise<void>} fn @param {Parameters<typeof within>[3]} [o] */
  const withPage = (fn, o) => within(browser, mock, fn, { size, still: true, ...o });

  describe(`on ${name}`, () => {
    it("the door", async () => {
      await withPage(
        async (page) => {
          await page.goto("/");
          await page.getByLabel("Name").waitFor();
          await keeps(page, "login");
          mock.mustChange = true;
          await login(page, mock.user, mock.password);
          await page.getByRole("heading", { name: "Choose your password" }).waitFor();
          await keeps(page, "password");
        },
        { inside: false },
      );
    });

    it("the queue", async () => {
      await withPage(async (page) => {
        await page.getByText("All quiet since").waitFor();
        await keeps(page, "quiet", { enhanced: true });
        tellStory(mock);
        await page.locator("[data-id]").nth(4).waitFor();
        await page.keyboard.press("j");
        await keeps(page, "queue", { enhanced: true });
        for (const [key, what] of [["?", "keys"], ["e", "close"], ["n", "nuisance"]]) {
          await page.keyboard.press(key ?? "");
          await page.getByRole("dialog").waitFor();
          await keeps(page, what ?? "", { enhanced: true });
          await page.keyboard.press("Escape");
          await page.getByRole("dialog").waitFor({ state: "detached" });
        }
        await page.goto("/?show=closed&camera=gate&severity=high");
        await page.locator("[data-id]").first().waitFor();
        await keeps(page, "closed", { enhanced: true });
        await page.goto("/?show=all&dwell=10&text=gate");
        await page.locator("[data-id]").first().waitFor();
        await page.getByRole("button", { name: "More filters" }).click();
        await keeps(page, "filters");
        mock.drop({ refuse: true });
        await page.getByText(/Stale since/).waitFor();
        await keeps(page, "stale");
      });
    });

    it("an incident", async () => {
      tellStory(mock);
      const all = [...mock.incidents.values()];
      await withPage(async (page) => {
        for (const incident of all.slice(0, 6)) {
          await page.goto(`/incidents/${incident.id}`);
          await page.getByRole("heading", { name: "Facts" }).waitFor();
          await keeps(page, `incident ${incident.id}`, { enhanced: true });
        }
        await page.goto(`/incidents/${all.find((i) => i.assignment)?.id}`);
        for (const tab of [/^Tasks/, /^Investigation/, /^Similar/, /^Outcome/]) {
          await page.getByRole("tab", { name: tab }).click();
          await keeps(page, String(tab), { enhanced: true });
        }
        await page.keyboard.press("a");
        await page.getByRole("dialog").getByText("suggested").waitFor();
        await keeps(page, "assign", { enhanced: true });
        await page.keyboard.press("Escape");
        await page.keyboard.press("e");
        await page.getByRole("dialog").waitFor();
        await keeps(page, "close", { enhanced: true });
        await page.keyboard.press("Escape");
        for (const what of ["Hold…", "Export…"]) {
          await page.getByRole("button", { name: what }).first().click();
          await page.getByRole("dialog").waitFor();
          await keeps(page, what);
          await page.keyboard.press("Escape");
        }
      });
    });

    it("cameras, footage and custody", async () => {
      mock.open({ age: 900 });
      await withPage(async (page) => {
        await page.goto("/recall");
        await page.getByText(/of this time is there/).waitFor();
        await keeps(page, "recall");
        await page.goto("/custody");
        await page.getByText("signs now").waitFor();
        await keeps(page, "custody");
        loseCamera(mock);
        coverCamera(mock);
        breakConfig(mock);
        await page.goto("/cameras");
        // The troubled one is on top; what is below the fold is not fetched.
        await page.getByAltText("Latest picture of lobby").waitFor();
        await page.getByText("The configuration file was rejected").click();
        await keeps(page, "cameras");
        await page.goto("/cameras/gate");
        await page.getByRole("heading", { name: "Health" }).waitFor();
        await keeps(page, "camera");
      });
    });

    it("people and figures", async () => {
      judgeMonth(mock);
      await withPage(async (page) => {
        for (const path of ["/people", "/account", "/notifications"]) {
          await page.goto(path);
          await page.getByRole("heading", { level: 1 }).waitFor();
          await keeps(page, path);
        }
        await page.goto("/precision");
        await page.getByRole("table").waitFor();
        await keeps(page, "precision");
      });
    });
  });
}
