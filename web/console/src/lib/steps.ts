import { desk } from "../api/desk";
import { ledger } from "../api/ledger";
import type { Change, Event, Incident, Policy, SeriesHint, Severity, Similar, Subject, Task } from "../api/types";
import { rank, severities } from "./order";
import { capital, kindWord } from "./kinds";
import { clock, length, parse } from "./time";
import { severityWord } from "./words";

/** One answer that a step asks for. Values are text, as inputs have them. */
export interface Field {
  name: string;
  label: string;
  hint?: string;
  /** officer offers who can be sent, with reasons; person offers everybody. */
  kind: "line" | "text" | "choice" | "several" | "time" | "minutes" | "officer" | "person" | "money" | "changes";
  required?: boolean;
  options?: readonly { value: string; word: string; hint?: string }[];
  /** Of several: how many may be chosen at most. */
  most?: number;
  value?: string;
  rows?: number;
}

export type Values = Record<string, string>;

/** What was chosen of several, as the value of its field holds it. */
export const chosenOf = (value: string | undefined): string[] => (value ?? "").split("\n").filter(Boolean);
export const choiceOf = (chosen: readonly string[]): string => chosen.join("\n");

/** What a review wants to be different. */
export interface PlannedChange {
  id?: string | undefined;
  kind: Change["kind"];
  text: string;
  owner?: string | undefined;
  due?: string | undefined;
  camera?: string | undefined;
  zone?: string | undefined;
}

/** What a step asks, what follows from it, and how it is done. */
export interface Step {
  title: string;
  says?: string[];
  fields: Field[];
  /** The button. */
  word: string;
  /** What is said when it is done. */
  done: string;
  send: (i: Incident, v: Values) => Promise<Incident>;
  /** The text that would be replaced, for whoever finds that somebody else has changed it. */
  present?: (i: Incident) => string;
}

const note = (label = "Note", hint = "For the log, optional"): Field => ({ name: "note", label, hint, kind: "text", rows: 3 });
const reason = (label: string): Field => ({ name: "reason", label, kind: "text", rows: 3, required: true });
const options = (list: readonly string[], word: (s: string) => string = (s) => capital(s.replaceAll("_", " "))) => list.map((value) => ({ value, word: word(value) }));
const trimmed = (v: Values, name: string) => (v[name] ?? "").trim();
/** Only what was filled in. */
const filled = <T extends object>(o: T) => Object.fromEntries(Object.entries(o).filter(([, x]) => x !== "" && x !== undefined)) as T;

/** The local date and time of an input as the server reads it. */
export const instantOf = (local: string) => (local && !Number.isNaN(Date.parse(local)) ? new Date(local).toISOString() : "");

