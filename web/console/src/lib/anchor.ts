/** How a list of rows of equal height is scrolled. All in pixels, but rows. */
export interface Scroll {
  top: number;
  /** Empty space above the first row. */
  lead: number;
  /** The least height of the content, so that top can be reached when there are few rows. */
  floor: number;
}

/**
 * Where to scroll so that a row stays exactly where it is on the screen after it moved
 * from one index to another. When rows above it vanished and there is nothing left to
 * scroll back, empty space takes their place; when there are too few rows to scroll at
 * all, empty space below makes room.
 */
export function keepStill(scroll: Scroll, from: number, to: number, row: number, viewport: number): Scroll {
  const top = scroll.top + (to - from) * row;
  const short = Math.max(0, -top);
  return { top: Math.max(0, top), lead: scroll.lead + short, floor: Math.max(0, top) + viewport };
}

/** Which rows to draw: those in sight and a few beyond, as a half-open range. */
export function sight(scroll: { top: number; lead: number }, viewport: number, row: number, count: number, beyond = 6): [number, number] {
  const first = Math.floor((scroll.top - scroll.lead) / row) - beyond;
  const last = Math.ceil((scroll.top - scroll.lead + viewport) / row) + beyond;
  return [Math.min(count, Math.max(0, first)), Math.min(count, Math.max(0, last))];
}
