// Reports, log book and series in words.
import type { Handling, SummaryRow } from "../api/ledger";
import { kindWord } from "./kinds";
import { fromNanos, length } from "./time";
import { severityWord } from "./words";

export const summaryGroups = [
  { id: "day", name: "Days" },
  { id: "hour", name: "Hours" },
  { id: "site", name: "Sites" },
  { id: "camera", name: "Cameras" },
  { id: "zone", name: "Zones" },
  { id: "kind", name: "Kinds" },
  { id: "type", name: "Types" },
  { id: "officer", name: "Officers" },
  { id: "severity", name: "Severities" },
] as const;
export type SummaryGroup = (typeof summaryGroups)[number]["id"];

export const summaryPeriods = [
  { id: "1", name: "24 hours", days: 1 },
  { id: "7", name: "7 days", days: 7 },
  { id: "30", name: "30 days", days: 30 },
  { id: "90", name: "90 days", days: 90 },
  { id: "365", name: "Year", days: 365 },
] as const;

const two = (n: number) => String(n).padStart(2, "0");

/** What the incidents of a row have in common; name is what people call a camera, person what they call a user. */
export function summaryName(r: SummaryRow, name: (camera: string) => string, person: (user: string) => string = (user) => user): string {
  switch (r.by) {
    case "site":
      return r.site || "no site";
    case "camera":
      return r.camera ? name(r.camera) : "no camera";
    case "zone":
      return [r.camera ? name(r.camera) : "", r.zone].filter(Boolean).join(" / ") || "no place";
    case "kind":
      return kindWord(r.kind ?? "");
    case "type":
      return r.type ? r.type.replaceAll("_", " ") : "not classified";
    case "officer":
      return r.officer ? person(r.officer) : "nobody";
    case "severity":
      return severityWord(r.severity ?? "");
    case "hour":
      return `${two(r.hour ?? 0)}–${two(((r.hour ?? 0) + 1) % 24)} h`;
    case "day": {
      const hours = Math.round(fromNanos(r.length_ns ?? 0) / 3_600_000);
      return `${r.day ?? ""}${hours === 23 || hours === 25 ? ` (${hours} h)` : ""}`;
    }
    default:
      return "All";
  }
}

/** 2 min, or – when none reached it. */
export const handlingText = (h: Handling, which: "median_ns" | "slow90_ns") => (h.count > 0 ? length(fromNanos(h[which])) : "–");

/** 83 % of those that were decided; – without a promise. Never rounded up to all. */
export function shareText(h: Handling): string {
  if (h.share === undefined || h.share === null) return "–";
  const p = Math.round(h.share * 100);
  if (p === 100 && h.share < 1) return "> 99 %";
  return `${p} %`;
}

/** 12.50 EUR, for a sum in the smallest unit. */
export function moneyText(m: { amount: number; currency: string }): string {
  try {
    const f = new Intl.NumberFormat("en", { style: "currency", currency: m.currency, currencyDisplay: "code" });
    return f.format(m.amount / 10 ** (f.resolvedOptions().maximumFractionDigits ?? 2));
  } catch {
    return `${m.amount} ${m.currency}`;
  }
}

/** 2026-03-29, by the clock of this browser. */
export function dayOf(ms: number): string {
  const d = new Date(ms);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
}

/** 23:40 of a time of the day in nanoseconds from midnight. */
export function timeOfDay(ns: number): string {
  const minutes = Math.round(fromNanos(ns) / 60_000);
  return `${two(Math.floor(minutes / 60) % 24)}:${two(minutes % 60)}`;
}

export const weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;

/** 23:40:12 by the clock of a place. */
export function clockAt(at: string, place: string): string {
  const options: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  try {
    return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: place }).format(new Date(at));
  } catch {
    return new Intl.DateTimeFormat("en-GB", options).format(new Date(at)); // "Local"
  }
}
