import { describe, expect, it } from "vitest";
import type { Event } from "../api/types";
import { alarmIndex, before, factCurve, nearest, scale, scoreCurve } from "./curve";
import { instant, loiterer } from "./fixture";

const sample = (seconds: number, value: number) => ({ at: instant(seconds), value });
const dwell = (...values: number[]): Event => loiterer({ curve: values.map((v, i) => sample(i, v)) });

describe("the curve of the first fact", () => {
  it("has its name, unit and limit, and the alarm", () => {
    const c = factCurve(dwell(0, 4, 8, 12))!;
    expect(c).toMatchObject({ name: "dwell", unit: "s", threshold: 10, alarm: 10_000 });
    expect(c.points.map((p) => p.value)).toEqual([0, 4, 8, 12]);
    expect(c.points[3]!.wall - c.points[0]!.wall).toBe(3000);
  });
  it("is in the order of media time", () =>
    expect(factCurve(loiterer({ curve: [sample(2, 2), sample(0, 0), sample(1, 1)] }))!.points.map((p) => p.value)).toEqual([0, 1, 2]));
  it("is absent in records from before there were curves", () => {
    expect(factCurve(loiterer({}))).toBeUndefined();
    expect(factCurve(loiterer({ curve: [] }))).toBeUndefined();
  });
  it("of one point, or of one instant, is none", () => {
    expect(factCurve(dwell(4))).toBeUndefined();
    expect(factCurve(loiterer({ curve: [sample(3, 1), sample(3, 2)] }))).toBeUndefined();
  });
  it("leaves out what cannot be drawn", () =>
    expect(factCurve(loiterer({ curve: [sample(0, 0), sample(1, Number.NaN), sample(2, 2)] }))!.points.length).toBe(2));
  it("stands without a fact", () => expect(factCurve(loiterer({ why: [], curve: [sample(0, 1), sample(1, 2)] }))).toMatchObject({ name: "observed", threshold: 0 }));
});

describe("scores", () => {
  const step = (t: number, score?: number) => ({
    at: instant(t), foot: { x: 0.5, y: 0.5 }, box: { x: 0.4, y: 0.3, w: 0.1, h: 0.2 }, seen: true, ...(score === undefined ? {} : { score }),
  });
  it("are those of the instants at which the detector looked", () => {
    const c = scoreCurve(loiterer({ path: [step(0, 0.5), step(1), step(2, 0), step(3, 0.8)] }))!;
    expect(c.points.map((p) => p.value)).toEqual([0.5, 0.8]);
    expect(scale(c).top).toBe(1);
  });
  it("of motion alone are none", () => expect(scoreCurve(loiterer({ path: [step(0), step(1), step(2)] }))).toBeUndefined());
});

describe("the scale", () => {
  it("holds zero, every point and the limit", () => {
    const c = factCurve(dwell(0, 2, 4))!;
    const s = scale(c);
    expect(s.x(c.points[0]!.t)).toBe(0);
    expect(s.x(c.points[2]!.t)).toBe(1);
    expect(s.y(0)).toBe(1);
    expect(s.y(10)).toBeGreaterThan(0);
    expect(s.y(10)).toBeLessThan(s.y(4));
  });
  it("does not divide by nothing", () => {
    const s = scale({ name: "x", unit: "s", threshold: 0, alarm: 0, points: [{ t: 0, wall: 0, value: 0 }, { t: 1, wall: 1, value: 0 }] });
    expect(s.y(0)).toBe(1);
  });
  it("holds what is below zero", () => {
    const s = scale({ name: "x", unit: "dB", threshold: 0, alarm: 0, points: [{ t: 0, wall: 0, value: -4 }, { t: 1, wall: 1, value: 6 }] });
    expect(s.y(-4)).toBe(1);
    expect(s.y(6)).toBeLessThan(s.y(0));
    expect(s.y(6)).toBeGreaterThanOrEqual(0);
  });
});

it("the alarm is read where it was enough, not just before", () => {
  const at = (alarm: number) => alarmIndex({ ...factCurve(dwell(0, 4, 8, 12))!, alarm });
  expect(at(1900)).toBe(2);
  expect(at(2000)).toBe(2);
  expect(at(2600)).toBe(3);
  // Scores are far apart: one from long before or after is not that of the alarm.
  expect(at(2400)).toBe(2);
  expect(at(3600)).toBe(-1);
  expect(at(-600)).toBe(-1);
});

it("a point is found by its time", () => {
  const points = factCurve(dwell(0, 4, 8, 12))!.points;
  expect(nearest(points, 1400)).toBe(1);
  expect(nearest(points, 99_999)).toBe(3);
  expect(before(points, points[0]!.wall + 2900)).toBe(2);
  expect(before(points, points[0]!.wall - 1)).toBe(-1);
  expect(before(points, points[3]!.wall + 1)).toBe(-1);
});
