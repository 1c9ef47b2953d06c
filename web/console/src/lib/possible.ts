import type { Incident, Right } from "../api/types";

/** What can be done with an incident, by name. */
export type Act =
  | "claim" | "respond" | "resolve" | "close" | "reopen"
  | "assign" | "handOver" | "escalate" | "release" | "wait" | "resume"
  | "classify" | "rate" | "setSeverity" | "describe" | "review" | "export" | "deliver" | "hold" | "split" | "unmerge";

/** Words of the buttons; … asks first. */
export const actWords: Record<Act, string> = {
  claim: "Claim", respond: "Respond…", resolve: "Resolve…", close: "Close…", reopen: "Reopen…",
  assign: "Assign…", handOver: "Hand over…", escalate: "Escalate…", release: "Give back…", wait: "Wait…", resume: "Go on…",
  classify: "Classify…", rate: "Rate…", setSeverity: "Set severity…", describe: "Describe…", review: "Review…", export: "Export…",
  deliver: "Record a delivery…", hold: "Hold…", split: "Split…", unmerge: "Part…",
};

/** Keys, shown where the button is. */
export const actKeys: Partial<Record<Act, string>> = { claim: "c", assign: "a", respond: "r", close: "e" };

/**
 * The one obvious next step and the others, for whoever looks: what is not possible in this
 * state, or not theirs to do, is not there.
 */
export function possible(i: Incident, me: string, may: (r: Right) => boolean): { main: Act | undefined; rest: Act[] } {
  const officer = i.assignment?.officer ?? "";
  const mine = officer === me;
  const open = i.state !== "closed";
  const worked = i.state === "acknowledged";
  const acts: [Act, boolean][] = [
    ["claim", may("work") && open && officer === "" && i.state !== "resolved"],
    ["resume", may("work") && Boolean(i.waiting)],
    ["respond", may("work") && worked && !i.course?.responded],
    ["resolve", may("close") && (worked || i.state === "resolved")],
    ["close", may("close") && open],
    ["reopen", may("close") && (i.state === "resolved" || (!open && !i.linked?.into))],
    ["assign", may("assign") && open],
    ["handOver", may("work") && open && mine],
    ["escalate", may("work") && open],
    ["release", may("work") && open && mine],
    ["wait", may("work") && worked && !i.waiting],
    ["split", may("assign") && splits(i)],
    ["unmerge", may("assign") && Boolean(i.linked?.into)],
    ["review", may("review") && (i.state === "resolved" || !open)],
    ["deliver", may("export")],
  ];
  const all = acts.filter(([, can]) => can).map(([act]) => act);
  const main = first(i, all);
  return { main, rest: all.filter((a) => a !== main) };
}

/** There is more than one event, detection is over, and the file is open. */
const splits = (i: Incident) => i.state !== "closed" && Boolean(i.end) && i.events.length > 1;

function first(i: Incident, all: Act[]): Act | undefined {
  const order: Act[] =
    i.state === "closed" ? (i.review ? [] : ["review"])
    : i.state === "resolved" ? ["close"]
    : i.judgement?.verdict === "nuisance" ? ["claim", "close"]
    : ["claim", "resume", "respond", "resolve", "handOver"];
  return order.find((a) => all.includes(a));
}