/** An instant as an input of local date and time has it, to the second. */
export function localOf(ms: number): string {
  const d = new Date(ms);
  return new Date(ms - d.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/** Cents of an amount as people write it, 1 234,50 or 1,234.50; NaN when it is none. */
export function centsOf(text: string): number {
  const plain = text.replace(/[\s\u202f']/g, "");
  const decimal = /^(\d+|\d{1,3}(?:[.,]\d{3})*)(?:[.,](\d{1,2}))?$/.exec(plain);
  if (!decimal) return Number.NaN;
  return Number(decimal[1]!.replace(/[.,]/g, "")) * 100 + Number((decimal[2] ?? "0").padEnd(2, "0"));
}

/** 1234.50 EUR */
export const moneyText = (m: { amount: number; currency: string }) => `${Math.trunc(m.amount / 100)}.${String(m.amount % 100).padStart(2, "0")} ${m.currency}`;

export const impacts = ["1 None to speak of", "2 Slight", "3 Noticeable", "4 Serious", "5 Grave"] as const;
export const likelihoods = ["1 Very unlikely", "2 Unlikely", "3 Possible", "4 Likely", "5 Certain or going on"] as const;
const oneToFive = (words: readonly string[]) => words.map((word, i) => ({ value: String(i + 1), word }));

export const stages = ["assess", "alert", "secure", "document", "debrief", "review"] as const;

export const steps = {
  assign: (): Step => ({
    title: "Give it to an officer",
    fields: [{ name: "officer", label: "Who goes?", kind: "officer", required: true }, { ...note("Reason", "Needed when it is taken from somebody"), name: "reason" }],
    word: "Assign", done: "Assigned",
    send: (i, v) => desk.assign(i, v.officer ?? "", trimmed(v, "reason")),
  }),
  handOver: (): Step => ({
    title: "Hand it over",
    says: ["What the next one has to know stands in the log."],
    fields: [{ name: "to", label: "To whom?", kind: "person", required: true }, { name: "note", label: "What do they have to know?", kind: "text", rows: 4, required: true }],
    word: "Hand over", done: "Handed over",
    send: (i, v) => desk.handOver(i, v.to ?? "", trimmed(v, "note")),
  }),
  escalate: (i: Incident): Step => ({
    title: "Escalate",
    says: ["It is given to somebody above, and people are told of it."],
    fields: [
      { name: "to", label: "To whom?", kind: "person", required: true },
      reason("Why?"),
      { name: "severity", label: "Severity", kind: "choice", options: [{ value: "", word: `${severityWord(i.severity)}, as it is` }, ...options(severities.filter((s) => rank(s) > rank(i.severity)), severityWord)] },
    ],
    word: "Escalate", done: "Escalated",
    send: (x, v) => desk.escalate(x, v.to ?? "", trimmed(v, "reason"), v.severity ?? ""),
  }),
  release: (): Step => ({
    title: "Give it back?",
    says: ["Nobody has it then; its clocks run on."],
    fields: [note()], word: "Give back", done: "Given back",
    send: (i, v) => desk.release(i, trimmed(v, "note")),
  }),
  respond: (): Step => ({
    title: "Somebody has responded",
    says: ["Somebody is at the place, or deals with it from the desk."],
    fields: [note("What was found?")], word: "Log the response", done: "Response logged",
    send: (i, v) => desk.respond(i, trimmed(v, "note")),
  }),
  wait: (policy: Policy | undefined): Step => ({
    title: "Wait for something",
    says: ["The clocks that the site's rules name stand until the work goes on."],
    fields: [{ name: "for", label: "For what?", kind: "choice", required: true, options: (policy?.waits ?? []).map((w) => ({ value: w.id, word: w.name })) }, note()],
    word: "Wait", done: "Waiting",
    send: (i, v) => desk.wait(i, v.for ?? "", trimmed(v, "note")),
  }),
  resume: (): Step => ({
    title: "The work goes on",
    fields: [note()], word: "Go on", done: "Going on",
    send: (i, v) => desk.resume(i, trimmed(v, "note")),
  }),
  resolve: (i: Incident, policy: Policy | undefined): Step => {
    const required = policy?.types.find((t) => t.id === i.triage?.type)?.required ?? [];
    const r = i.resolution;
    const hint = (name: (typeof required)[number]) => (required.includes(name) ? "needed to close it" : "optional");
    return {
      title: i.state === "resolved" ? "Change the resolution" : "How did it end?",
      fields: [
        { name: "outcome", label: "Outcome", kind: "choice", required: true, value: r?.outcome ?? "", options: options(policy?.outcomes ?? []) },
        { name: "recovery", label: "What returned people and place to normal?", hint: hint("recovery"), kind: "text", rows: 2, value: r?.recovery ?? "" },
        { name: "assessment", label: "What do you conclude?", hint: hint("assessment"), kind: "text", rows: 3, value: r?.assessment ?? "" },
        { name: "loss", label: "Cost or loss", hint: `${hint("loss")}; may be 0`, kind: "money", value: r?.loss ? moneyText(r.loss) : "" },
        { name: "police", label: "Reference of the police", hint: hint("police"), kind: "line", value: r?.police ?? "" },
      ],
      word: i.state === "resolved" ? "Save" : "Resolve", done: i.state === "resolved" ? "Resolution changed" : "Resolved",
      send: (x, v) => {
        const [, amount = "", currency = ""] = /^(.*?)\s*([A-Z]{3})?$/.exec(trimmed(v, "loss")) ?? [];
        const cents = centsOf(amount);
        if (amount && Number.isNaN(cents)) throw new Error("The cost or loss is no amount of money, such as 1234.50.");
        return desk.resolve(x, {
          outcome: v.outcome ?? "",
          ...filled({ recovery: trimmed(v, "recovery"), assessment: trimmed(v, "assessment"), police: trimmed(v, "police") }),
          ...(amount ? { loss: { amount: cents, currency: currency || "EUR" } } : {}),
        });
      },
      present: (x) => [x.resolution?.outcome, x.resolution?.recovery, x.resolution?.assessment].filter(Boolean).join("\n"),
    };
  },
  reopen: (): Step => ({
    title: "Open it again?",
    says: ["It returns to the queue; the time to resolve it starts anew. What the file holds stays."],
    fields: [reason("Why?")], word: "Reopen", done: "Reopened",
    send: (i, v) => desk.reopen(i, trimmed(v, "reason")),
  }),

  review: (i: Incident): Step => {
    const r = i.review;
    const kept = (r?.changes ?? []).map(({ id, kind, text, owner, due, camera, zone }): PlannedChange => ({ id, kind, text, owner, due, camera, zone }));
    return {
      title: "What was learnt",
      says: ["Without blame: near misses and small incidents count. What stood here before stays in the log."],
      fields: [
        { name: "happened", label: "What happened?", kind: "text", rows: 3, required: true, value: r?.happened ?? "" },
        { name: "unfolded", label: "How did it come about?", kind: "text", rows: 3, required: true, value: r?.unfolded ?? "" },
        { name: "signs", label: "What could have been seen earlier?", kind: "text", rows: 2, required: true, value: r?.signs ?? "" },
        { name: "changes", label: "Changes", kind: "changes", value: JSON.stringify(kept) },
        { name: "summary", label: "For all staff", hint: "worded with care, without personal data; optional", kind: "text", rows: 3, value: r?.summary ?? "" },
      ],
      word: "Save review", done: "Reviewed",
      send: (x, v) =>
        desk.saveReview(x, {
          happened: trimmed(v, "happened"), unfolded: trimmed(v, "unfolded"), signs: trimmed(v, "signs"),
          changes: (JSON.parse(v.changes || "[]") as PlannedChange[]).map(filled),
          ...filled({ summary: trimmed(v, "summary") }),
        }),
      present: (x) => [x.review?.happened, x.review?.unfolded, x.review?.signs].filter(Boolean).join("\n"),
    };
  },

  describe: (i: Incident): Step => ({
    title: "What happened",
    says: ["The text before stays in the log."],
    fields: [{ name: "description", label: "Description", kind: "text", rows: 8, value: i.description ?? "" }],
    word: "Save", done: "Described",
    send: (x, v) => desk.describe(x, trimmed(v, "description")),
    present: (x) => x.description ?? "",
  }),
  classify: (i: Incident, policy: Policy | undefined): Step => ({
    title: "What is it?",
    says: ["The checklist of the type is added to the tasks; what is ticked off stays."],
    fields: [
      {
        name: "type", label: "Type", kind: "choice", required: true, value: `${i.triage?.type ?? ""}${i.triage?.sub ? `/${i.triage.sub}` : ""}`,
        options: (policy?.types ?? []).flatMap((t) => [
          { value: t.id, word: t.name },
          ...(t.subs ?? []).map((s) => ({ value: `${t.id}/${s}`, word: `${t.name}, ${s.replaceAll("_", " ")}` })),
        ]),
      },
      { name: "tags", label: "Tags", hint: "separated by commas", kind: "line", value: (i.triage?.tags ?? []).join(", ") },
    ],
    word: "Save", done: "Classified",
    send: (x, v) => {
      const [type = "", sub = ""] = (v.type ?? "").split("/");
      return desk.classify(x, type, sub, trimmed(v, "tags").split(",").map((t) => t.trim().toLowerCase()).filter(Boolean));
    },
    present: (x) => [x.triage?.type, x.triage?.sub, ...(x.triage?.tags ?? [])].filter(Boolean).join(", "),
  }),
  rate: (i: Incident): Step => ({
    title: "How bad is it?",
    says: ["Impact and likelihood give the severity by the site's matrix, and the severity gives the deadlines."],
    fields: [
      { name: "impact", label: "Impact", kind: "choice", required: true, value: i.triage?.impact ? String(i.triage.impact) : "", options: oneToFive(impacts) },
      { name: "likelihood", label: "Likelihood that it goes on or happens again", kind: "choice", required: true, value: i.triage?.likelihood ? String(i.triage.likelihood) : "", options: oneToFive(likelihoods) },
    ],
    word: "Rate", done: "Rated",
    send: (x, v) => desk.rate(x, Number(v.impact), Number(v.likelihood)),
    present: (x) => severityWord(x.severity),
  }),
  setSeverity: (i: Incident): Step => ({
    title: "Set the severity by hand",
    says: ["The reason stands beside it for everyone."],
    fields: [{ name: "severity", label: "Severity", kind: "choice", required: true, value: i.severity, options: options(severities, severityWord) }, reason("Why?")],
    word: "Set", done: "Severity set",
    send: (x, v) => desk.setSeverity(x, v.severity as Severity, trimmed(v, "reason")),
    present: (x) => severityWord(x.severity),
  }),

  task: (): Step => ({
    title: "Add a task",
    fields: [
      { name: "text", label: "What is to be done?", kind: "line", required: true },
      { name: "stage", label: "Stage", kind: "choice", required: true, value: "document", options: options(stages) },
      { name: "owner", label: "Who does it?", hint: "optional", kind: "person" },
      { name: "due", label: "Until when?", hint: "optional", kind: "time" },
    ],
    word: "Add", done: "Task added",
    send: (i, v) => desk.addTask(i, { stage: v.stage as Task["stage"], text: trimmed(v, "text"), ...filled({ owner: v.owner ?? "", due: instantOf(v.due ?? "") }) }),
  }),
  skip: (task: { id: string; text: string }): Step => ({
    title: "Not needed?",
    says: [task.text],
    fields: [reason("Why was it not needed?")], word: "Skip", done: "Task skipped",
    send: (i, v) => desk.skip(i, task.id, trimmed(v, "reason")),
  }),
  statement: (now: number): Step => ({
    title: "Add a statement",
    says: ["What a witness said, in their words. It stays apart from what the footage shows, and is never changed: a correction is a new statement."],
    fields: [
      { name: "witness", label: "Who said it?", kind: "line", required: true },
      { name: "contact", label: "How can they be reached?", hint: "optional", kind: "line" },
      { name: "taken", label: "Taken at", kind: "time", value: localOf(now), required: true },
      { name: "text", label: "What did they say?", kind: "text", rows: 6, required: true },
    ],
    word: "Add statement", done: "Statement added",
    send: (i, v) => desk.addStatement(i, { witness: trimmed(v, "witness"), text: trimmed(v, "text"), ...filled({ contact: trimmed(v, "contact"), taken_at: instantOf(v.taken ?? "") }) }),
  }),
  subject: (): Step => ({
    title: "Describe a person or a vehicle",
    says: ["Clothing, build, bearing, what was carried. No face recognition and no biometrics."],
    fields: [
      { name: "kind", label: "What", kind: "choice", required: true, value: "person", options: options(["person", "vehicle"]) },
      { name: "role", label: "Role", kind: "choice", required: true, value: "suspect", options: options(["suspect", "witness", "victim", "staff", "other"]) },
      { name: "text", label: "Description", kind: "text", rows: 3, required: true },
      { name: "plate", label: "Number plate", hint: "of a vehicle, optional", kind: "line" },
      { name: "name", label: "Name", hint: "when it is known from elsewhere", kind: "line" },
    ],
    word: "Add", done: "Description added",
    send: (i, v) => desk.addSubject(i, { kind: v.kind as Subject["kind"], role: v.role as Subject["role"], text: trimmed(v, "text"), ...filled({ plate: v.kind === "vehicle" ? trimmed(v, "plate") : "", name: trimmed(v, "name") }) }),
  }),
  mark: (wall: number, shown: string): Step => ({
    title: "Mark this moment",
    says: [`The footage stands at ${shown}.`],
    fields: [{ name: "text", label: "What is to be seen?", kind: "line", required: true }],
    word: "Mark", done: "Marked",
    send: (i, v) => desk.addMark(i, { when: new Date(wall).toISOString(), text: trimmed(v, "text") }),
  }),
  exhibit: (i: Incident, cameras: readonly { id: string; name: string }[], from: number, to: number): Step => ({
    title: "Attach footage",
    says: ["A copy of the continuous footage is kept with the incident, so that it outlives the archive. Gaps are named."],
    fields: [
      { name: "camera", label: "Camera", kind: "choice", required: true, value: cameras.find((c) => c.id !== i.camera)?.id ?? i.camera, options: cameras.map((c) => ({ value: c.id, word: c.name || c.id })) },
      { name: "from", label: "From", kind: "time", required: true, value: localOf(from) },
      { name: "to", label: "To", kind: "time", required: true, value: localOf(to) },
      { name: "note", label: "What does it show?", hint: "optional", kind: "line" },
    ],
    word: "Attach", done: "Footage attached",
    send: (x, v) => desk.addExhibit(x, { camera: v.camera ?? "", from: instantOf(v.from ?? ""), to: instantOf(v.to ?? ""), ...filled({ note: trimmed(v, "note") }) }),
  }),
  effort: (): Step => ({
    title: "Log time that you spent",
    fields: [{ name: "minutes", label: "Minutes", kind: "minutes", required: true }, note("For what?", "optional")],
    word: "Log", done: "Time logged",
    send: (i, v) => desk.addEffort(i, { spent_ns: Math.round(Number(v.minutes) * 60e9), ...filled({ note: trimmed(v, "note") }) }),
  }),
  deliver: (): Step => ({
    title: "Record a delivery",
    says: ["Evidence that was handed over: to whom, why, how. Make the package first, so that its hash can be named."],
    fields: [
      { name: "to", label: "To whom?", hint: "person and body", kind: "line", required: true },
      { name: "why", label: "Why?", kind: "line", required: true },
      { name: "how", label: "How?", hint: "such as: by hand on a stick", kind: "line", required: true },
      { name: "reference", label: "Their reference", hint: "optional", kind: "line" },
      { name: "sha256", label: "SHA-256 of the package", hint: "optional", kind: "line" },
    ],
    word: "Record", done: "Delivery recorded",
    send: (i, v) => desk.addDelivery(i, { to: trimmed(v, "to"), why: trimmed(v, "why"), how: trimmed(v, "how"), ...filled({ reference: trimmed(v, "reference"), sha256: trimmed(v, "sha256").toLowerCase() }) }),
  }),
  merge: (from: { incident: string; number: number }): Step => ({
    title: `Merge #${from.number} into this one?`,
    says: [`#${from.number} is closed and names this incident; its own record, footage and log stay. It can be taken apart again.`],
    fields: [reason("Why are they the same?")], word: "Merge", done: "Merged",
    send: (i, v) => desk.merge(i, from.incident, trimmed(v, "reason")),
  }),
  /** Takes one that was merged into this one out of it again. */
  part: (from: { id: string; name: string }): Step => ({
    title: `Take ${from.name} out again?`,
    says: ["It goes on by itself: it returns to the queue, and the time to resolve it starts anew. Its record, footage and log were kept."],
    fields: [reason("Why are they not the same?")], word: "Take out", done: "Taken out",
    send: (i, v) => desk.part(i, from.id, trimmed(v, "reason")),
  }),
  unmerge: (): Step => ({
    title: "Let it go on by itself?",
    says: ["It is parted from the incident that it was merged into, and returns to the queue; the time to resolve it starts anew. Both logs say why."],
    fields: [reason("Why are they not the same?")], word: "Part", done: "Parted",
    send: (i, v) => desk.unmerge(i, trimmed(v, "reason")),
  }),
  split: (i: Incident): Step => ({
    title: "Split it in two",
    says: ["The events that you choose become an incident of their own, which refers to the same footage. At least one stays."],
    fields: [
      { name: "events", label: "Which events move?", kind: "several", required: true, most: i.events.length - 1, options: i.events.map((e) => ({ value: String(e.id), ...eventWord(e) })) },
      reason("Why are they not the same?"),
    ],
    word: "Split", done: "Split",
    send: (x, v) => desk.split(x, chosenOf(v.events).map(Number), trimmed(v, "reason")),
  }),

  joinSeries: (s: Pick<SeriesHint, "id" | "number" | "name">, reasons: string): Step => ({
    title: `Does it belong to S${s.number} ${s.name}?`,
    says: [...(reasons ? [reasons] : []), "An incident belongs to one series at most. It can be taken out again."],
    fields: [reason("Why do you believe that it is the same hand?")], word: "Add to the series", done: "Added to the series",
    send: (i, v) => ledger.joined(i, () => ledger.addTo(s.id, [i.id], trimmed(v, "reason"))),
  }),
  /** Adds one that is like this one to the series of this one. */
  intoSeries: (series: string, like: Similar): Step => ({
    title: `Add #${like.number} to the series of this one?`,
    says: [reasonsOf(like), "An incident belongs to one series at most. It can be taken out again."],
    fields: [reason("Why do you believe that it is the same hand?")], word: "Add to the series", done: "Added to the series",
    send: (i, v) => ledger.joined(i, () => ledger.addTo(series, [like.incident], trimmed(v, "reason"))),
  }),
  beginSeries: (like: readonly Similar[]): Step => ({
    title: "Begin a series",
    says: ["Incidents that are believed to be the work of the same offender. This one belongs to it; choose what else does."],
    fields: [
      { name: "name", label: "What is it called?", hint: "such as: window shoppers", kind: "line", required: true },
      { name: "others", label: "What else belongs to it?", kind: "several", options: like.map((s) => ({ value: s.incident, word: `#${s.number} ${kindWord(s.kind)}`, hint: reasonsOf(s) })) },
      reason("Why do you believe that it is the same hand?"),
    ],
    word: "Begin the series", done: "Series begun",
    send: (i, v) => ledger.joined(i, () => ledger.begin(trimmed(v, "name"), [i.id, ...chosenOf(v.others)], trimmed(v, "reason"))),
  }),
};

/** same camera, same hour, both persons */
const reasonsOf = (s: Similar): string => s.reasons.map((r) => r.text).join(", ");

/** 23:41:07 Loitering, person, 31 s */
function eventWord(e: Event): { word: string; hint: string } {
  const [start, end] = [parse(e.start.wall), parse(e.end?.wall)];
  const lasted = end > start ? length(end - start) : "";
  const label = e.label && e.label !== "unknown" ? e.label : "";
  return { word: `${clock(parse(e.alarm.wall))} ${kindWord(e.rule.kind)}`, hint: [e.zone, label, lasted].filter(Boolean).join(", ") };
}
