/**
 * The rate of a counter over the last seconds. Samples come when they come; a counter that
 * falls was restarted, and the old samples say nothing about the new run.
 */
export class Rate {
  #samples: { at: number; count: number }[] = [];

  constructor(
    /** Milliseconds over which the rate is taken. */
    readonly window = 10_000,
  ) {}

  /** Takes a sample and returns the rate per second, or undefined while it cannot be known. */
  add(at: number, count: number): number | undefined {
    const last = this.#samples[this.#samples.length - 1];
    if (last && count < last.count) this.#samples = [];
    if (last && at <= last.at) return this.#rate();
    this.#samples.push({ at, count });
    while (this.#samples.length > 2 && at - this.#samples[1]!.at >= this.window) this.#samples.shift();
    return this.#rate();
  }

  #rate(): number | undefined {
    const first = this.#samples[0];
    const last = this.#samples[this.#samples.length - 1];
    if (!first || !last || last.at - first.at < 2500) return undefined;
    return ((last.count - first.count) * 1000) / (last.at - first.at);
  }
}
