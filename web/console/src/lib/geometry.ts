import type { Box, PathPoint, Point } from "../api/types";

/** An SVG points attribute in pixels of a picture of w × h. */
export function points(polygon: readonly Point[], w: number, h: number): string {
  return polygon.map((p) => `${round(p.x * w)},${round(p.y * h)}`).join(" ");
}

const round = (n: number) => Math.round(n * 10) / 10;

/** The lowest corner; the leftmost of several. Things stand up from a zone, so a label below it covers none of them. */
export function lowest(polygon: readonly Point[]): Point {
  return polygon.reduce((a, p) => (p.y > a.y || (p.y === a.y && p.x < a.x) ? p : a), { x: 1, y: -1 });
}

/** The middle of the corners. Where there are several zones a label inside names the right one. */
export function middle(polygon: readonly Point[]): Point {
  const sum = polygon.reduce((a, p) => ({ x: a.x + p.x, y: a.y + p.y }), { x: 0, y: 0 });
  return { x: sum.x / polygon.length, y: sum.y / polygon.length };
}

/**
 * Where the track stood at an instant: between two path points the box is interpolated,
 * outside the path there is none. Path points are thinned, so without this the box would
 * jump. wall is milliseconds since the epoch.
 */
export function boxAt(path: readonly PathPoint[], wall: number): { box: Box; seen: boolean } | undefined {
  const first = path[0];
  const last = path[path.length - 1];
  if (!first || !last) return undefined;
  if (wall < Date.parse(first.at.wall) || wall > Date.parse(last.at.wall)) return undefined;
  let lo = 0;
  let hi = path.length - 1;
  while (hi - lo > 1) {
    const mid = (lo + hi) >>> 1;
    if (Date.parse(path[mid]!.at.wall) <= wall) lo = mid;
    else hi = mid;
  }
  const a = path[lo]!;
  const b = path[hi]!;
  const from = Date.parse(a.at.wall);
  const span = Date.parse(b.at.wall) - from;
  const t = span > 0 ? Math.min(1, Math.max(0, (wall - from) / span)) : 0;
  const mix = (p: number, q: number) => p + (q - p) * t;
  return {
    box: { x: mix(a.box.x, b.box.x), y: mix(a.box.y, b.box.y), w: mix(a.box.w, b.box.w), h: mix(a.box.h, b.box.h) },
    seen: a.seen && b.seen,
  };
}

export interface TimeMark {
  at: Point;
  /** Since the beginning of the path: +5 s, +1:30. */
  text: string;
}

/** Steps that people count in, seconds. */
const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];

/**
 * Where the track stood after each round number of seconds, the beginning included: as many
 * marks as can be read, at most most of them. A mark nearer than apart (fractions of the
 * picture) to an earlier one is left out, because somebody who stands still would write
 * them all on top of each other.
 */
export function timeMarks(path: readonly PathPoint[], most = 6, apart = 0.05): TimeMark[] {
  const first = path[0];
  const last = path[path.length - 1];
  if (!first || !last) return [];
  const seconds = (p: PathPoint) => (p.at.media_ns - first.at.media_ns) / 1e9;
  const span = seconds(last);
  if (!(span > 0)) return [];
  const step = steps.find((s) => span / s < most) ?? span / most;
  const out: TimeMark[] = [];
  let i = 0;
  for (let t = 0; t <= span; t += step) {
    while (i < path.length - 2 && seconds(path[i + 1]!) <= t) i++;
    const a = path[i]!;
    const b = path[Math.min(i + 1, path.length - 1)]!;
    const gap = seconds(b) - seconds(a);
    const f = gap > 0 ? Math.min(1, Math.max(0, (t - seconds(a)) / gap)) : 0;
    const at = { x: a.foot.x + (b.foot.x - a.foot.x) * f, y: a.foot.y + (b.foot.y - a.foot.y) * f };
    if (out.some((m) => Math.hypot(m.at.x - at.x, m.at.y - at.y) < apart)) continue;
    out.push({ at, text: sinceText(t) });
  }
  return out;
}

const sinceText = (s: number) => (s < 60 ? `+${Math.round(s)} s` : `+${Math.floor(s / 60)}:${String(Math.round(s % 60)).padStart(2, "0")}`);

/**
 * An arrow through the middle of a line, along the way in which it is to be crossed, as an
 * SVG path in pixels of a picture of w × h: two heads when both ways count. Left and right
 * are those of somebody who walks from the first to the last point, as in models.Direction.
 */
export function crossingArrow(line: readonly Point[], direction: string, w: number, h: number, size: number): string {
  const px = line.map((p) => ({ x: p.x * w, y: p.y * h }));
  const lengths = px.slice(1).map((p, i) => Math.hypot(p.x - px[i]!.x, p.y - px[i]!.y));
  const all = lengths.reduce((a, b) => a + b, 0);
  if (!(all > 0)) return "";
  let rest = all / 2;
  let i = 0;
  while (i < lengths.length - 1 && rest > lengths[i]!) rest -= lengths[i++]!;
  const a = px[i]!;
  const along = { x: (px[i + 1]!.x - a.x) / lengths[i]!, y: (px[i + 1]!.y - a.y) / lengths[i]! };
  const mid = { x: a.x + along.x * rest, y: a.y + along.y * rest };
  // With y downwards, left of (x, y) is (y, −x).
  const left = { x: along.y, y: -along.x };
  const at = (across: number, lengthways: number) =>
    `${round(mid.x + left.x * across + along.x * lengthways)} ${round(mid.y + left.y * across + along.y * lengthways)}`;
  const head = (sign: number) => `M${at(sign * size * 0.55, -size * 0.4)}L${at(sign * size, 0)}L${at(sign * size * 0.55, size * 0.4)}`;
  const shaft = `M${at(-size, 0)}L${at(size, 0)}`;
  if (direction === "to_left") return shaft + head(1);
  if (direction === "to_right") return shaft + head(-1);
  return shaft + head(1) + head(-1);
}

/** What the object detector gave at the path point nearest to an instant; 0 when it did not look within half a second. */
export function scoreAt(path: readonly PathPoint[], wall: number): number {
  let best = 0;
  let near = 500;
  for (const p of path) {
    const away = Math.abs(Date.parse(p.at.wall) - wall);
    if ((p.score ?? 0) > 0 && away <= near) {
      near = away;
      best = p.score ?? 0;
    }
  }
  return best;
}
