// The precision report in words: of the alarms that people judged, how many were true.
import type { PrecisionRow } from "../api/types";
import { kindWord } from "./kinds";
import { nuisances, nuisanceWord } from "./judgement";

export const groupings = [
  { id: "rule", name: "Rules" },
  { id: "zone", name: "Zones" },
  { id: "camera", name: "Cameras" },
  { id: "hour", name: "Hours" },
] as const;
export type Grouping = (typeof groupings)[number]["id"];

export const periods = [
  { id: "1", name: "24 hours", days: 1 },
  { id: "7", name: "7 days", days: 7 },
  { id: "30", name: "30 days", days: 30 },
  { id: "90", name: "90 days", days: 90 },
] as const;
type Period = (typeof periods)[number];

export interface Choice {
  by: Grouping;
  period: Period;
  /** Empty is every camera. */
  camera: string;
}

/** What is chosen, as the address bar holds it. */
export function parseChoice(search: string): Choice {
  const q = new URLSearchParams(search);
  return {
    by: groupings.find((g) => g.id === q.get("by"))?.id ?? "rule",
    period: periods.find((p) => p.id === q.get("days")) ?? periods[2],
    camera: q.get("camera") ?? "",
  };
}

export function choicePath(c: { by: string; days: string; camera: string }): string {
  const q = new URLSearchParams();
  if (c.by !== "rule") q.set("by", c.by);
  if (c.days !== "30") q.set("days", c.days);
  if (c.camera) q.set("camera", c.camera);
  const s = q.toString();
  return s ? `/precision?${s}` : "/precision";
}

const two = (n: number) => String(n).padStart(2, "0");

/** What the alarms of a row have in common; name is what people call a camera. */
export function rowName(r: PrecisionRow, name: (camera: string) => string): string {
  const place = [name(r.camera ?? ""), r.zone].filter(Boolean).join(" / ");
  switch (r.by) {
    case "rule":
      return `${kindWord(r.kind ?? "")}, ${place}`;
    case "zone":
      return r.zone ? place : `${place}, the camera itself`;
    case "camera":
      return place;
    case "hour":
      return `${two(r.hour ?? 0)}–${two(((r.hour ?? 0) + 1) % 24)} h`;
    default:
      return "All";
  }
}

/** 83 %; – when nobody has judged one. Never rounded up to all or down to none. */
export function precisionText(r: PrecisionRow): string {
  const v = r.precision?.value;
  if (v === undefined) return "–";
  const p = Math.round(v * 100);
  if (p === 100 && v < 1) return "> 99 %";
  if (p === 0 && v > 0) return "< 1 %";
  return `${p} %`;
}

/** 61–94 %: where the precision lies with a probability of 95 %. */
export function intervalText(r: PrecisionRow): string {
  const e = r.precision;
  return e ? `${Math.floor(e.low * 100)}–${Math.ceil(e.high * 100)} %` : "";
}

/** Rain 4, animal 1: what the nuisance alarms came from, the most frequent first. */
export function reasonsText(r: PrecisionRow): string {
  const order = nuisances.map((n) => n.reason as string);
  const text = Object.entries(r.reasons)
    .filter(([, n]) => n > 0)
    .sort(([a, n], [b, m]) => m - n || order.indexOf(a) - order.indexOf(b))
    .map(([reason, n]) => `${nuisanceWord(reason).toLowerCase()} ${n}`)
    .join(", ");
  return text ? text[0]!.toUpperCase() + text.slice(1) : "";
}
