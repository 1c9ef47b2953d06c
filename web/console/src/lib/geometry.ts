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
