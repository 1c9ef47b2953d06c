import { describe, expect, it } from "vitest";
import { hoursNote, nanosOf, newShift, onDay, timeOf, toggleDay, week } from "./shift";

const hour = 3600e9;

describe("hours", () => {
  for (const [time, ns] of [["00:00", 0], ["06:30", 6.5 * hour], ["23:59", 24 * hour - 60e9]] as const) {
    it(`${time} is the same both ways`, () => {
      expect(nanosOf(time)).toBe(ns);
      expect(timeOf(ns)).toBe(time);
    });
  }
  it("that a browser gives with seconds are read to the minute", () => expect(nanosOf("22:00:30")).toBe(22 * hour));
  it("that are none are midnight", () => expect(nanosOf("")).toBe(0));
  it("say when they are of the next day, and when they are all of it", () => {
    expect(hoursNote(newShift("UTC"))).toBe("until the next day");
    expect(hoursNote({ ...newShift("UTC"), from_ns: 8 * hour, to_ns: 16 * hour })).toBe("");
    expect(hoursNote({ ...newShift("UTC"), from_ns: 0, to_ns: 0 })).toBe("the whole day");
  });
});

describe("days", () => {
  const every = newShift("Europe/Vienna");
  it("are all where none is named", () => expect(week.every((w) => onDay(every, w.day))).toBe(true));
  it("are all but the one that is taken away", () => {
    const s = toggleDay(every, 0);
    expect(s.days).toEqual([1, 2, 3, 4, 5, 6]);
    expect(onDay(s, 0)).toBe(false);
  });
  it("are all again, and none is named, when the last one is back", () => expect(toggleDay(toggleDay(every, 0), 0).days).toEqual([]));
  it("cannot be none: with the last one gone they are all", () => {
    const monday = { ...every, days: [1] };
    expect(toggleDay(monday, 1).days).toEqual([]);
  });
});
