// The desk of the mock: policy, people, and the steps of an incident's life as far as the
// browser tests take them.

/** @typedef {import("../../src/api/types").Incident} Incident */
/** @typedef {import("../../src/api/types").Policy} Policy */
/** @typedef {import("../../src/api/types").Person} Person */

const minute = 60e9;

/** @type {NonNullable<Policy["types"][number]["checklist"]>} */
const response = [
  { stage: "assess", text: "Look at the scene: who, how many, what they carry" },
  { stage: "alert", text: "Send the nearest officer; call the police when somebody is in danger" },
  { stage: "secure", text: "Keep people away from what was touched" },
  { stage: "document", text: "Save the footage of the way in and the way out" },
  { stage: "debrief", text: "Tell the shift what to look out for" },
];

/** @type {Policy} */
export const policy = {
  sites: [{ id: "arcade", name: "Arcade" }, { id: "yard", name: "Yard" }],
  matrix: [
    ["low", "low", "low", "low", "medium"], ["low", "low", "medium", "medium", "medium"], ["low", "medium", "medium", "high", "high"],
    ["medium", "medium", "high", "high", "critical"], ["medium", "high", "high", "critical", "critical"],
  ],
  types: [
    { id: "theft", name: "Theft", subs: ["shoplifting", "from_vehicle"], required: ["description", "judgement", "outcome", "tasks", "assessment"], checklist: response },
    { id: "suspicious", name: "Suspicious behaviour", required: ["description", "judgement", "outcome"], checklist: response.slice(0, 3) },
    { id: "trespass", name: "Trespass", required: ["description"], checklist: response.slice(0, 2) },
  ],
  levels: {
    critical: { acknowledge_ns: minute, respond_ns: 5 * minute, resolve_ns: 240 * minute, warn_ns: 0.5 * minute },
    high: { acknowledge_ns: 2 * minute, respond_ns: 10 * minute, resolve_ns: 480 * minute, warn_ns: minute },
  },
  outcomes: ["deterred", "detained", "police_called", "no_offence", "unresolved"],
  waits: [{ id: "police", name: "The police", pauses: ["resolve"] }, { id: "owner", name: "The owner", pauses: ["resolve"] }],
  groups: { outside: ["gate", "yard"] },
  places: { gate: { site: "arcade" }, yard: { site: "yard" } },
};

/** @param {string} user @param {string} name @param {import("../../src/api/types").Role} role @param {Partial<Person>} [o] @returns {Person} */
const person = (user, name, role, o = {}) => ({
  user, name, roles: [role], skills: [], on_duty: true, ...o,
  account: {
    email: `${user}@example.org`, grants: [{ role }], shift: [], suspended: false, must_change: false, created: "2026-10-01T08:00:00Z",
    password_changed: "2026-10-02T08:00:00Z", edition: 3, ...o.account,
  },
});

/** @returns {Person[]} */
export const staff = () => [
  person("admin", "Ada Minor", "administrator"),
  person("e.okafor", "Ebele Okafor", "supervisor"),
  person("j.brandt", "Jonas Brandt", "officer", { skills: ["first_aid"], site: "arcade" }),
  person("m.weber", "Maria Weber", "monitor"),
  person("r.silva", "Rui Silva", "officer", { away: "break", since: "2026-11-22T21:50:00Z", site: "yard" }),
  person("t.novak", "Tereza Novak", "investigator"),
];

/** What the site promises for a severity, with running clocks. @param {string} severity @param {number} opened @returns {NonNullable<Incident["deadlines"]>} */
export function promises(severity, opened) {
  const level = policy.levels[/** @type {"high"} */ (severity)];
  if (!level) return [];
  return /** @type {const} */ (["acknowledge", "respond", "resolve"]).map((promise) => {
    const within = level[/** @type {const} */ (`${promise}_ns`)] ?? 0;
    return { promise, within_ns: within, due: new Date(opened + within / 1e6).toISOString() };
  });
}

/** @param {Incident} i @param {"acknowledge" | "respond" | "resolve"} promise @param {string} at */
function keep(i, promise, at) {
  const d = i.deadlines?.find((x) => x.promise === promise && !x.met);
  if (!d) return;
  d.met = at;
  if (d.due && d.due < at) d.missed = true;
}

/** Takes an incident, as by claiming it. @param {Incident} i @param {string} who @param {string} officer @param {string} at */
export function give(i, who, officer, at) {
  if (i.state === "new") {
    i.state = "acknowledged";
    i.course = { ...i.course, acknowledged: at };
    keep(i, "acknowledge", at);
  }
  i.assignment = { ...i.assignment, officer, by: who, at };
}

