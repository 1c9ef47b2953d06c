import { describe, expect, it } from "vitest";
import type { PathPoint } from "../api/types";
import { boxAt, crossingArrow, lowest, middle, points, scoreAt, timeMarks } from "./geometry";
import { spread } from "./spread";

const base = Date.UTC(2026, 10, 22, 22, 41, 0);
const step = (seconds: number, x: number, seen = true): PathPoint => ({
  at: { media_ns: seconds * 1e9, wall: new Date(base + seconds * 1000).toISOString() },
  foot: { x: x + 0.05, y: 0.6 },
  box: { x, y: 0.4, w: 0.1, h: 0.2 },
  seen,
});
const path = [step(0, 0.1), step(1, 0.2), step(4, 0.5, false), step(5, 0.5)];

describe("the box at an instant", () => {
  it("at a point is the box there", () => expect(boxAt(path, base + 1000)?.box.x).toBeCloseTo(0.2));
  it("between two points moves evenly", () => expect(boxAt(path, base + 2500)?.box.x).toBeCloseTo(0.35));
  it("is a guess where the track was not seen", () => {
    expect(boxAt(path, base + 500)?.seen).toBe(true);
    expect(boxAt(path, base + 2500)?.seen).toBe(false);
  });
  it("begins and ends with the path", () => {
    expect(boxAt(path, base - 1)).toBeUndefined();
    expect(boxAt(path, base)?.box.x).toBeCloseTo(0.1);
    expect(boxAt(path, base + 5000)?.box.x).toBeCloseTo(0.5);
    expect(boxAt(path, base + 5001)).toBeUndefined();
  });
  it("of no path is none, of one point that point", () => {
    expect(boxAt([], base)).toBeUndefined();
    expect(boxAt([step(0, 0.3)], base)?.box.x).toBeCloseTo(0.3);
  });
  it("does not divide by nothing when two points share an instant", () =>
    expect(boxAt([step(0, 0.1), step(0, 0.3)], base)?.box.x).toBeCloseTo(0.1));
});

describe("outlines", () => {
  const polygon = [{ x: 0.4, y: 0.36 }, { x: 0.66, y: 0.36 }, { x: 0.66, y: 0.56 }, { x: 0.4, y: 0.56 }];
  it("are drawn in pixels of the picture", () => expect(points(polygon.slice(0, 2), 768, 576)).toBe("307.2,207.4 506.9,207.4"));
  it("are named at their lowest corner, the left one of two", () => expect(lowest(polygon)).toEqual({ x: 0.4, y: 0.56 }));
});

it("the middle of a zone is inside it", () => {
  const at = middle([{ x: 0.4, y: 0.36 }, { x: 0.66, y: 0.36 }, { x: 0.66, y: 0.56 }, { x: 0.4, y: 0.56 }]);
  expect(at.x).toBeCloseTo(0.53);
  expect(at.y).toBeCloseTo(0.46);
});

describe("labels under a line", () => {
  it("stay where they belong when there is room", () => expect(spread([100, 300, 500], 80, [0, 600])).toEqual([100, 300, 500]));
  it("make room for each other", () => {
    const got = spread([290, 300, 310], 80, [0, 600]);
    expect(got[1]! - got[0]!).toBeGreaterThanOrEqual(80);
    expect(got[2]! - got[1]!).toBeGreaterThanOrEqual(80);
  });
  it("do not leave the line", () => {
    expect(spread([5], 80, [0, 600])).toEqual([40]);
    expect(spread([520, 599], 80, [0, 600])).toEqual([480, 560]);
  });
});

describe("time along a path", () => {
  it("is written in round steps from its beginning", () => {
    const walk = Array.from({ length: 21 }, (_, i) => step(i, i * 0.04));
    expect(timeMarks(walk).map((m) => m.text)).toEqual(["+0 s", "+5 s", "+10 s", "+15 s", "+20 s"]);
    expect(timeMarks(walk)[1]?.at.x).toBeCloseTo(5 * 0.04 + 0.05);
  });
  it("between two points is where the track was then", () => expect(timeMarks([step(0, 0), step(4, 0.8)]).map((m) => m.at.x)).toEqual([0, 1, 2, 3, 4].map((i) => expect.closeTo(i * 0.2 + 0.05))));
  it("of somebody who stands still is written once", () => expect(timeMarks([step(0, 0.3), step(60, 0.3)])).toHaveLength(1));
  it("of minutes is in minutes", () => expect(timeMarks([step(0, 0), step(200, 0.9)]).map((m) => m.text)).toEqual(["+0 s", "+1:00", "+2:00", "+3:00"]));
  it("of no path, or of one point, is none", () => {
    expect(timeMarks([])).toEqual([]);
    expect(timeMarks([step(0, 0.3)])).toEqual([]);
  });
  it("of days still ends", () => expect(timeMarks([step(0, 0), step(500_000, 0.9)]).length).toBeLessThanOrEqual(8));
});

describe("the score at an instant", () => {
  const scored = [{ ...step(0, 0.1), score: 0.4 }, step(1, 0.2), { ...step(2, 0.3), score: 0.9 }];
  it("is that of the nearest look", () => {
    expect(scoreAt(scored, base + 300)).toBe(0.4);
    expect(scoreAt(scored, base + 1700)).toBe(0.9);
  });
  it("is not known far from any", () => expect(scoreAt(scored, base + 1000)).toBe(0));
});

describe("the way over a line", () => {
  /** The line runs to the right through the middle of a picture of 200 × 100. */
  const line = [{ x: 0.25, y: 0.5 }, { x: 0.75, y: 0.5 }];
  it("to the left of somebody who walks to the right is up", () => expect(crossingArrow(line, "to_left", 200, 100, 10)).toMatch(/^M100 60L100 40M/));
  it("to the left its head is above, to the right below", () => {
    expect(crossingArrow(line, "to_left", 200, 100, 10)).toContain("L100 40L");
    expect(crossingArrow(line, "to_right", 200, 100, 10)).toContain("L100 60L");
  });
  it("both ways it has two heads", () => expect(crossingArrow(line, "any", 200, 100, 10).match(/M/g)).toHaveLength(3));
  it("stands at the middle of a line of several parts", () =>
    expect(crossingArrow([{ x: 0, y: 0 }, { x: 0.1, y: 0 }, { x: 0.5, y: 0 }], "any", 200, 100, 10)).toMatch(/^M50 10L50 -10/));
  it("over no line is none", () => {
    expect(crossingArrow([], "any", 200, 100, 10)).toBe("");
    expect(crossingArrow([{ x: 0.5, y: 0.5 }, { x: 0.5, y: 0.5 }], "any", 200, 100, 10)).toBe("");
  });
});
