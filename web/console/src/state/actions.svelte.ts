import { ApiError, api } from "../api/client";
import { desk } from "../api/desk";
import type { Incident } from "../api/types";
import { parse, clock as clockText } from "../lib/time";
import { owner } from "../lib/words";
import { live } from "./live.svelte";

interface Notice {
  id: number;
  text: string;
  trouble: boolean;
}

/** Says for a few seconds what an action did, or why it could not be done. */
class Notices {
  items = $state.raw<Notice[]>([]);
  #next = 1;

  say(text: string, trouble = false) {
    const id = this.#next++;
    this.items = [...this.items.slice(-2), { id, text, trouble }];
    setTimeout(() => this.dismiss(id), trouble ? 12_000 : 5_000);
  }

  dismiss(id: number) {
    this.items = this.items.filter((n) => n.id !== id);
  }
}

export const notices = new Notices();

/** What people do with incidents. One at a time: a key that bounces must not act twice. */
class Actions {
  busy = $state("");
  /** The incident that is asked about before it is closed. */
  closing = $state.raw<Incident | undefined>(undefined);
  /** The incident that this console has closed last. */
  closed = $state("");

  async claim(i: Incident) {
    const who = owner(i);
    if (i.state === "closed" || who) {
      notices.say(i.state === "closed" ? "This incident is closed." : `Already claimed by ${who}.`);
      return;
    }
    await this.#do(i, "claim", () => desk.claim(i), "Claimed");
  }

  ask(i: Incident) {
    if (i.state === "closed") notices.say("This incident is closed.");
    else this.closing = i;
  }

  /** Closes; an incident that nobody has claimed is claimed first, and the log says both. */
  async close(i: Incident, note: string): Promise<boolean> {
    const done = await this.#do(
      i,
      "close",
      async () => {
        if (i.state === "new") live.put(await desk.claim(i));
        return api.close(i.id, note);
      },
      "Closed",
    );
    if (done) this.closed = i.id;
    return done;
  }

  async #do(i: Incident, step: string, act: () => Promise<Incident>, done: string): Promise<boolean> {
    if (this.busy) return false;
    this.busy = step;
    try {
      const changed = await act();
      live.put(changed);
      const entry = changed.log[changed.log.length - 1];
      notices.say(entry ? `${done}. Logged for ${entry.who} at ${clockText(parse(entry.at))}.` : `${done}.`);
      return true;
    } catch (err) {
      if (err instanceof ApiError && err.status === 409) await this.#overtaken(i);
      else notices.say(`Not done: ${(err as Error).message}`, true);
      return false;
    } finally {
      this.busy = "";
    }
  }

  /** Somebody else was faster: show what they did. */
  async #overtaken(i: Incident) {
    try {
      const now = await api.incident(i.id);
      live.put(now);
      const entry = now.log[now.log.length - 1];
      const what = now.state === "closed" ? "closed" : "claimed";
      notices.say(`Not done: already ${what}${entry ? ` by ${entry.who} at ${clockText(parse(entry.at))}` : ""}.`, true);
    } catch {
      notices.say("Not done: somebody else has changed this incident.", true);
    }
  }
}

export const actions = new Actions();
