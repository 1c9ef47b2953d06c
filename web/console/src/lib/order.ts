import type { Incident, Severity } from "../api/types";
import { due } from "./deadline";

export const severities: readonly Severity[] = ["critical", "high", "medium", "low"];

/** 0 is low, 3 critical, -1 unknown, as in models.Severity.Rank. */
export function rank(s: string): number {
  return ["low", "medium", "high", "critical"].indexOf(s);
}

/**
 * The one order of the queue: the worst first, among equals the one with the least time
 * left, then the one that has waited the longest. One whose clocks stand, or that has none,
 * comes after those whose clocks run. The server pages in the same order, and IDs break
 * ties on both sides.
 */
export function byUrgency(a: Incident, b: Incident): number {
  return rank(b.severity) - rank(a.severity) || compare(due(a), due(b)) || compare(instant(a.alarm), instant(b.alarm)) || compare(a.id, b.id);
}

/** The order of an archive: the newest alarm first. */
export function byNewest(a: Incident, b: Incident): number {
  return compare(instant(b.alarm), instant(a.alarm)) || compare(b.id, a.id);
}

const instant = (at: string) => Date.parse(at);

function compare<T extends number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export type Order = (a: Incident, b: Incident) => number;

/** The index at which item stands or would stand in sorted. */
export function place(sorted: readonly Incident[], item: Incident, order: Order): number {
  let lo = 0;
  let hi = sorted.length;
  while (lo < hi) {
    const mid = (lo + hi) >>> 1;
    if (order(sorted[mid]!, item) < 0) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}
