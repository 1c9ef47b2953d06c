import type { Footage, Gap, Incident } from "../api/types";
import { clock, clockTenths, length, parse } from "./time";
import { causeWord } from "./words";

/** The share of the asked time that the clip covers, 0..1, as in models.Footage.Complete. */
export function complete(f: Footage): number {
  const from = parse(f.asked_from);
  const to = parse(f.asked_to);
  if (Number.isNaN(to) || !(to > from)) return 1;
  let missing = 0;
  let done = from;
  for (const g of [...(f.gaps ?? [])].sort((a, b) => parse(a.from) - parse(b.from))) {
    const begin = Math.max(parse(g.from), done); // gaps may overlap
    const end = Math.min(parse(g.to), to);
    if (end <= begin) continue;
    missing += end - begin;
    done = end;
  }
  return Math.max(0, 1 - missing / (to - from));
}

/** 100 % only when nothing at all is missing; never rounded up to it. */
export function percent(share: number): string {
  if (share >= 1) return "100 %";
  const p = share * 100;
  return p >= 99 ? `${(Math.floor(p * 10) / 10).toFixed(1)} %` : `${Math.floor(p)} %`;
}

/** gap of 1.8 s at 23:41:07.2, camera lost */
export function gapText(g: Gap): string {
  const from = parse(g.from);
  const to = parse(g.to);
  const lost = g.lost ? `, ${g.lost} lost` : "";
  return `gap of ${length(to - from)} at ${clockTenths(from)}, ${causeWord(g.cause)}${lost}`;
}

export interface FootageText {
  /** One word or two: what state the footage is in. */
  state: string;
  /** The rest of the sentence. */
  detail: string;
  /** Something is missing or has not left this machine. */
  attention: boolean;
}

/** The state of the footage in a word or two. */
export function footageWord(state: string): string {
  return footageStates[state] ?? state;
}

const footageStates: Record<string, string> = {
  recording: "Recording", pending: "Not yet off site", stored: "Stored", none: "No footage", deleted: "Deleted by retention",
};

/** How far the evidence has come, in words. */
export function footageText(f: Footage): FootageText {
  switch (f.state) {
    case "recording":
      return {
        state: "Recording",
        detail: f.off_site && !Number.isNaN(parse(f.off_site)) ? `the clip grows; safe off site up to ${clock(parse(f.off_site))}` : "the clip is still growing",
        attention: false,
      };
    case "pending":
      return {
        state: "Not yet off site",
        detail: f.upload_note || "complete on this machine, waiting to be stored",
        attention: true,
      };
    case "stored":
      return { state: "Stored", detail: "every file is in the evidence store", attention: false };
    case "none":
      return { state: "No footage", detail: "there was nothing to keep", attention: true };
    case "deleted":
      return { state: "Deleted by retention", detail: "its time was over; a signed record of the deletion is kept", attention: false };
  }
}

/** The short sentence for a queue row; empty when there is nothing to worry about. */
export function footageFlag(f: Footage): string {
  if (f.state === "none") return "no footage";
  if (f.state === "deleted") return "footage deleted";
  const gaps = f.gaps ?? [];
  if (gaps.length > 0 && f.state === "recording") return gaps.length === 1 ? "1 gap" : `${gaps.length} gaps`;
  const share = complete(f);
  if (share < 1) return `${percent(share)} of footage`;
  if (f.state === "pending") return "not yet off site";
  return "";
}

/** 97 %, gap of 1.8 s at 23:41:07.2, camera lost */
export function completenessText(f: Footage): string {
  const gaps = f.gaps ?? [];
  if (f.state === "none" && gaps.length === 0) return "nothing recorded";
  const share = complete(f);
  const open = f.state === "recording";
  if (gaps.length === 0) return open ? "no gap so far" : "100 %, no gap";
  const most = gaps.slice(0, 3).map(gapText).join("; ");
  const rest = gaps.length > 3 ? `; and ${gaps.length - 3} more` : "";
  return `${open ? "so far" : percent(share)}, ${most}${rest}`;
}

/** The stretch of wall time that the clip shows: 23:40:51 – 23:41:42 */
export function spanText(f: Footage): string {
  const from = parse(f.from);
  const to = parse(f.to);
  if (Number.isNaN(from)) return "–";
  return Number.isNaN(to) ? `from ${clock(from)}` : `${clock(from)} – ${clock(to)}`;
}

type Role = NonNullable<Footage["objects"]>[number]["role"];

/**
 * Whether there may be evidence of this kind. Once the record names its objects it is known;
 * before that it is worth asking the server, which serves from its own disk.
 */
export function mayHave(f: Footage, role: Role): boolean {
  if (f.objects && f.objects.length > 0) return f.objects.some((o) => o.role === role);
  return f.state === "recording" || f.state === "pending";
}

/** 420 of 450 frames (93 %); the number alone where it is not known how many there must be. */
export function framesText(f: Footage): string {
  if (!f.expected) return `${f.frames} frames`;
  // Frames beyond the asked time are stored too, so there may be more than were expected.
  const share = Math.min(1, f.frames / f.expected);
  return `${f.frames} of ${f.expected} frames${share < 0.995 ? ` (${percent(share)})` : ""}`;
}

/** How much of the time before the alarm was asked for, and how much is there. */
export function preRollText(i: Incident): string {
  const f = i.footage;
  const alarm = parse(i.alarm);
  const asked = alarm - parse(f.asked_from);
  const got = alarm - parse(f.from);
  if (Number.isNaN(got)) return `${length(asked)} asked for, nothing there`;
  // A clip begins on a key frame: there may be more than was asked for.
  return got >= asked - 50 ? `${length(asked)} asked for, all there` : `${length(asked)} asked for, ${length(got)} there`;
}
