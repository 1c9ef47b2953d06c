// node e2e/run.mjs [FILE …]: the browser tests, or those named, side by side as far as the
// machine has processors, with the footage of the mock made once for all of them.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serialize } from "node:v8";
import { makeScenes } from "./mock/footage.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const named = process.argv.slice(2);
const files = named.length > 0 ? named : readdirSync(here).filter((f) => f.endsWith(".test.mjs")).map((f) => join(here, f));
const dir = mkdtempSync(join(tmpdir(), "vedette-e2e-"));
try {
  const scenes = join(dir, "scenes");
  writeFileSync(scenes, serialize(await makeScenes(dir)));
  const tests = spawn(process.execPath, ["--test", "--test-reporter=spec", `--test-concurrency=${Math.min(4, availableParallelism())}`, ...files], {
    stdio: "inherit", env: { ...process.env, VEDETTE_SCENES: scenes },
  });
  // An interrupt from the terminal reaches the tests too; the folder goes when they have ended.
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.on(signal, () => tests.kill(signal));
  process.exitCode = await new Promise((ended, failed) => {
    tests.on("error", failed);
    tests.on("exit", (code) => ended(code ?? 1));
  });
} finally {
  rmSync(dir, { recursive: true, force: true });
}
