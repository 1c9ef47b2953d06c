import type { Camera } from "../api/types";
import { fromNanos, length, offset } from "./time";
import { bytes, clockWord, codecWord, count, plural } from "./words";

export interface Figure {
  name: string;
  value: string;
  /** What it means, for those who do not live with it every day. */
  note?: string;
  /** Worth a look. */
  attention?: boolean;
}

/** 1280 × 720 H.264, or a dash before the stream was described. */
export function streamText(c: Camera): string {
  const h = c.health;
  if (!h.codec) return "–";
  return h.width && h.height ? `${h.width} × ${h.height} ${codecWord(h.codec)}` : codecWord(h.codec);
}

/** The share of frames that were not analysed because a newer one or no worker was there. */
export function shedShare(c: Camera): number {
  const all = c.health.frames_analysed + c.health.frames_shed;
  return all > 0 ? c.health.frames_shed / all : 0;
}

export function shedText(c: Camera): string {
  const n = c.health.frames_shed;
  if (n === 0) return "none";
  const p = shedShare(c) * 100;
  return `${count(n)} (${p < 0.1 ? "< 0.1" : p.toFixed(1)} %)`;
}

/** 7.0 of at most 10 a second */
export function rateText(c: Camera, rate: number | undefined): string {
  const bound = c.fps > 0 ? ` of at most ${Number(c.fps.toFixed(1))}` : "";
  return rate === undefined ? "–" : `${rate.toFixed(1)}${bound} a second`;
}

/** A camera clock further off than this does not fit the footage of its neighbours. */
const clockTolerance = 2e9;

/** Nothing is wrong with the camera itself: it is there, and it sees. */
export const sound = (c: Camera) => c.health.connection === "connected" && (c.health.troubles ?? []).length === 0;

/** 1 204 looks, 3 over the budget: how often the object detector looked at a frame. */
export function looksText(c: Camera): string {
  if (!c.objects) return "motion only";
  const { object_looks: looks, object_looks_over: over, object_looks_failed: bad } = c.health;
  if (!looks && !over && !bad) return "classified, no look yet";
  return [plural(looks, "look"), over ? `${count(over)} over the budget` : "", bad ? `${count(bad)} failed` : ""].filter(Boolean).join(", ");
}

/** Everything that is known of a camera, in the order in which trouble is looked for. */
export function figures(c: Camera, rate: number | undefined): Figure[] {
  const h = c.health;
  const out: Figure[] = [
    { name: "Stream", value: streamText(c) },
    { name: "Analysed", value: rateText(c, rate) },
    {
      name: "Frames shed",
      value: shedText(c),
      note: "left out of analysis under load; the recording has them",
      attention: shedShare(c) > 0.05,
    },
    { name: "Packets lost", value: h.packets_lost ? count(h.packets_lost) : "none", attention: h.packets_lost > 0 },
    { name: "Decode errors", value: h.decode_errors ? count(h.decode_errors) : "none", attention: h.decode_errors > 0 },
    {
      name: "Camera clock",
      value: h.clock === "camera" ? `${offset(h.clock_offset_ns)} against ours` : "not believed",
      note: h.clock ? `times come from ${clockWord(h.clock)}` : undefined,
      attention: h.clock === "camera" && Math.abs(h.clock_offset_ns) > clockTolerance,
    },
    { name: "Pre-roll held", value: h.buffered_ns ? `${length(fromNanos(h.buffered_ns))}, ${bytes(h.buffer_bytes)}` : "–" },
    { name: "Received", value: bytes(h.bytes), note: `${count(h.sessions)} ${h.sessions === 1 ? "connection" : "connections"} since the start` },
    {
      name: "Objects",
      value: looksText(c),
      note: h.object_looks_over > 0 ? "beyond the budget tracks go on by motion alone" : undefined,
      attention: h.object_looks_failed > 0 || h.object_looks_over > h.object_looks,
    },
  ];
  return out;
}
