// Curves of a why card: what was observed over time, beside the limit it was compared with.
import type { Event } from "../api/types";
import { parse } from "./time";

export interface CurvePoint {
  /** Media time, milliseconds: what lengths are taken from, because it never jumps. */
  t: number;
  /** Wall time, milliseconds: what people are shown. */
  wall: number;
  value: number;
}

export interface Curve {
  name: string;
  unit: string;
  /** 0 when there was none to compare with. */
  threshold: number;
  points: CurvePoint[];
  /** Media time of the alarm, milliseconds. */
  alarm: number;
}

/** How the first fact came about; undefined for records from before there were curves. */
export function factCurve(e: Event): Curve | undefined {
  const fact = e.why[0];
  return curve(fact?.name ?? "observed", fact?.unit ?? "", fact?.threshold ?? 0, e, (e.curve ?? []).map((s) => ({ at: s.at, value: s.value })));
}

/** What the object detector gave along the path; points where it did not look are left out. */
export function scoreCurve(e: Event): Curve | undefined {
  const seen = e.path.filter((p) => (p.score ?? 0) > 0).map((p) => ({ at: p.at, value: p.score ?? 0 }));
  return curve("score", "", e.rule.min_score ?? 0, e, seen);
}

function curve(name: string, unit: string, threshold: number, e: Event, samples: { at: Event["alarm"]; value: number }[]): Curve | undefined {
  const points = samples
    .map((s) => ({ t: s.at.media_ns / 1e6, wall: parse(s.at.wall), value: s.value }))
    .filter((p) => Number.isFinite(p.t) && Number.isFinite(p.wall) && Number.isFinite(p.value))
    .sort((a, b) => a.t - b.t);
  // One point is a fact, not a curve.
  if (points.length < 2 || points[points.length - 1]!.t <= points[0]!.t) return undefined;
  return { name, unit, threshold, points, alarm: e.alarm.media_ns / 1e6 };
}

/** Where a curve is drawn: fractions of its width and height, 0 at the top left. */
export interface Scale {
  x: (t: number) => number;
  y: (value: number) => number;
  top: number;
}

/** The scale holds every point, the limit and zero; a quantity of at most 1 fills it as a share. */
export function scale(c: Curve): Scale {
  const from = c.points[0]!.t;
  const span = c.points[c.points.length - 1]!.t - from;
  const most = Math.max(c.threshold, ...c.points.map((p) => p.value));
  const least = Math.min(0, ...c.points.map((p) => p.value));
  const top = !c.unit && most <= 1 && most > 0 ? 1 : (most - least) * 1.1 + least || 1;
  const clamp = (v: number) => Math.min(1, Math.max(0, v));
  return {
    x: (t) => clamp((t - from) / span),
    y: (v) => clamp(1 - (v - least) / (top - least)),
    top,
  };
}

/** The index of the point nearest to a media time. */
export function nearest(points: readonly CurvePoint[], t: number): number {
  let best = 0;
  for (let i = 1; i < points.length; i++) {
    if (Math.abs(points[i]!.t - t) < Math.abs(points[best]!.t - t)) best = i;
  }
  return best;
}

/** As far from the alarm as a point may be and still be the one at the alarm, milliseconds. */
const atAlarm = 500;

/**
 * The index of the point at the alarm: the first at or after it, because what stands just
 * before it was not enough yet. -1 when there is none so near: the object detector looks
 * only now and then.
 */
export function alarmIndex(c: Curve): number {
  const after = c.points.findIndex((p) => p.t >= c.alarm);
  const near = after >= 0 && c.points[after]!.t - c.alarm <= atAlarm ? after : nearest(c.points, c.alarm);
  return Math.abs(c.points[near]!.t - c.alarm) <= atAlarm ? near : -1;
}

/** The index of the last point at or before a wall time; -1 outside the curve. */
export function before(points: readonly CurvePoint[], wall: number): number {
  if (points.length === 0 || wall > points[points.length - 1]!.wall) return -1;
  return points.findLastIndex((p) => p.wall <= wall);
}
