import { describe, expect, it } from "vitest";
import { boxOf, covered, firstOf, longest, movements, pan, parseRecall, recallPath, settled, shortest, stateAt, ticks, toInput, zoom } from "./recall";

const t0 = Date.UTC(2026, 10, 22, 12);
const s = 1000;
const at = (seconds: number) => new Date(t0 + seconds * s).toISOString();

describe("the line of time", () => {
  it("zooms around what is under the pointer", () => {
    const r = zoom({ from: t0, to: t0 + 3600 * s }, t0 + 900 * s, 0.5);
    expect(r).toEqual({ from: t0 + 450 * s, to: t0 + 2250 * s });
    expect(zoom(r, r.from, 1e-9).to - r.from).toBe(shortest);
    expect(zoom(r, r.from, 1e9).to - r.from).toBe(longest);
  });
  it("moves by a share", () => expect(pan({ from: 0, to: 100 }, -0.25)).toEqual({ from: -25, to: 75 }));
  it("has few ticks, at round times, within what is shown", () => {
    for (const size of [120, 600, 3600, 86_400, 7 * 86_400, 31 * 86_400]) {
      const r = { from: t0 + 7 * s, to: t0 + (7 + size) * s };
      const list = ticks(r, 8);
      expect(list.length).toBeLessThanOrEqual(9);
      expect(list.length).toBeGreaterThan(1);
      for (const t of list) {
        expect(t.at).toBeGreaterThanOrEqual(r.from);
        expect(t.at).toBeLessThanOrEqual(r.to);
        expect(t.at % (10 * s)).toBe(0);
      }
    }
  });
});

describe("a clip that is fetched in parts", () => {
  const asked = { from: t0, to: t0 + 600 * s };
  it("stays as long as it was asked for once all of it is there", () => {
    expect(settled(asked, { from: t0 - 2 * s, to: t0 + 600 * s }, t0 + 601 * s)).toBe(asked.to);
    expect(settled(asked, { from: t0, to: t0 + 300 * s }, t0 + 600 * s), "a gap at its end").toBe(asked.to);
  });
  it("ends before what is still being written", () => {
    expect(settled(asked, { from: t0, to: t0 + 300 * s }, t0 + 301 * s)).toBe(t0 + 299 * s);
    expect(settled(asked, { from: t0, to: t0 + 500 }, t0 + s), "and is not empty").toBe(t0 + 500);
  });
});

describe("coverage", () => {
  const c = { have: [{ from: at(0), to: at(60) }, { from: at(90), to: at(120) }], gaps: [{ from: at(60), to: at(90), cause: "disk" as const }] };
  it("is the share that is there, of what has happened", () => {
    expect(covered(c, { from: t0, to: t0 + 120 * s }, t0 + 999 * s)).toBeCloseTo(0.75);
    expect(covered(c, { from: t0, to: t0 + 240 * s }, t0 + 120 * s)).toBeCloseTo(0.75);
    expect(covered(c, { from: t0 + 60 * s, to: t0 + 90 * s }, t0 + 999 * s)).toBe(0);
    expect(covered(c, { from: t0 + 500 * s, to: t0 + 600 * s }, t0)).toBe(0);
  });
  it("begins where there is footage", () => {
    expect(firstOf(c, { from: t0 - 3600 * s, to: t0 + 120 * s })).toBe(t0);
    expect(firstOf(c, { from: t0 + 30 * s, to: t0 + 120 * s })).toBe(t0 + 30 * s);
    expect(firstOf(c, { from: t0 + 70 * s, to: t0 + 120 * s })).toBe(t0 + 90 * s);
    expect(firstOf(c, { from: t0 + 500 * s, to: t0 + 600 * s })).toBe(t0 + 500 * s);
  });
  it("says why an instant lacks", () => {
    expect(stateAt(c, t0 + 30 * s)).toEqual({ has: true });
    expect(stateAt(c, t0 + 75 * s).gap?.cause).toBe("disk");
    expect(stateAt(c, t0 + 500 * s)).toEqual({ has: false });
  });
});

it("joins movements that follow each other", () => {
  const found = [
    { from: at(0), to: at(10), strength: 0.2 },
    { from: at(10), to: at(20), strength: 0.9 },
    { from: at(40), to: at(50), strength: 0.1 },
    { from: at(120), to: at(130), strength: 0.5 },
  ];
  expect(movements(found)).toEqual([
    { from: t0, to: t0 + 50 * s, strength: 0.9 },
    { from: t0 + 120 * s, to: t0 + 130 * s, strength: 0.5 },
  ]);
});

it("makes a box of any two corners, inside the picture", () => {
  expect(boxOf({ x: 0.5, y: 0.75 }, { x: -1, y: 0.25 })).toEqual({ x: 0, y: 0.25, w: 0.5, h: 0.5 });
});

describe("the address", () => {
  it("holds the whole choice", () => {
    const choice = { camera: "gate", shown: { from: t0, to: t0 + 3600 * s }, clip: { from: t0 + 60 * s, to: t0 + 120 * s }, region: { x: 0.25, y: 0.5, w: 0.25, h: 0.125 } };
    expect(parseRecall(recallPath(choice).replace("/recall", ""), 0)).toEqual(choice);
  });
  it("shows the last hour where it says nothing, or nonsense", () => {
    const hour = { from: t0 - 3600 * s, to: t0 };
    for (const q of ["", "?from=x&to=y", `?from=${at(9)}&to=${at(8)}`, "?begin=1&end=0&region=1,2,x"]) {
      expect(parseRecall(q, t0)).toEqual({ camera: "", shown: hour });
    }
  });
  it("speaks to inputs in local time", () => expect(Date.parse(toInput(t0 + 7 * s))).toBe(t0 + 7 * s));
});
