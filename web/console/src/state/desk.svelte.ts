import { ApiError, api } from "../api/client";
import type { Action, Incident } from "../api/types";
import type { Step, Values } from "../lib/steps";
import { clock as clockText, parse } from "../lib/time";
import { notices } from "./actions.svelte";
import { live } from "./live.svelte";

/** How a step went: done, refused, or overtaken by what somebody else has done meanwhile. */
export type Result = { done: true } | { done: false; trouble: string; now?: Incident; meanwhile?: Action[] };

/** The steps of an incident's life that ask before they are done. */
class DeskState {
  asking = $state.raw<{ incident: Incident; step: Step } | undefined>(undefined);

  ask(incident: Incident, step: Step) {
    this.asking = { incident, step };
  }

  async send(incident: Incident, step: Step, values: Values): Promise<Result> {
    try {
      const changed = await step.send(incident, values);
      live.put(changed);
      const entry = changed.log[changed.log.length - 1];
      notices.say(entry ? `${step.done}. Logged for ${entry.who} at ${clockText(parse(entry.at))}.` : `${step.done}.`);
      return { done: true };
    } catch (err) {
      // 409: not possible any more; 412: the text was changed meanwhile. Both are shown with what is there now.
      if (!(err instanceof ApiError && (err.status === 409 || err.status === 412))) return { done: false, trouble: (err as Error).message };
      try {
        const now = await api.incident(incident.id);
        live.put(now);
        return { done: false, trouble: err.message, now, meanwhile: now.log.slice(incident.edition) };
      } catch {
        return { done: false, trouble: err.message };
      }
    }
  }

  /** Does a step that asks nothing. */
  async now(incident: Incident, step: Step) {
    const result = await this.send(incident, step, {});
    if (!result.done) notices.say(`Not done: ${result.trouble}`, true);
  }
}

export const deskState = new DeskState();

/** Whether somebody opens an incident by hand. */
class Opening {
  asked = $state(false);
}

export const opening = new Opening();
