import { api } from "../api/client";
import type { Message } from "../api/sse";
import { Stream, type Link } from "../api/stream";
import type { Health, Incident, Status } from "../api/types";
import { parse } from "../lib/time";
import { clock } from "./clock.svelte";
import { session } from "./session.svelte";

/** What the pages hear. Incidents come in batches, at most one a painted frame. */
export interface Listener {
  incidents?: (changes: Incident[]) => void;
  health?: (h: Health) => void;
  /** What was pushed is no longer continuous: fetch anew. */
  reset?: () => void;
}

/** The live connection and what is true of the whole installation. */
class Live {
  link = $state.raw<Link>({ state: "connecting", since: Date.now(), next: 0 });
  status = $state.raw<Status | undefined>(undefined);
  #stream: Stream | undefined;
  #listeners = new Set<Listener>();
  /** How often the status has been pushed. */
  #pushed = 0;
  #batch: Incident[] = [];
  #painting = false;

  listen(l: Listener): () => void {
    this.#listeners.add(l);
    return () => this.#listeners.delete(l);
  }

  start() {
    this.#stream?.close();
    this.#stream = new Stream({
      url: "/api/events",
      onMessage: (m) => this.#take(m),
      onLink: (l) => {
        const returned = l.state === "live" && this.link.state !== "live";
        this.link = l;
        if (returned) void this.refreshStatus();
      },
      onUnauthorised: () => session.end(),
    });
    this.#stream.open();
    addEventListener("online", this.#hurry);
    document.addEventListener("visibilitychange", this.#hurry);
  }

  stop() {
    this.#stream?.close();
    this.#stream = undefined;
    removeEventListener("online", this.#hurry);
    document.removeEventListener("visibilitychange", this.#hurry);
  }

  /** Feeds a change that this console made itself, so that it shows without a round trip. */
  put(change: Incident) {
    this.#queue(change);
  }

  async refreshStatus() {
    const asked = Date.now();
    const pushed = this.#pushed;
    try {
      const status = await api.status();
      clock.set(parse(status.now), asked, Date.now());
      // What was pushed while the answer was under way is newer.
      if (pushed === this.#pushed) this.status = status;
    } catch {
      // The link says that the server is away; the last known status stays, with its age.
    }
  }

  #hurry = () => {
    if (document.visibilityState === "visible") this.#stream?.hurry();
  };

  #take(m: Message) {
    if (m.event === "reset") {
      this.#listeners.forEach((l) => l.reset?.());
      void this.refreshStatus();
      return;
    }
    let data: unknown;
    try {
      data = JSON.parse(m.data);
    } catch {
      return;
    }
    if (m.event === "incident") this.#queue(data as Incident);
    else if (m.event === "camera") this.#listeners.forEach((l) => l.health?.(data as Health));
    else if (m.event === "status") {
      this.#pushed++;
      this.status = data as Status;
    }
  }

  #queue(change: Incident) {
    this.#batch.push(change);
    if (this.#painting) return;
    this.#painting = true;
    // A page in the background gets no frames; its rows must still be right when it returns.
    if (document.visibilityState === "visible") requestAnimationFrame(this.#flush);
    else setTimeout(this.#flush, 200);
  }

  #flush = () => {
    this.#painting = false;
    const batch = this.#batch;
    this.#batch = [];
    this.#listeners.forEach((l) => l.incidents?.(batch));
  };
}

export const live = new Live();
