import type { Deadline, Incident } from "../api/types";
import { counting, fromNanos, parse } from "./time";

/** Where the clock of a promise stands. Late is over and not kept; near is about to be. */
export type Standing = "running" | "near" | "late" | "paused" | "kept" | "kept late";

export interface Countdown {
  promise: Deadline["promise"];
  standing: Standing;
  /** Milliseconds until it is due; negative when it is late. */
  left: number;
  /** Why the clock stands; empty when it runs. */
  paused: string;
}

/** How long before a deadline it counts as near, as a share of the whole, where no policy says. */
const nearShare = 0.2;

const steps: Record<string, string> = { acknowledge: "claim", respond: "respond", resolve: "resolve" };
/** What keeps the promise, as a verb. */
export const promiseWord = (promise: string) => steps[promise] ?? promise;

/** The clock of one promise at a time; warn is how long before it people are warned, milliseconds. */
export function countdownOf(d: Deadline, now: number, warn = 0): Countdown {
  const within = fromNanos(d.within_ns);
  const met = parse(d.met);
  const base = { promise: d.promise, paused: d.paused ?? "" };
  if (!Number.isNaN(met)) return { ...base, standing: d.missed ? "kept late" : "kept", left: 0 };
  if (d.paused) return { ...base, standing: "paused", left: fromNanos(d.left_ns ?? 0) };
  const left = parse(d.due) - now;
  return { ...base, standing: left < 0 ? "late" : left <= (warn || within * nearShare) ? "near" : "running", left };
}

/** When the next open promise is due, milliseconds; infinite when none has a running clock. */
export function due(i: Incident): number {
  if (i.state === "closed") return Infinity;
  let next = Infinity;
  for (const d of i.deadlines ?? []) if (!d.met && !d.paused && d.due) next = Math.min(next, parse(d.due) || Infinity);
  return next;
}

/** The promise that a row shows: of those that are open the one that is due first, then one whose clock stands. */
export function next(i: Incident, now: number, warn = 0): Countdown | undefined {
  if (i.state === "closed") return undefined;
  const open = (i.deadlines ?? []).filter((d) => !d.met).map((d) => countdownOf(d, now, warn));
  const running = open.filter((c) => c.standing !== "paused").sort((a, b) => a.left - b.left);
  return running[0] ?? open[0];
}

/** 4:12 to respond; respond late 0:31; 4:12 to respond, waits for the police */
export function countdownText(c: Countdown): string {
  const verb = promiseWord(c.promise);
  switch (c.standing) {
    case "late":
      return `${verb} late ${counting(-c.left)}`;
    case "paused":
      return `${counting(Math.abs(c.left))} ${c.left < 0 ? "late" : `to ${verb}`}, clock stands`;
    case "kept":
      return "kept";
    case "kept late":
      return "kept late";
    default:
      return `${counting(c.left)} to ${verb}`;
  }
}
