/**
 * Places labels as near to where they belong as their width allows: ascending wishes for
 * their centres go in, centres that are at least width apart and inside the limits come out.
 * When there is not room for all of them they stay in order and overlap at the right end.
 */
export function spread(wishes: readonly number[], width: number, [lo, hi]: readonly [number, number]): number[] {
  const out = [...wishes];
  for (let i = out.length - 1, limit = hi - width / 2; i >= 0; i--, limit -= width) out[i] = Math.min(out[i]!, limit);
  for (let i = 0, limit = lo + width / 2; i < out.length; i++, limit = out[i - 1]! + width) out[i] = Math.max(out[i]!, limit);
  return out;
}
