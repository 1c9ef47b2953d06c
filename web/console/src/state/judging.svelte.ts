import { ApiError, api } from "../api/client";
import type { Incident, Judgement, Nuisance } from "../api/types";
import { verdictText } from "../lib/judgement";
import { clock as clockText, parse } from "../lib/time";
import { notices } from "./actions.svelte";
import { clock } from "./clock.svelte";
import { live } from "./live.svelte";
import { session } from "./session.svelte";

/** A judgement that this console shows before the server has it. */
interface Guess {
  judgement: Judgement;
  /** The revision of the record that holds it; infinite until the server has answered. */
  until: number;
}

/**
 * What people say an alarm was. It is shown at once, because an alarm is judged in seconds
 * and the next one waits; it is taken back, and said so, when the server refuses it.
 */
class Judging {
  /** The incident whose nuisance is asked for. */
  asking = $state.raw<Incident | undefined>(undefined);
  #guesses = $state.raw<ReadonlyMap<string, Guess>>(new Map());

  constructor() {
    live.listen({
      incidents: (changes) => {
        for (const c of changes) if (c.revision >= (this.#guesses.get(c.id)?.until ?? Infinity)) this.#forget(c.id);
      },
    });
  }

  /** The incident with what has just been said of it. */
  of(i: Incident): Incident {
    const guess = this.#guesses.get(i.id);
    if (!guess || i.revision >= guess.until) return i;
    const { by: who, at } = guess.judgement;
    return i.state === "new"
      ? { ...i, state: "acknowledged", log: [...i.log, { at, who, what: "acknowledged" }], judgement: guess.judgement }
      : { ...i, judgement: guess.judgement };
  }

  ask(i: Incident) {
    this.asking = i;
  }

  /** Judges; an alarm that nobody has claimed is claimed by the same action. */
  async judge(i: Incident, verdict: Judgement["verdict"], reason?: Nuisance, note = "") {
    // A key that bounces must not act twice.
    if (this.#guesses.get(i.id)?.until === Infinity) return;
    const before = this.of(i).judgement;
    if (before && before.verdict === verdict && before.reason === reason && !note) {
      notices.say(`Already judged: ${verdictText(before).toLowerCase()}, by ${before.by}.`);
      return;
    }
    const judgement: Judgement = {
      verdict, by: session.current?.user ?? "", at: new Date(clock.read()).toISOString(),
      ...(reason ? { reason } : {}), ...(note ? { note } : {}),
    };
    this.#guess(i.id, { judgement, until: Infinity });
    try {
      const changed = await this.#send(i, { verdict, reason, note: note || undefined });
      this.#guess(i.id, { judgement, until: changed.revision });
      live.put(changed);
      const said = changed.judgement ?? judgement;
      notices.say(`${verdictText(said)}. Logged for ${said.by} at ${clockText(parse(said.at))}.`);
    } catch (err) {
      this.#forget(i.id);
      notices.say(`Not judged: ${(err as Error).message}`, true);
    }
  }

  async #send(i: Incident, said: { verdict: Judgement["verdict"]; reason?: Nuisance; note?: string }): Promise<Incident> {
    if (i.state === "new") {
      try {
        return await api.acknowledge(i.id, said);
      } catch (err) {
        // Somebody has claimed it in the meantime; it can be judged all the same.
        if (!(err instanceof ApiError && err.status === 409)) throw err;
      }
    }
    return api.judge(i.id, said);
  }

  #guess(id: string, guess: Guess) {
    this.#guesses = new Map(this.#guesses).set(id, guess);
  }

  #forget(id: string) {
    const next = new Map(this.#guesses);
    next.delete(id);
    this.#guesses = next;
  }
}

export const judging = new Judging();
