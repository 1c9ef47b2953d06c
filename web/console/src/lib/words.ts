import type { Fact, Incident, Severity } from "../api/types";
import { capital } from "./kinds";

const sentence = (s: string) => capital(s.replaceAll("_", " "));

const severityWords: Record<Severity, string> = { critical: "Critical", high: "High", medium: "Medium", low: "Low" };
export const severityWord = (s: string) => severityWords[s as Severity] ?? sentence(s);

/** A thing that nothing has classified is named for the one fact that is known of it. */
export const labelWord = (label: string) => (!label || label === "unknown" ? "something moving" : label);

const causes: Record<string, string> = {
  packet_loss: "packets lost",
  camera_lost: "camera lost",
  restart: "vedette restarted",
  disk: "disk could not take it",
  overrun: "recorder could not keep up",
  not_buffered: "before the buffer began",
  not_recorded: "not recorded",
  deleted: "deleted by retention",
  stream: "camera sent what cannot be stored",
};
export const causeWord = (cause: string) => causes[cause] ?? cause.replaceAll("_", " ");

const clocks: Record<string, string> = {
  arrival: "our clock, on arrival",
  camera: "the camera's clock",
  file: "the file's media time",
};
export const clockWord = (c: string | undefined) => (c ? (clocks[c] ?? c) : "–");

const codecs: Record<string, string> = { h264: "H.264", h265: "H.265" };
export const codecWord = (c: string | undefined) => (c ? (codecs[c] ?? c) : "–");

const steps: Record<string, string> = { acknowledged: "Claimed" };
/** What was done, as the log shows it. */
export const stepWord = (what: string) => steps[what] ?? sentence(what);

/** Who has the incident; empty when nobody has. Old records say so only in their log. */
export function owner(in_: Incident): string {
  if (in_.assignment) return in_.assignment.officer ?? "";
  const log = in_.log;
  for (let i = log.length - 1; i >= 0; i--) {
    if (log[i]!.what === "acknowledged") return log[i]!.who;
  }
  return "";
}

/** What is done with it; name says what a user is called. */
export function stateText(in_: Incident, name: (user: string) => string = (user) => user): string {
  switch (in_.state) {
    case "new":
      return "Unclaimed";
    case "acknowledged": {
      const officer = owner(in_);
      const who = officer && name(officer);
      if (in_.waiting) return who ? `${who} waits for ${in_.waiting.for}` : `Waits for ${in_.waiting.for}`;
      return who ? `Claimed by ${who}` : "Nobody has it";
    }
    case "resolved":
      return "Resolved";
    case "closed":
      return "Closed";
  }
}

/** 31.2 s, 82 %, 0.4 : a measured value with its unit. */
export function quantity(value: number, unit: string): string {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  // A share of the picture may be a thousandth; two decimals would make it nothing.
  const n = Number.isInteger(value) ? String(value) : size < 0.1 ? String(Number(value.toPrecision(2))) : value.toFixed(digits);
  return unit ? `${n} ${unit}` : n;
}

export function factText(f: Fact): string {
  const observed = quantity(f.observed, f.unit);
  return f.threshold > 0 ? `${observed}, limit ${quantity(f.threshold, f.unit)}` : observed;
}

/** 4.2 MB, 870 kB: decimal, as disks and networks are sold. */
export function bytes(n: number): string {
  if (n < 1000) return `${n} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = n / 1000;
  let i = 0;
  while (value >= 999.5 && i < units.length - 1) {
    value /= 1000;
    i++;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[i]}`;
}

export const plural = (n: number, one: string, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

/** 10 000 with a narrow no-break space. */
export const count = (n: number) => String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f");
