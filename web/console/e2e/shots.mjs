// node e2e/shots.mjs DIR: pictures of every page in both themes and both widths, to look at.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { desktop, launch, login, phone, visit } from "./browser.mjs";
import { Mock } from "./mock/server.mjs";
import { breakConfig, coverCamera, judgeMonth, loseCamera, tellStory } from "./mock/story.mjs";

const dir = process.argv[2];
if (!dir) {
  console.error("usage: node e2e/shots.mjs DIR [only]");
  process.exit(2);
}
const only = process.argv[3] ?? "";
mkdirSync(dir, { recursive: true });

const mock = await Mock.start();
const browser = await launch();
try {
  for (const theme of /** @type {const} */ (["dark", "light"])) {
    for (const [width, size] of /** @type {const} */ ([["desktop", desktop], ["phone", phone]])) {
      mock.incidents.clear();
      mock.status.config.errors = [];
      const { context, page } = await visit(browser, mock.url, { size, theme });
      /** @param {string} name */
      const shot = async (name) => {
        if (!name.includes(only)) return;
        await page.evaluate(() => document.fonts.ready);
        await page.waitForTimeout(700);
        await page.screenshot({ path: join(dir, `${name}-${theme}-${width}.png`) });
      };
      await page.goto("/");
      await page.getByLabel("Name").waitFor();
      await shot("login");
      mock.mustChange = true;
      await login(page, mock.user, mock.password);
      await page.getByRole("heading", { name: "Choose your password" }).waitFor();
      await shot("password");
      mock.mustChange = false;
      await page.goto("/");
      await page.getByText("All quiet").waitFor();
      await shot("quiet");
      tellStory(mock);
      await page.goto("/");
      await page.locator("[data-id]").first().waitFor();
      await page.waitForTimeout(1500);
      await shot("queue");
      await page.keyboard.press("j");
      await page.keyboard.press("j");
      mock.open({ severity: "critical" });
      mock.open({ severity: "critical", scene: 1 });
      await page.waitForTimeout(600);
      await shot("queue-arrivals");
      await page.keyboard.press("e");
      await shot("close");
      await page.keyboard.press("Escape");
      await page.keyboard.press("n");
      await shot("nuisance");
      await page.keyboard.press("Escape");
      await page.keyboard.press("?");
      await shot("help");
      await page.keyboard.press("Escape");
      const all = [...mock.incidents.values()];
      const first = all[0];
      const gap = all.find((i) => i.footage.gaps);
      await page.goto(`/incidents/${first?.id}`);
      await page.waitForTimeout(2500);
      await shot("incident");
      await page.goto(`/incidents/${gap?.id}`);
      await page.waitForTimeout(1500);
      await page.getByRole("button", { name: "Still" }).click();
      await shot("incident-gap");
      for (const kind of /** @type {const} */ (["line", "covered"])) {
        await page.goto(`/incidents/${all.find((i) => i.kind === kind)?.id}`);
        await page.waitForTimeout(1500);
        await page.getByRole("button", { name: "Still" }).click();
        if (kind === "line") await page.getByRole("button", { name: "What moved at the alarm" }).click();
        await shot(`incident-${kind}`);
      }
      const high = all.find((i) => i.severity === "high" && i.kind === "loitering");
      await page.goto(`/incidents/${high?.id}`);
      await page.getByRole("heading", { name: "Why" }).scrollIntoViewIfNeeded();
      await page.evaluate(() => document.querySelector("aside")?.children[1]?.scrollIntoView());
      await page.waitForTimeout(1500);
      await shot("why");
      await page.goto("/?show=closed");
      await shot("closed");
      mock.status.config.errors = [];
      const before = structuredClone(mock.cameras);
      loseCamera(mock);
      coverCamera(mock);
      breakConfig(mock);
      await page.goto("/cameras");
      await page.waitForTimeout(2500);
      await shot("cameras");
      await page.goto(`/cameras/${mock.cameras[0]?.id}`);
      await page.waitForTimeout(1500);
      await shot("camera");
      mock.cameras = before;
      judgeMonth(mock);
      await page.goto("/precision");
      await page.getByRole("table").waitFor();
      await shot("precision");
      await page.goto("/");
      await page.locator("[data-id]").first().waitFor();
      mock.drop({ refuse: true });
      await page.waitForTimeout(1500);
      await shot("stale");
      mock.restore();
      await context.close();
    }
  }
} finally {
  await browser.close();
  await mock.stop();
}
