import { describe, expect, it } from "vitest";
import { keepStill, sight } from "./anchor";

const row = 84;
const viewport = 600;

/** Where a row stands on the screen. */
const y = (index: number, s: { top: number; lead: number }) => index * row + s.lead - s.top;

describe("a row keeps its place on the screen", () => {
  const cases = [
    { name: "an arrival above, at the top of the list", top: 0, lead: 0, from: 2, to: 3 },
    { name: "an arrival above the very first row", top: 0, lead: 0, from: 0, to: 1 },
    { name: "ten at once, in the middle of a long list", top: 4000, lead: 0, from: 50, to: 60 },
    { name: "one above leaves, scrolled down", top: 400, lead: 0, from: 6, to: 5 },
    { name: "one above leaves, nothing left to scroll back", top: 0, lead: 0, from: 2, to: 1 },
    { name: "two leave, half a row to scroll back", top: 42, lead: 0, from: 3, to: 1 },
    { name: "an arrival after one that left", top: 0, lead: 84, from: 1, to: 2 },
  ];
  for (const c of cases) {
    it(c.name, () => {
      const before = { top: c.top, lead: c.lead, floor: 0 };
      const after = keepStill(before, c.from, c.to, row, viewport);
      expect(y(c.to, after)).toBe(y(c.from, before));
      expect(after.top).toBeGreaterThanOrEqual(0);
      // The content reaches far enough for the browser to scroll there.
      expect(after.floor).toBeGreaterThanOrEqual(after.top + viewport);
    });
  }
});

describe("only rows in sight are drawn", () => {
  it("at the top", () => expect(sight({ top: 0, lead: 0 }, viewport, row, 10_000, 2)).toEqual([0, 10]));
  it("in the middle", () => expect(sight({ top: 84_000, lead: 0 }, viewport, row, 10_000, 2)).toEqual([998, 1010]));
  it("at the end", () => expect(sight({ top: 839_400, lead: 0 }, viewport, row, 10_000, 2)).toEqual([9990, 10_000]));
  it("of a short list all", () => expect(sight({ top: 0, lead: 168 }, viewport, row, 3, 2)).toEqual([0, 3]));
  it("of none nothing", () => expect(sight({ top: 0, lead: 0 }, viewport, row, 0)).toEqual([0, 0]));
});
