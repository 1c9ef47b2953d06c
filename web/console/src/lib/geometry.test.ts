import { describe, expect, it } from "vitest";
import type { PathPoint } from "../api/types";
import { boxAt, lowest, middle, points } from "./geometry";
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
