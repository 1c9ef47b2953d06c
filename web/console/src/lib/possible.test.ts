import { describe, expect, it } from "vitest";
import type { Incident, Policy, Right } from "../api/types";
import { incident, loiterer } from "./fixture";
import { possible } from "./possible";
import { missing } from "./required";

const all = () => true;
const only = (...rights: Right[]) => (r: Right) => rights.includes(r);
const at = "2026-11-22T22:50:00Z";
const had: Partial<Incident> = { state: "acknowledged", assignment: { officer: "weber" } };

describe("the obvious next step", () => {
  const cases: { name: string; given: Partial<Incident>; may?: (r: Right) => boolean; main: string | undefined }[] = [
    { name: "of a new one is to claim it", given: {}, main: "claim" },
    { name: "of a claimed one is to respond", given: had, main: "respond" },
    { name: "after the response is to resolve it", given: { ...had, course: { responded: at } }, main: "resolve" },
    { name: "of one that waits is to go on", given: { ...had, waiting: { for: "police", by: "weber", since: at } }, main: "resume" },
    { name: "of a resolved one is to close it", given: { state: "resolved", assignment: { officer: "weber" } }, main: "close" },
    { name: "of a nuisance is to close it", given: { ...had, judgement: { verdict: "nuisance", reason: "rain", by: "weber", at } }, main: "close" },
    { name: "of a closed one is its review", given: { state: "closed" }, main: "review" },
    { name: "of a reviewed one is nothing", given: { state: "closed", review: { happened: "x", unfolded: "x", signs: "", by: "weber", at } }, main: undefined },
    { name: "for who may only look is nothing", given: {}, may: only("view", "footage"), main: undefined },
    { name: "of a claimed one that its officer cannot resolve is to hand it over", given: { ...had, course: { responded: at } }, may: only("work"), main: "handOver" },
  ];
  for (const c of cases) it(c.name, () => expect(possible(incident(c.given), "weber", c.may ?? all).main).toBe(c.main));
});

describe("what is offered", () => {
  it("is nothing that the person may not do", () => {
    expect(possible(incident(had), "weber", only("view", "work")).rest).toEqual(["handOver", "escalate", "release", "wait"]);
    expect(possible(incident(had), "weber", only("view", "audit"))).toEqual({ main: undefined, rest: [] });
  });
  it("is a split of what holds several events, once detection is over", () => {
    const two = [loiterer(), loiterer({ id: 2 })];
    const end = "2026-11-22T22:42:00Z";
    const offered = (o: Partial<Incident>, may = all as (r: Right) => boolean) => possible(incident({ ...had, ...o }), "weber", may).rest.includes("split");
    expect(offered({ events: two, end })).toBe(true);
    expect(offered({ events: two })).toBe(false);
    expect(offered({ events: two.slice(1), end })).toBe(false);
    expect(offered({ events: two, end, state: "closed" })).toBe(false);
    expect(offered({ events: two, end }, only("view", "work"))).toBe(false);
  });
  it("is to part what was merged into another", () => {
    const merged = incident({ state: "closed", linked: { into: "x" } });
    expect(possible(merged, "weber", all).rest).toContain("unmerge");
    expect(possible(merged, "weber", only("view", "work", "close")).rest).not.toContain("unmerge");
    expect(possible(incident({ state: "closed" }), "weber", all).rest).not.toContain("unmerge");
  });
  it("is no claim of what somebody has", () => expect(possible(incident(had), "lindt", all).rest).not.toContain("claim"));
  it("is no reopening of what was merged into another", () =>
    expect(possible(incident({ state: "closed", linked: { into: "x" } }), "weber", all).rest).not.toContain("reopen"));
});

describe("what a type asks for", () => {
  const policy: Policy = {
    sites: [], matrix: [], levels: {}, outcomes: [], waits: [],
    types: [{ id: "theft", name: "Theft", required: ["description", "outcome", "tasks", "loss"] }],
  };
  const theft = (o: Partial<Incident>) => incident({ triage: { type: "theft" }, ...o });
  it("is listed in words", () => {
    const tasks = [{ id: "theft-1", stage: "assess" as const, text: "Look" }];
    expect(missing(theft({ investigation: { tasks } }), policy)).toEqual(["a description", "every task ticked off or skipped", "an outcome", "the cost or loss, which may be 0"]);
  });
  it("is nothing more when it is there", () => {
    const resolution = { outcome: "recovered", loss: { amount: 0, currency: "EUR" }, by: "weber", at };
    const tasks = [{ id: "a", stage: "assess" as const, text: "Look", done: at }, { id: "b", stage: "assess" as const, text: "Call", skipped: "nobody there" }];
    expect(missing(theft({ description: "A bicycle", resolution, investigation: { tasks } }), policy)).toEqual([]);
  });
  it("is nothing of a nuisance", () => expect(missing(theft({ judgement: { verdict: "nuisance", reason: "rain", by: "weber", at } }), policy)).toEqual([]));
});
