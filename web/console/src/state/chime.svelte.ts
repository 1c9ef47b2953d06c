import type { Incident } from "../api/types";
import { rank, severities } from "../lib/order";
import { severityWord } from "../lib/words";
import { clock } from "./clock.svelte";
import { live } from "./live.svelte";
import { parse } from "../lib/time";

const key = "vedette.chime";

/** Off, or the least severity that is heard. */
export type Chime = "" | "critical" | "high" | "medium" | "low";

const order: readonly Chime[] = ["", ...(severities as readonly Chime[])];

/** Two falling notes for a new alarm, higher the worse it is. Made here: no file has to come over a bad line. */
class ChimeState {
  least = $state<Chime>(read());
  #context: AudioContext | undefined;
  /** What has been heard, so that a replay after a lost connection is not heard twice. */
  #heard = new Set<string>();
  #last = 0;

  constructor() {
    live.listen({ incidents: (changes) => this.#hear(changes) });
    // A browser lets a page make sound only after somebody has touched it.
    const wake = () => {
      if (this.least) void this.#open().resume();
    };
    addEventListener("pointerdown", wake);
    addEventListener("keydown", wake);
  }

  get text(): string {
    if (!this.least) return "Sound off";
    return this.least === "critical" ? "Sound for critical alarms" : this.least === "low" ? "Sound for every alarm" : `Sound for ${severityWord(this.least).toLowerCase()} and worse`;
  }

  next() {
    this.least = order[(order.indexOf(this.least) + 1) % order.length]!;
    try {
      if (this.least) localStorage.setItem(key, this.least);
      else localStorage.removeItem(key);
    } catch {
      // Storage is off: the choice lasts as long as the page.
    }
    if (this.least) this.play(this.least);
  }

  play(severity: string) {
    const context = this.#open();
    void context.resume();
    const base = 520 + 130 * Math.max(0, rank(severity));
    const times = severity === "critical" ? 2 : 1;
    for (let n = 0; n < times; n++) {
      this.#note(context, base * 1.5, n * 0.5);
      this.#note(context, base, n * 0.5 + 0.16);
    }
  }

  #note(context: AudioContext, hertz: number, delay: number) {
    const at = context.currentTime + delay;
    const voice = context.createOscillator();
    const loudness = context.createGain();
    voice.type = "sine";
    voice.frequency.value = hertz;
    loudness.gain.setValueAtTime(0, at);
    loudness.gain.linearRampToValueAtTime(0.25, at + 0.012);
    loudness.gain.exponentialRampToValueAtTime(0.001, at + 0.3);
    voice.connect(loudness).connect(context.destination);
    voice.start(at);
    voice.stop(at + 0.32);
  }

  #open(): AudioContext {
    return (this.#context ??= new AudioContext());
  }

  #hear(changes: readonly Incident[]) {
    if (!this.least) return;
    const fresh = changes.filter((c) => c.state === "new" && rank(c.severity) >= rank(this.least) && clock.read() - parse(c.opened) < 600_000 && !this.#heard.has(c.id));
    if (fresh.length === 0) return;
    for (const c of fresh) this.#heard.add(c.id);
    // Ten at once are one sound.
    const now = Date.now();
    if (now - this.#last < 2000) return;
    this.#last = now;
    this.play(fresh.reduce((worst, c) => (rank(c.severity) > rank(worst.severity) ? c : worst)).severity);
  }
}

function read(): Chime {
  try {
    const kept = localStorage.getItem(key) ?? "";
    return (order as readonly string[]).includes(kept) ? (kept as Chime) : "";
  } catch {
    return "";
  }
}

export const chime = new ChimeState();
