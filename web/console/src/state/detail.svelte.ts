import { ApiError, api } from "../api/client";
import type { Incident } from "../api/types";
import { live } from "./live.svelte";

/**
 * One incident in full, with the paths of its events, which lists leave out. It follows
 * what is pushed; make one per place that shows an incident and call watch in an effect.
 */
export class Detail {
  incident = $state.raw<Incident | undefined>(undefined);
  missing = $state(false);
  trouble = $state("");

  /** Shows the incident of that ID, at first as far as brief knows it, until stopped. */
  watch(id: string, brief?: Incident): () => void {
    const abort = new AbortController();
    let whole = false;
    const take = (next: Incident) => {
      const known = this.incident;
      // The same revision is news once: when it brings the paths.
      if (known?.id === next.id && (known.revision > next.revision || (whole && known.revision === next.revision))) return;
      whole = true;
      this.incident = next;
    };
    const load = async () => {
      try {
        take(await api.incident(id, abort.signal));
        this.trouble = "";
        this.missing = false;
      } catch (err) {
        if (abort.signal.aborted) return;
        if (err instanceof ApiError && err.status === 404) this.missing = true;
        else this.trouble = (err as Error).message;
      }
    };
    if (this.incident?.id !== id) this.incident = brief;
    this.missing = false;
    this.trouble = "";
    const stop = live.listen({
      incidents: (changes) => changes.filter((c) => c.id === id).forEach(take),
      reset: () => void load(),
    });
    void load();
    return () => {
      stop();
      abort.abort();
    };
  }
}
