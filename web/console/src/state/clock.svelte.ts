/**
 * The time on the server's clock, ticking once a second for everything that counts. A
 * workstation whose own clock is wrong must not show ages that are wrong.
 */
class Clock {
  now = $state(Date.now());
  /** Server clock minus this machine's, milliseconds. */
  skew = $state(0);
  #running = false;

  start() {
    if (this.#running) return;
    this.#running = true;
    const tick = () => {
      this.now = this.read();
      setTimeout(tick, 1000 - (this.now % 1000));
    };
    tick();
  }

  read(): number {
    return Date.now() + this.skew;
  }

  /** Takes the server's time as it was between sending the question and getting the answer. */
  set(server: number, asked: number, answered: number) {
    if (Number.isNaN(server)) return;
    const skew = server - (asked + answered) / 2;
    // Below the resolution of the answer's travel time there is nothing to correct.
    this.skew = Math.abs(skew) > Math.max(500, answered - asked) ? skew : 0;
    this.now = this.read();
  }
}

export const clock = new Clock();
