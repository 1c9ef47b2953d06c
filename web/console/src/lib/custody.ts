import type { CustodyRecord, Hold, HostClock, Integrity } from "../api/types";
import { date, clock, offset, parse } from "./time";
import { capital } from "./kinds";

const acts: Record<string, string> = {
  started: "vedette started", created: "Incident opened", uploaded: "Stored", viewed: "Looked at", played: "Played", recalled: "Footage recalled",
  exported: "Exported", redacted: "Working copy made", held: "Put on hold", released: "Hold released", deleted: "Deleted by retention",
  damaged: "Found damaged", config_changed: "Configuration changed", key_rotated: "New signing key", reindexed: "Index made anew",
  timestamped: "Time-stamped",
};

/** What was done, in words. */
export const actWord = (act: string) => acts[act] ?? capital(act.replaceAll("_", " "));

/** What deserves a second look. */
export const grave = (r: CustodyRecord) => r.act === "damaged" || r.act === "deleted";

/** The hold in a sentence. */
export function holdText(h: Hold): string {
  const until = parse(h.until);
  return Number.isNaN(until) ? "until somebody releases it" : `until ${date(until)}, ${clock(until)}`;
}

/** The hold is in force; one whose time is over is not. */
export const holdActive = (h: Hold | undefined, now: number) => h !== undefined && !(parse(h.until) <= now);

/** What a check of the evidence came to: a word, and whether it is a cause for concern. */
export function integrityText(i: Integrity): { state: string; detail: string; attention: boolean } {
  if (!i.manifest_sha256 && i.sound) return { state: "Not sealed yet", detail: "the manifest is made when the clip is finished", attention: false };
  if (!i.sound) return { state: "Not as it was sealed", detail: i.problems.join("; "), attention: true };
  const read = i.objects.length > 0 && i.objects.every((o) => o.state === "intact");
  const files = read ? "every file was read and is as it was sealed" : "files are read when you ask for it";
  switch (i.signature) {
    case "valid":
      return { state: "Signature valid", detail: files, attention: false };
    case "absent":
      return { state: "Not signed", detail: `made without a key; ${files}`, attention: false };
    default:
      return { state: "Signature not checked", detail: files, attention: false };
  }
}

/** How far this machine's clock can be believed. */
export function hostClockText(c: HostClock | undefined): string {
  if (!c?.known) return "not known whether it is set by a time server";
  if (!c.synchronised) return "not synchronised with a time server";
  return c.max_error_ns > 0 ? `synchronised, off by at most ${offset(c.max_error_ns).slice(1)}` : "synchronised with a time server";
}

/** +0.24 s, drifting 12 ppm (1.0 s a day) */
export function driftText(offsetNs: number, ppm: number): string {
  const drift = Math.abs(ppm) >= 0.5 ? `, drifting ${ppm > 0 ? "+" : "−"}${Math.abs(ppm).toFixed(0)} ppm (${(Math.abs(ppm) * 0.0864).toFixed(1)} s a day)` : "";
  return `${offset(offsetNs)} against ours${drift}`;
}
