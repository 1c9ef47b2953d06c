import { expect, it } from "vitest";
import { nuisances, nuisanceWord, verdictText } from "./judgement";

const said = { by: "weber", at: "2026-11-22T22:42:00Z" };

it("a verdict in words", () => {
  expect(verdictText({ ...said, verdict: "true" })).toBe("True alarm");
  expect(verdictText({ ...said, verdict: "nuisance", reason: "known_person" })).toBe("Nuisance, known person");
  expect(verdictText({ ...said, verdict: "nuisance" })).toBe("Nuisance");
});

it("there is a number key for every reason, in the order of models.Nuisances", () =>
  expect(nuisances.map((n) => n.reason)).toEqual(["rain", "headlight", "animal", "shadow", "insect", "reflection", "known_person", "other"]));

it("a reason that this console does not know is still shown", () => expect(nuisanceWord("spider_web")).toBe("spider web"));