let entries = 0;
/** @template T @param {T[] | undefined} list @param {T} item */
const more = (list, item) => [...(list ?? []), item];

/**
 * The steps that change a record, by route. Each returns the word of its log entry, or
 * throws what the server would answer.
 * @type {Record<string, (i: Incident, sent: any, who: string, at: string, last: string) => string | [string, string]>}
 */
export const steps = {
  "POST claim": (i, _, who, at) => {
    const has = i.assignment?.officer;
    if (has && has !== who) throw refuse(409, `claim: ${has} has it: somebody else has it`);
    if (i.state === "closed") throw refuse(409, "claim: the incident is closed: not possible in this state");
    give(i, who, who, at);
    return "claimed";
  },
  "POST assign": (i, sent, who, at) => (give(i, who, sent.officer, at), ["assigned", sent.reason ?? ""]),
  "POST hand-over": (i, sent, who, at) => (give(i, who, sent.officer, at), ["handed over", sent.note]),
  "POST escalate": (i, sent, who, at) => {
    give(i, who, sent.officer, at);
    if (sent.severity) i.severity = sent.severity;
    return ["escalated", sent.reason];
  },
  "POST release": (i, sent) => {
    i.assignment = {};
    return ["released", sent.note];
  },
  "POST respond": (i, sent, _, at) => {
    i.course = { ...i.course, responded: at };
    keep(i, "respond", at);
    return ["responded", sent.note];
  },
  "POST wait": (i, sent, who, at) => {
    i.waiting = { for: sent.for, by: who, since: at };
    for (const d of i.deadlines ?? []) {
      if (d.promise !== "resolve" || d.met) continue;
      d.left_ns = (Date.parse(d.due ?? at) - Date.parse(at)) * 1e6;
      d.paused = sent.for;
      delete d.due;
    }
    return [`waits for ${sent.for}`, sent.note];
  },
  "POST resume": (i, sent, _, at) => {
    delete i.waiting;
    for (const d of i.deadlines ?? []) {
      if (!d.paused) continue;
      d.due = new Date(Date.parse(at) + (d.left_ns ?? 0) / 1e6).toISOString();
      delete d.paused;
    }
    return ["resumed", sent.note];
  },
  "POST resolve": (i, sent, who, at) => {
    i.state = "resolved";
    i.course = { ...i.course, resolved: at };
    keep(i, "respond", at);
    keep(i, "resolve", at);
    i.resolution = { ...sent, by: who, at };
    return "resolved";
  },
  "POST reopen": (i, sent) => {
    i.state = "acknowledged";
    delete i.resolution;
    return ["reopened", sent.reason];
  },
  "PUT description": (i, sent) => {
    i.description = sent.description;
    return "described";
  },
  "PUT triage": (i, sent) => {
    i.triage = { ...i.triage, type: sent.type, sub: sent.sub, tags: sent.tags };
    const steps = policy.types.find((t) => t.id === sent.type)?.checklist ?? [];
    i.investigation = { ...i.investigation, tasks: steps.map((s, n) => ({ id: `${sent.type}-${n + 1}`, ...s })) };
    return "classified";
  },
  "PUT severity": (i, sent) => {
    i.severity = sent.severity || policy.matrix[sent.impact - 1]?.[sent.likelihood - 1];
    i.triage = { ...i.triage, impact: sent.impact, likelihood: sent.likelihood, reason: sent.reason ?? `matrix ${sent.impact} × ${sent.likelihood}` };
    return "rated";
  },
  "PUT review": (i, sent, who, at) => {
    i.review = { ...sent, by: who, at };
    return "reviewed";
  },
  "POST notes": (_, sent) => ["noted", sent.text],
  "POST tasks": (i, sent) => {
    i.investigation = { ...i.investigation, tasks: more(i.investigation?.tasks, { id: `t${++entries}`, ...sent }) };
    return ["task added", sent.text];
  },
  "PUT tasks": (i, sent, who, at, last) => {
    const t = i.investigation?.tasks?.find((x) => x.id === last);
    if (!t) throw refuse(404, "the incident has no such entry");
    delete t.done;
    delete t.skipped;
    if (sent.action === "done") Object.assign(t, { done: at, done_by: who });
    if (sent.action === "skip") Object.assign(t, { skipped: sent.why, done_by: who });
    return [sent.action === "done" ? "task done" : sent.action === "skip" ? "task skipped" : "task open again", t.text];
  },
  "POST statements": (i, sent, who, at) => {
    i.investigation = { ...i.investigation, statements: more(i.investigation?.statements, { id: `s${++entries}`, taken_at: at, ...sent, by: who, at }) };
    return ["statement added", sent.witness];
  },
  "POST subjects": (i, sent, who, at) => {
    i.investigation = { ...i.investigation, subjects: more(i.investigation?.subjects, { id: `p${++entries}`, ...sent, by: who, at }) };
    return ["subject added", `${sent.kind}, ${sent.role}`];
  },
  "POST marks": (i, sent, who, at) => {
    i.investigation = { ...i.investigation, marks: more(i.investigation?.marks, { id: `m${++entries}`, ...sent, by: who, at }) };
    return ["mark added", sent.text];
  },
  "POST exhibits": (i, sent, who, at) => {
    const object = { role: /** @type {const} */ ("exhibit"), key: "", type: "", size: 0, sha256: "" };
    i.investigation = { ...i.investigation, exhibits: more(i.investigation?.exhibits, { id: `x${++entries}`, ...sent, object, by: who, at }) };
    return ["exhibit added", sent.camera];
  },
  "POST effort": (i, sent, who, at) => {
    const timing = !sent.spent_ns;
    i.investigation = { ...i.investigation, effort: more(i.investigation?.effort, { id: `e${++entries}`, who, from: at, spent_ns: 0, ...sent, timing }) };
    return timing ? "timer started" : "time logged";
  },
  "POST effort/stop": (i, _, who, at) => {
    const e = i.investigation?.effort?.find((x) => x.timing && x.who === who);
    if (!e) throw refuse(409, "timer: none of yours runs: not possible in this state");
    e.timing = false;
    e.spent_ns = (Date.parse(at) - Date.parse(e.from)) * 1e6;
    return "timer stopped";
  },
  "POST deliveries": (i, sent, who, at) => {
    i.deliveries = more(i.deliveries, { id: `d${++entries}`, ...sent, by: who, at });
    return ["evidence delivered", `to ${sent.to}: ${sent.why}`];
  },
};

