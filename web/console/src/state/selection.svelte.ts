import { desk } from "../api/desk";
import type { Incident, Nuisance } from "../api/types";
import { plural } from "../lib/words";
import { notices } from "./actions.svelte";
import { queue } from "./queue.svelte";

/** Rows of the queue that are chosen together. */
class Selection {
  ids = $state.raw<ReadonlySet<string>>(new Set());
  /** What is asked before something is done with all of them. */
  asking = $state<"acknowledge" | "nuisance" | "">("");
  busy = $state(false);
  #last = "";

  get size(): number {
    return this.ids.size;
  }

  toggle(id: string) {
    const next = new Set(this.ids);
    if (!next.delete(id)) next.add(id);
    this.ids = next;
    this.#last = id;
  }

  /** Chooses all rows from the last one that was chosen to this one. */
  extend(id: string, items: readonly Incident[]) {
    const [from, to] = [items.findIndex((i) => i.id === this.#last), items.findIndex((i) => i.id === id)];
    if (from < 0 || to < 0) return this.toggle(id);
    const next = new Set(this.ids);
    for (const i of items.slice(Math.min(from, to), Math.max(from, to) + 1)) next.add(i.id);
    this.ids = next;
    this.#last = id;
  }

  clear() {
    this.ids = new Set();
    this.#last = "";
    this.asking = "";
  }

  /** Does it with one reason, and says which could not be done; those stay chosen. */
  async apply(note: string, nuisance?: Nuisance) {
    const ids = [...this.ids];
    // One that is claimed already is only judged.
    const unclaimed = ids.filter((id) => queue.get(id)?.state === "new");
    const others = ids.filter((id) => !unclaimed.includes(id));
    this.busy = true;
    try {
      const items = nuisance
        ? [
            ...(unclaimed.length > 0 ? await desk.judgeMany(unclaimed, "acknowledge_and_judge", nuisance, note) : []),
            ...(others.length > 0 ? await desk.judgeMany(others, "judge", nuisance, note) : []),
          ]
        : await desk.acknowledgeMany(ids, note);
      const failed = items.filter((r) => r.status !== 200);
      this.clear();
      this.ids = new Set(failed.map((r) => r.incident));
      const done = plural(items.length - failed.length, "incident");
      const word = nuisance ? "judged nuisance" : "acknowledged";
      if (failed.length === 0) notices.say(`${done} ${word}. The log of each says so.`);
      else notices.say(`${done} ${word}; ${plural(failed.length, "was", "were")} not: ${failed[0]?.detail ?? ""}. They stay chosen.`, true);
      await queue.reload();
    } catch (err) {
      notices.say(`Not done: ${(err as Error).message}`, true);
    } finally {
      this.busy = false;
    }
  }
}

export const selection = new Selection();
