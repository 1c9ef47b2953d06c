// Continuous footage on a line of time: what is shown of it, what there is, where it moved.
import type { Box, Coverage, Gap, Moved, Span } from "../api/types";
import { clock, hourMinute, parse } from "./time";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** A stretch of time in milliseconds. */
export interface Range {
  from: number;
  to: number;
}

export const shortest = 2 * minute;
export const longest = 31 * day;
/** The server makes no longer file than that. */
export const longestClip = 12 * hour;

/** Zooms around an instant, which stays where it is; factor 0.5 shows half as much. */
export function zoom(r: Range, at: number, factor: number): Range {
  const size = Math.min(longest, Math.max(shortest, (r.to - r.from) * factor));
  const share = (at - r.from) / (r.to - r.from);
  const from = at - share * size;
  return { from: Math.round(from), to: Math.round(from + size) };
}

/** Moves by a share of what is shown. */
export function pan(r: Range, share: number): Range {
  const by = Math.round((r.to - r.from) * share);
  return { from: r.from + by, to: r.to + by };
}

/** Steps between ticks that people can reckon with. */
const steps = [10_000, 30_000, minute, 2 * minute, 5 * minute, 10 * minute, 30 * minute, hour, 2 * hour, 6 * hour, 12 * hour, day, 2 * day, 7 * day];

/** At most that many ticks, at round local times, with their words. */
export function ticks(r: Range, most: number): { at: number; text: string }[] {
  const step = steps.find((s) => (r.to - r.from) / s <= most) ?? 7 * day;
  const out = [];
  // Round local times, not round UTC: an hour east of Greenwich is a round one too.
  const east = -new Date(r.from).getTimezoneOffset() * minute;
  for (let at = Math.ceil((r.from + east) / step) * step - east; at <= r.to; at += step) {
    const d = new Date(at);
    const midnight = d.getHours() === 0 && d.getMinutes() === 0 && d.getSeconds() === 0;
    const text = midnight ? `${d.getDate()}.${d.getMonth() + 1}.` : step < minute ? clock(at) : hourMinute(at);
    out.push({ at, text });
  }
  return out;
}

const cut = (s: Span, r: Range): Range => ({ from: Math.max(parse(s.from), r.from), to: Math.min(parse(s.to), r.to) });

/** How much of a range there is footage of, 0..1. What has not happened yet does not count. */
export function covered(c: Coverage, r: Range, now: number): number {
  const to = Math.min(r.to, now);
  if (to <= r.from) return 0;
  let sum = 0;
  for (const s of c.have) {
    const part = cut(s, { from: r.from, to });
    sum += Math.max(0, part.to - part.from);
  }
  return Math.min(1, sum / (to - r.from));
}

/** Whether there is footage of an instant, and if not why. */
export function stateAt(c: Coverage, at: number): { has: boolean; gap?: Gap } {
  if (c.have.some((s) => parse(s.from) <= at && at < parse(s.to))) return { has: true };
  const gap = c.gaps.find((g) => parse(g.from) <= at && at < parse(g.to));
  return gap ? { has: false, gap } : { has: false };
}

/** The first instant of a range of which there is footage; the range's own when there is none. */
export function firstOf(c: Coverage | undefined, r: Range): number {
  const first = (c?.have ?? []).find((s) => parse(s.to) > r.from && parse(s.from) < r.to);
  return first ? Math.max(r.from, parse(first.from)) : r.from;
}

/** How long footage may take from the camera to the disk before it counts as all there. */
const settling = minute;

/**
 * Up to when a clip can be fetched in parts: what is still being written grows between one part
 * and the next, and the parts of two makings are no file. has is what there was of it at now.
 */
export function settled(asked: Range, has: Range, now: number): number {
  const growing = has.to < asked.to && now - has.to < settling;
  // A second is far more than pictures come out of order, and no clip is left empty.
  return growing ? Math.max(has.to - 1000, Math.min(has.to, asked.from + 1000)) : asked.to;
}

/** Joins what follows within a moment: somebody who stands still for a breath moved once. */
export function movements(found: readonly Moved[], within = 20_000): (Range & { strength: number })[] {
  const out: (Range & { strength: number })[] = [];
  for (const m of found) {
    const [from, to] = [parse(m.from), parse(m.to)];
    const last = out[out.length - 1];
    if (last && from - last.to <= within) {
      last.to = Math.max(last.to, to);
      last.strength = Math.max(last.strength, m.strength);
    } else {
      out.push({ from, to, strength: m.strength });
    }
  }
  return out;
}

/** The box between two corners, in fractions, cut to the picture. */
export function boxOf(a: { x: number; y: number }, b: { x: number; y: number }): Box {
  const clamp = (v: number) => Math.min(1, Math.max(0, v));
  const [x0, x1] = [clamp(Math.min(a.x, b.x)), clamp(Math.max(a.x, b.x))];
  const [y0, y1] = [clamp(Math.min(a.y, b.y)), clamp(Math.max(a.y, b.y))];
  return { x: x0, y: y0, w: x1 - x0, h: y1 - y0 };
}

/** A local date and time as an input of the browser has it, with seconds. */
export function toInput(ms: number): string {
  const d = new Date(ms - new Date(ms).getTimezoneOffset() * minute);
  return d.toISOString().slice(0, 19);
}

/** What the address bar says of the page. */
export interface Choice {
  camera: string;
  shown: Range;
  /** What plays; absent before something was chosen. */
  clip?: Range;
  region?: Box;
}

export function parseRecall(search: string, now: number): Choice {
  const q = new URLSearchParams(search);
  const at = (name: string) => (q.get(name) ? Date.parse(q.get(name)!) : Number.NaN);
  const [from, to, begin, end] = [at("from"), at("to"), at("begin"), at("end")];
  const region = (q.get("region") ?? "").split(",").map(Number);
  const sound = to - from >= shortest && to - from <= longest;
  return {
    camera: q.get("camera") ?? "",
    shown: sound ? { from, to } : { from: now - hour, to: now },
    ...(end > begin && end - begin <= longestClip ? { clip: { from: begin, to: end } } : {}),
    ...(region.length === 4 && region.every((v) => v >= 0 && v <= 1) ? { region: { x: region[0]!, y: region[1]!, w: region[2]!, h: region[3]! } } : {}),
  };
}

export function recallPath(c: Choice): string {
  const iso = (ms: number) => new Date(ms).toISOString();
  const q = new URLSearchParams();
  if (c.camera) q.set("camera", c.camera);
  q.set("from", iso(c.shown.from));
  q.set("to", iso(c.shown.to));
  if (c.clip) {
    q.set("begin", iso(c.clip.from));
    q.set("end", iso(c.clip.to));
  }
  if (c.region) q.set("region", [c.region.x, c.region.y, c.region.w, c.region.h].map((v) => v.toFixed(4)).join(","));
  return `/recall?${q}`;
}
