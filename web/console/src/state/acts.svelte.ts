import type { Incident } from "../api/types";
import { possible, type Act } from "../lib/possible";
import { steps } from "../lib/steps";
import { actions, notices } from "./actions.svelte";
import { deskState } from "./desk.svelte";
import { judging } from "./judging.svelte";
import type { Keymap } from "./keys";
import { rules } from "./people.svelte";
import { session } from "./session.svelte";

/** What the person who looks can do with an incident now. */
export const possibleNow = (i: Incident) => possible(i, session.current?.user ?? "", (r) => session.may(r));

/** Does an act, or asks for what it needs. */
export function act(i: Incident, name: Act) {
  switch (name) {
    case "claim":
      return void actions.claim(i);
    case "close":
      return actions.ask(i);
    case "review":
      return deskState.ask(i, steps.review(i));
    case "assign":
      return deskState.ask(i, steps.assign());
    case "handOver":
      return deskState.ask(i, steps.handOver());
    case "escalate":
      return deskState.ask(i, steps.escalate(i));
    case "release":
      return deskState.ask(i, steps.release());
    case "respond":
      return deskState.ask(i, steps.respond());
    case "wait":
      return deskState.ask(i, steps.wait(rules.current));
    case "resume":
      return deskState.ask(i, steps.resume());
    case "resolve":
      return deskState.ask(i, steps.resolve(i, rules.current));
    case "reopen":
      return deskState.ask(i, steps.reopen());
    case "classify":
      return deskState.ask(i, steps.classify(i, rules.current));
    case "rate":
      return deskState.ask(i, steps.rate(i));
    case "setSeverity":
      return deskState.ask(i, steps.setSeverity(i));
    case "describe":
      return deskState.ask(i, steps.describe(i));
    case "split":
      return deskState.ask(i, steps.split(i));
    case "unmerge":
      return deskState.ask(i, steps.unmerge());
    case "deliver":
      return deskState.ask(i, steps.deliver());
  }
}

/** The keys of an incident, on every page that shows one. */
export function incidentKeys(current: () => Incident | undefined): Keymap {
  const on = (fn: (i: Incident) => void) => () => {
    const i = current();
    if (i) fn(i);
  };
  const named = (name: Act, otherwise: string) =>
    on((i) => {
      const { main, rest } = possibleNow(i);
      if (main === name || rest.includes(name)) act(i, name);
      else notices.say(otherwise);
    });
  return {
    c: on((i) => session.may("work") && void actions.claim(i)),
    t: on((i) => session.may("work") && void judging.judge(i, "true")),
    n: on((i) => session.may("work") && judging.ask(judging.of(i))),
    a: named("assign", "You cannot assign this incident."),
    r: named("respond", "There is no response to log."),
    e: named("close", "You cannot close this incident."),
  };
}
