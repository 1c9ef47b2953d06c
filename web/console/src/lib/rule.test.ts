import { describe, expect, it } from "vitest";
import type { Rule } from "../api/types";
import { healthKinds, kinds, kindWord, lastingText, ruleKinds, startWord, troubleWord } from "./kinds";
import { ruleBrief, ruleText, scheduleText } from "./rule";

const rule = (kind: Rule["kind"], o: Partial<Rule> = {}): Rule => ({ kind, severity: "high", ...o });
const s = 1e9;
const hour = 3600 * s;

describe("a rule as a sentence", () => {
  const cases: { rule: Rule; want: string }[] = [
    {
      rule: rule("loitering", { dwell_ns: 10 * s, grace_ns: 3 * s, labels: ["person", "dog"] }),
      want: "Person or dog that stays in door for 10 s, out of it for at most 3 s at a time.",
    },
    { rule: rule("loitering", { dwell_ns: 90 * s }), want: "Anything that stays in door for 1 min 30 s." },
    {
      rule: rule("loitering", { dwell_ns: 10 * s, max_radius: 0.15 }),
      want: "Anything that stays in door for 10 s within 15 % of the picture's height of one place.",
    },
    { rule: rule("motion"), want: "Anything that moves in door." },
    { rule: rule("intrusion", { labels: ["person"] }), want: "Person that enters door." },
    { rule: rule("intrusion", { dwell_ns: 2 * s }), want: "Anything that enters door and stays for 2 s." },
    {
      rule: rule("returning", { visits: 3, window_ns: hour, labels: ["person"] }),
      want: "The same person, told by looks, on 3 visits to door within 1 h.",
    },
    { rule: rule("line", { labels: ["person"], direction: "to_left" }), want: "Person that crosses the line in door from its right to its left." },
    { rule: rule("line"), want: "Anything that crosses the line in door." },
    { rule: rule("crowd", { count: 5, for_ns: 10 * s, labels: ["person"] }), want: "More than 5 at once in door (person), for 10 s." },
    { rule: rule("left_object", { for_ns: 60 * s }), want: "Something that was put down in door and left there, for 1 min." },
    { rule: rule("removed_object", { for_ns: 60 * s }), want: "Something that stood in door and is gone, for 1 min." },
    { rule: rule("covered", { for_ns: 5 * s }), want: "Something hides most of the view, for 5 s." },
    {
      rule: rule("motion", { min_score: 0.5, min_size: 0.002, cool_down_ns: 300 * s }),
      want: "Anything that moves in door. Scored 50 % or more. At least 0.2 % of the picture in size. After an alarm silent for 5 min.",
    },
    {
      rule: rule("intrusion", { schedule: [{ days: [1, 2, 3, 4, 5], from_ns: 22 * hour, to_ns: 6 * hour, time_zone: "Europe/Vienna" }] }),
      want: "Anything that enters door. Only Mon–Fri 22:00–06:00 (Europe/Vienna).",
    },
  ];
  for (const c of cases) it(c.want, () => expect(ruleText(c.rule, "door")).toBe(c.want));

  it("every kind has one, also without a zone", () => {
    for (const kind of [...ruleKinds, ...healthKinds]) {
      const text = ruleText(rule(kind, { for_ns: 5 * s }), "");
      expect(text).toMatch(/^[A-Z].*\.$/);
      expect(text).not.toMatch(/undefined|NaN|  /);
    }
  });

  it("a kind that this console does not know is still told", () =>
    expect(ruleText(rule("running" as Rule["kind"], { dwell_ns: 2 * s }), "door")).toBe("Running in door for 2 s."));
});

describe("a schedule", () => {
  const text = (days: number[] | undefined, from = 0, to = 0, time_zone = "UTC") =>
    scheduleText({ days, from_ns: from * hour, to_ns: to * hour, time_zone });
  it("the weekend runs on", () => expect(text([0, 5, 6])).toBe("Fri–Sun (UTC)"));
  it("days apart are listed", () => expect(text([6, 1], 8.5, 17)).toBe("Mon, Sat 08:30–17:00 (UTC)"));
  it("every day is not said", () => expect(text([0, 1, 2, 3, 4, 5, 6], 22, 6)).toBe("22:00–06:00 (UTC)"));
  it("always is said", () => expect(text(undefined, 0, 0, "")).toBe("all day"));
  it("until midnight is 24:00", () => expect(text([0], 20, 24)).toBe("Sun 20:00–24:00 (UTC)"));
});

describe("kinds in words", () => {
  it("each has a title of its own", () => expect(new Set(kinds.map(kindWord)).size).toBe(kinds.length));
  it("beside its camera a trouble does not say camera again", () =>
    expect(healthKinds.map(troubleWord)).toEqual(["No pictures", "Frozen", "Covered", "Out of focus", "Moved", "Blank", "Clock off"]));
  it("people are there, things are gone, trouble lasts", () => {
    expect(lastingText("loitering", true, "0:12")).toBe("there for 0:12");
    expect(lastingText("loitering", false, "12.3 s")).toBe("there 12.3 s");
    expect(lastingText("removed_object", true, "0:12")).toBe("gone for 0:12");
    expect(lastingText("covered", true, "0:12")).toBe("for 0:12 so far");
    expect(lastingText("crowd", false, "12.3 s")).toBe("lasted 12.3 s");
    expect(startWord("covered")).toBe("Began");
    expect(startWord("loitering")).toBe("Arrival");
  });
});

it("a rule in a list", () => {
  expect(ruleBrief(rule("loitering", { dwell_ns: 10 * s, labels: ["person"] }))).toBe("Loitering for 10 s, person");
  expect(ruleBrief(rule("crowd", { count: 5, for_ns: 10 * s }))).toBe("Crowd more than 5 for 10 s");
  expect(ruleBrief(rule("returning", { visits: 3, window_ns: hour }))).toBe("Returning 3 visits within 1 h");
});