/** @param {number} status @param {string} detail */
export const refuse = (status, detail) => Object.assign(new Error(detail), { status });

/** @param {readonly Person[]} people @returns {import("../../src/api/types").Suggestion} */
export const suggestion = (people) => ({
  officers: [
    { user: "j.brandt", name: "Jonas Brandt", distance_m: 90, same_site: true, open: 0, reasons: ["90 m away", "on shift until 06:00", "first aid", "nothing else open"] },
    { user: "e.okafor", name: "Ebele Okafor", distance_m: 410, same_site: true, open: 2, reasons: ["410 m away", "2 others open"] },
  ],
  left_out: people.filter((p) => p.away).map((p) => ({ user: p.user, name: p.name, same_site: false, open: 0, reasons: [`away: ${p.away}`] })),
});

/**
 * Those of the same zone are alike, and so is the series that one of them belongs to.
 * @param {Incident} i @param {readonly Incident[]} all @param {readonly import("../../src/api/ledger").Series[]} series
 * @returns {import("../../src/api/types").Likeness}
 */
export function likeness(i, all, series) {
  const items = all.filter((x) => x.id !== i.id && x.camera === i.camera && x.zone === i.zone).slice(0, 5).map((x, n) => ({
    incident: x.id, number: x.number, camera: x.camera, zone: x.zone, kind: x.kind, state: x.state, severity: x.severity, alarm: x.alarm, score: 0.82 - n * 0.07,
    ...(x.linked?.series ? { series: x.linked.series } : {}),
    reasons: [
      { factor: "place", text: `${x.camera} / ${x.zone}, the same place`, score: 1, weight: 3 }, { factor: "hour", text: "the same hour of the night", score: 0.9, weight: 2 },
    ],
  }));
  const hints = series.filter((s) => s.state === "open").map((s) => ({ s, of: items.filter((x) => x.series === s.id) })).filter(({ of }) => of.length > 0);
  return { items, least: 0.5, series: hints.map(({ s, of }) => ({ id: s.id, number: s.number, name: s.name, matches: of.length, score: of[0]?.score ?? 0 })) };
}

/** @returns {import("../../src/api/types").Channel[]} */
export const channels = () => [
  {
    name: "chief", type: "mail", target: "chief@example.org", kinds: ["missed", "escalated"], min_severity: "high", groups: [], schedule: [], still: true,
    rate_most: 10, rate_within_ns: 10 * minute, waiting: 0, delivered: 12, failed: 0, errors: 1, failures: 0, last_sent: "2026-11-22T21:40:00Z",
  },
  {
    name: "pager", type: "webhook", target: "hooks.example.org", kinds: [], min_severity: "critical", groups: ["outside"], schedule: [], still: false,
    rate_most: 0, rate_within_ns: 0, waiting: 3, delivered: 4, failed: 0, errors: 5, failures: 5, failing_since: "2026-11-22T21:52:00Z",
    last_error: "the receiver answered 503",
  },
];
