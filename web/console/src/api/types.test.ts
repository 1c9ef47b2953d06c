import { readFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";
import { expect, it } from "vitest";

it("schema.ts is generated from the server's document as it is now (npm run schema)", async () => {
  const document = new URL("../../../openapi.json", import.meta.url);
  const fresh = astToString(await openapiTS(JSON.parse(readFileSync(document, "utf8"))));
  const kept = readFileSync(new URL("./schema.ts", import.meta.url), "utf8");
  // The command puts a comment on top.
  expect(kept.endsWith(fresh.trimStart())).toBe(true);
});
