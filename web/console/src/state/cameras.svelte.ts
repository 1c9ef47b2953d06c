import { api } from "../api/client";
import type { Camera, Health } from "../api/types";
import { Rate } from "../lib/rate";
import { clock } from "./clock.svelte";
import { live } from "./live.svelte";

/** Every camera with its health, kept right by what is pushed. */
class Cameras {
  items = $state.raw<Camera[]>([]);
  loading = $state(true);
  trouble = $state("");
  /** Frames analysed per second, measured; absent until there are two samples. */
  rates = $state.raw<ReadonlyMap<string, number>>(new Map());
  #meters = new Map<string, Rate>();

  constructor() {
    live.listen({ health: (h) => this.#take(h), reset: () => void this.load() });
  }

  get(id: string): Camera | undefined {
    return this.items.find((c) => c.id === id);
  }

  /** What people call a camera: records carry only its ID. */
  nameOf(id: string): string {
    return this.get(id)?.name || id;
  }

  async load() {
    try {
      const { items } = await api.cameras();
      this.items = items.slice().sort((a, b) => a.id.localeCompare(b.id));
      this.items.forEach((c) => this.#measure(c.health));
      this.trouble = "";
    } catch (err) {
      this.trouble = (err as Error).message;
    } finally {
      this.loading = false;
    }
  }

  #take(h: Health) {
    const at = this.items.findIndex((c) => c.id === h.camera);
    // A camera that the configuration has gained since the list was fetched.
    if (at < 0) {
      if (!this.loading) void this.load();
      return;
    }
    this.items = this.items.with(at, { ...this.items[at]!, health: h });
    this.#measure(h);
  }

  #measure(h: Health) {
    const meter = this.#meters.get(h.camera) ?? new Rate();
    this.#meters.set(h.camera, meter);
    const rate = meter.add(clock.read(), h.frames_analysed);
    if (rate !== undefined) this.rates = new Map(this.rates).set(h.camera, rate);
  }
}

export const cameras = new Cameras();
