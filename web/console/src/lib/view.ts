import { verdictWord } from "./judgement";
import { capital, kindWord } from "./kinds";
import { footageWord } from "./footage";
import type { View } from "./queue";
import { setting } from "./time";
import { labelWord } from "./words";

/** What the state filter offers; each is one question that a person asks. */
export const stateViews = [
  { id: "open", name: "Open", states: ["new", "acknowledged", "resolved"] },
  { id: "mine", name: "Mine", states: ["new", "acknowledged", "resolved"] },
  { id: "new", name: "Unclaimed", states: ["new"] },
  { id: "overdue", name: "Overdue", states: ["new", "acknowledged", "resolved"] },
  { id: "closed", name: "Closed", states: ["closed"] },
  { id: "all", name: "All", states: ["new", "acknowledged", "resolved", "closed"] },
] as const;

export type StateView = (typeof stateViews)[number]["id"];

/** The filters as the address bar holds them; me is who looks. */
export function parseView(search: string, me = ""): View & { shown: StateView } {
  const q = new URLSearchParams(search);
  const chosen = stateViews.find((s) => s.id === q.get("show")) ?? stateViews[0];
  return {
    shown: chosen.id,
    states: [...chosen.states],
    officers: chosen.id === "mine" ? [me] : q.getAll("officer"),
    types: q.getAll("type"),
    sites: q.getAll("site"),
    overdue: chosen.id === "overdue",
    cameras: q.getAll("camera"),
    zones: q.getAll("zone"),
    kinds: q.getAll("kind"),
    severities: q.getAll("severity"),
    verdicts: q.getAll("verdict"),
    labels: q.getAll("label"),
    footage: q.getAll("footage"),
    held: ["true", "false"].includes(q.get("held") ?? "") ? q.get("held")! : "",
    dwell: Math.max(0, Number(q.get("dwell")) || 0),
    text: q.get("text") ?? "",
    from: q.get("from") ?? "",
    to: q.get("to") ?? "",
  };
}

type Field = "officer" | "type" | "site" | "camera" | "zone" | "kind" | "severity" | "verdict" | "label" | "footage";

/** Limits that have one value. */
export type Single = "held" | "dwell" | "text" | "from" | "to";

/** The address with one value set, or taken away when it is empty. */
export function put(search: string, field: Single, value: string): string {
  const q = new URLSearchParams(search);
  if (value) q.set(field, value);
  else q.delete(field);
  return path(q);
}

/** How many limits are in force beside the state. */
export const limits = (v: View & { shown?: StateView }) =>
  [v.shown === "mine" ? [] : v.officers, v.types, v.sites, v.cameras, v.zones, v.kinds, v.severities, v.verdicts, v.labels, v.footage].reduce((n, list) => n + list.length, 0) +
  [v.held, v.text, v.from, v.to].filter(Boolean).length +
  (v.dwell > 0 ? 1 : 0);

/** What the choice of a dwell offers, in seconds. */
export const dwells = [10, 30, 60, 300, 600, 1800, 3600] as const;

/** A limit with one value, as a person reads it. */
export function singleWord(field: Single, value: string): string {
  switch (field) {
    case "held":
      return value === "true" ? "on hold" : "not on hold";
    case "dwell":
      return `at least ${setting(Number(value) * 1000)}`;
    case "text":
      return `“${value}”`;
    default:
      return value.replace("T", " ");
  }
}

/** The address after one more filter, or after taking it away again. */
export function toggle(search: string, field: Field, value: string): string {
  const q = new URLSearchParams(search);
  const values = q.getAll(field);
  q.delete(field);
  for (const v of values.includes(value) ? values.filter((v) => v !== value) : [...values, value]) q.append(field, v);
  return path(q);
}

export function show(search: string, view: StateView): string {
  const q = new URLSearchParams(search);
  if (view === "open") q.delete("show");
  else q.set("show", view);
  return path(q);
}

function path(q: URLSearchParams): string {
  const s = q.toString();
  return s ? `/?${s}` : "/";
}

export interface Suggestion {
  field: Field | "incident" | "text";
  value: string;
}

/** What people call the value of a filter. */
export function filterWord(field: Suggestion["field"], value: string): string {
  if (field === "kind") return kindWord(value);
  if (field === "footage") return footageWord(value);
  if (field === "label") return labelWord(value);
  if (field === "officer" && value === "none") return "nobody";
  if (field === "type") return value === "none" ? "not classified" : capital(value.replaceAll("_", " "));
  return field === "verdict" ? verdictWord(value) : value;
}

/** What a few typed letters may mean, the closest first: names that begin so, then names that contain it. */
export function suggest(text: string, known: { cameras: string[]; zones: string[]; kinds: string[]; verdicts?: string[]; labels?: string[]; officers?: string[]; types?: string[]; sites?: string[] }): Suggestion[] {
  const wanted = text.trim().toLowerCase();
  const all: Suggestion[] = [
    ...known.cameras.map((value) => ({ field: "camera" as const, value })),
    ...known.zones.map((value) => ({ field: "zone" as const, value })),
    ...known.kinds.map((value) => ({ field: "kind" as const, value })),
    ...(known.types ?? []).map((value) => ({ field: "type" as const, value })),
    ...(known.officers ?? []).map((value) => ({ field: "officer" as const, value })),
    ...(known.sites ?? []).map((value) => ({ field: "site" as const, value })),
    ...(known.labels ?? []).map((value) => ({ field: "label" as const, value })),
    ...(known.verdicts ?? []).map((value) => ({ field: "verdict" as const, value })),
  ];
  if (!wanted) return all.slice(0, 12);
  // A kind answers to the word that people read and to the one in the configuration.
  const names = (s: Suggestion) => [s.value, filterWord(s.field, s.value)].map((n) => n.toLowerCase());
  const starts = all.filter((s) => names(s).some((n) => n.startsWith(wanted)));
  const contains = all.filter((s) => !starts.includes(s) && names(s).some((n) => n.includes(wanted)));
  const found = [...starts, ...contains].slice(0, 12);
  // An ID, as the incident page and the log show it, goes straight to its incident.
  if (/^\d{8}t\d{6}/.test(wanted)) found.unshift({ field: "incident", value: text.trim() });
  // What names nothing is looked for in the records.
  else found.push({ field: "text", value: text.trim() });
  return found;
}
