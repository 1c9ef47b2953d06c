import { describe, expect, it } from "vitest";
import type { Deadline } from "../api/types";
import { countdownOf, countdownText, due, next } from "./deadline";
import { alarm } from "./fixture";
import { byUrgency } from "./order";

const noon = Date.UTC(2026, 10, 22, 12);
const minute = 60_000;

/** A promise that is due so many minutes after noon. */
const promise = (p: Deadline["promise"], minutes: number, o: Partial<Deadline> = {}): Deadline => ({
  promise: p, within_ns: 10 * minute * 1e6, due: new Date(noon + minutes * minute).toISOString(), ...o,
});

describe("a countdown", () => {
  const cases: { name: string; given: Deadline; warn?: number; standing: string; text: string }[] = [
    { name: "runs", given: promise("respond", 9), standing: "running", text: "9:00 to respond" },
    { name: "is near in its last fifth", given: promise("respond", 2), standing: "near", text: "2:00 to respond" },
    { name: "is near when the policy says so", given: promise("acknowledge", 4), warn: 5 * minute, standing: "near", text: "4:00 to claim" },
    { name: "is late", given: promise("resolve", -3), standing: "late", text: "resolve late 3:00" },
    {
      name: "stands while something is waited for",
      given: promise("resolve", 0, { due: undefined, paused: "police", left_ns: 90e9 }),
      standing: "paused", text: "1:30 to resolve, clock stands",
    },
    { name: "was kept", given: promise("respond", -3, { met: new Date(noon).toISOString() }), standing: "kept", text: "kept" },
    { name: "was kept late", given: promise("respond", -3, { met: new Date(noon).toISOString(), missed: true }), standing: "kept late", text: "kept late" },
  ];
  for (const c of cases) {
    it(c.name, () => {
      const found = countdownOf(c.given, noon, c.warn);
      expect([found.standing, countdownText(found)]).toEqual([c.standing, c.text]);
    });
  }
});

describe("the next promise", () => {
  const kept = promise("acknowledge", 1, { met: new Date(noon).toISOString() });
  it("is the one that is due first, of those that are open", () => {
    const i = alarm("a", "high", 0, { deadlines: [kept, promise("respond", 5), promise("resolve", 3)] });
    expect(next(i, noon)?.promise).toBe("resolve");
    expect(due(i)).toBe(noon + 3 * minute);
  });
  it("with a clock that stands is due last", () => {
    const standing = promise("resolve", 0, { due: undefined, paused: "police", left_ns: 1e9 });
    const i = alarm("a", "high", 0, { deadlines: [kept, standing] });
    expect(next(i, noon)?.standing).toBe("paused");
    expect(due(i)).toBe(Infinity);
  });
  it("of a closed incident is none", () => {
    const i = alarm("a", "high", 0, { state: "closed", deadlines: [promise("resolve", 3)] });
    expect(next(i, noon)).toBeUndefined();
  });
});

describe("the queue", () => {
  it("stands by severity, then time left, then age", () => {
    const rows = [
      alarm("old", "high", 1),
      alarm("standing", "high", 0, { deadlines: [promise("resolve", 0, { due: undefined, paused: "police" })] }),
      alarm("soon", "high", 9, { deadlines: [promise("respond", 2)] }),
      alarm("late", "high", 8, { deadlines: [promise("respond", -2)] }),
      alarm("low", "low", 0, { deadlines: [promise("respond", -50)] }),
      alarm("worst", "critical", 9),
    ];
    expect(rows.sort(byUrgency).map((i) => i.id).join(" ")).toBe("worst late soon standing old low");
  });
});
