import type { Schedule } from "../api/types";

// The shift of somebody who works here, as a form has it: days, and hours by the wall clock of a place.

/** The days of a week as people begin it; Sunday is 0 to the server. */
export const week = [
  { day: 1, word: "Mon" }, { day: 2, word: "Tue" }, { day: 3, word: "Wed" }, { day: 4, word: "Thu" }, { day: 5, word: "Fri" },
  { day: 6, word: "Sat" }, { day: 0, word: "Sun" },
] as const;

const minute = 60e9;
const day = 24 * 60 * minute;

/** 22:00 of nanoseconds since midnight, as an input of time has it. */
export function timeOf(ns: number): string {
  const m = Math.floor((((ns % day) + day) % day) / minute);
  return `${String(Math.floor(m / 60)).padStart(2, "0")}:${String(m % 60).padStart(2, "0")}`;
}

/** Nanoseconds since midnight of 22:00; 0 of what is no time. */
export function nanosOf(time: string): number {
  const [, h = "0", m = "0"] = /^(\d\d):(\d\d)/.exec(time) ?? [];
  return (Number(h) * 60 + Number(m)) * minute;
}

/** A night shift of every day at a place: what most officers have. */
export const newShift = (place: string): Schedule => ({ days: [], from_ns: 22 * 60 * minute, to_ns: 6 * 60 * minute, time_zone: place });

/** The shift with one day more, or less. No day named is every day. */
export function toggleDay(s: Schedule, d: number): Schedule {
  const had = s.days?.length ? s.days : week.map((w) => w.day as number);
  const days = had.includes(d) ? had.filter((x) => x !== d) : [...had, d];
  return { ...s, days: days.length === week.length ? [] : days };
}

export const onDay = (s: Schedule, d: number) => !s.days?.length || s.days.includes(d);

/** What the hours come to: until the next day, or the whole of it. */
export function hoursNote(s: Schedule): string {
  if (s.from_ns === s.to_ns) return "the whole day";
  return s.to_ns < s.from_ns ? "until the next day" : "";
}
