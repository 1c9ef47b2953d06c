// Runs after the build: puts back dist/.keep, which Vite's clean-up removes and which
// `go build` needs in a tree where nobody has built the console, and holds the bundle
// to its budget.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const budget = 300_000; // bytes on the wire: gzip for text, fonts as they are

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
writeFileSync(join(dist, ".keep"), "");

let total = 0;
for (const name of /** @type {string[]} */ (readdirSync(dist, { recursive: true })).sort()) {
  const path = join(dist, name);
  if (!statSync(path).isFile() || name === ".keep") continue;
  const bytes = readFileSync(path);
  const wire = name.endsWith(".woff2") ? bytes.length : gzipSync(bytes).length;
  total += wire;
  console.log(`${(wire / 1000).toFixed(1).padStart(8)} kB  ${name}`);
}
console.log(`${(total / 1000).toFixed(1).padStart(8)} kB  in all, of ${budget / 1000} kB`);
if (total > budget) {
  console.error("the bundle is over its budget");
  process.exit(1);
}
