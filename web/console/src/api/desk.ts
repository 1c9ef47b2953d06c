import { ApiError, api, request } from "./client";
import type { PlannedChange } from "../lib/steps";
import type {
  BulkResult, Channel, Delivery, Dispatch, Duplicate, Effort, Exhibit, Grant, Incident, Likeness, Mark, Named, NewToken, Nuisance, Person, Policy, Position, Profile, Resolution,
  Review, Right, Schedule, Severity, Statement, Subject, Suggestion, Task, Token,
} from "./types";

const id = encodeURIComponent;
const path = (i: { id: string }, step: string) => `/api/incidents/${id(i.id)}/${step}`;

/** What a change was made on: the server refuses it when somebody has changed the record since. */
const on = (i: { edition: number }) => ({ "If-Match": `"e${i.edition}"` });

/** A repeat of the same request changes nothing and answers the same. */
const once = () => ({ "Idempotency-Key": crypto.randomUUID() });

const add = (i: Incident, step: string, body: unknown) => request<Incident>("POST", path(i, step), body, undefined, once());
const act = (i: Incident, step: string, body: unknown = {}) => request<Incident>("POST", path(i, step), body);
const put = (i: Incident, step: string, body: unknown) => request<Incident>("PUT", path(i, step), body, undefined, on(i));

/** What somebody who reports an occurrence says of it. */
export interface Report {
  origin: string;
  site?: string;
  camera?: string;
  zone?: string;
  occurred: string;
  type?: string;
  description: string;
  severity?: Severity;
  impact?: number;
  likelihood?: number;
  footage?: { camera: string; from: string; to: string };
}

/** The steps of an incident's life, and what they are done with. */
export const desk = {
  policy: (signal?: AbortSignal) => request<Policy>("GET", "/api/policy", undefined, signal),
  open: (r: Report) => request<Incident>("POST", "/api/incidents", r, undefined, once()),
  acknowledgeMany: (incidents: string[], reason: string) => request<BulkResult[]>("POST", "/api/incidents/bulk", { incidents, action: "acknowledge", reason }),
  judgeMany: (incidents: string[], action: "judge" | "acknowledge_and_judge", nuisance: Nuisance, reason: string) =>
    request<BulkResult[]>("POST", "/api/incidents/bulk", { incidents, action, verdict: "nuisance", nuisance, reason }),

  describe: (i: Incident, description: string) => put(i, "description", { description }),
  classify: (i: Incident, type: string, sub: string, tags: string[]) => put(i, "triage", { type, sub, tags }),
  rate: (i: Incident, impact: number, likelihood: number) => put(i, "severity", { impact, likelihood }),
  setSeverity: (i: Incident, severity: string, reason: string) => put(i, "severity", { severity, reason }),

  claim: (i: Incident) => act(i, "claim"),
  release: (i: Incident, note: string) => act(i, "release", { note }),
  assign: (i: Incident, officer: string, reason: string) => act(i, "assign", { officer, reason }),
  handOver: (i: Incident, to: string, note: string) => act(i, "hand-over", { officer: to, note }),
  escalate: (i: Incident, to: string, reason: string, severity: string) => act(i, "escalate", { officer: to, reason, ...(severity ? { severity } : {}) }),
  suggest: (i: { id: string }, signal?: AbortSignal) => request<Suggestion>("GET", path(i, "suggest"), undefined, signal),

  respond: (i: Incident, note: string) => act(i, "respond", { note }),
  wait: (i: Incident, what: string, note: string) => act(i, "wait", { for: what, note }),
  resume: (i: Incident, note: string) => act(i, "resume", { note }),
  resolve: (i: Incident, r: Omit<Resolution, "by" | "at">) => request<Incident>("POST", path(i, "resolve"), r, undefined, i.resolution ? on(i) : {}),
  close: (i: Incident, note: string) => act(i, "close", { note }),
  reopen: (i: Incident, reason: string) => act(i, "reopen", { reason }),

  note: (i: Incident, text: string) => add(i, "notes", { text }),
  addTask: (i: Incident, t: Pick<Task, "stage" | "text"> & Partial<Pick<Task, "owner" | "due">>) => add(i, "tasks", t),
  tick: (i: Incident, task: string, done: boolean) => request<Incident>("PUT", path(i, `tasks/${id(task)}`), { action: done ? "done" : "open" }),
  skip: (i: Incident, task: string, why: string) => request<Incident>("PUT", path(i, `tasks/${id(task)}`), { action: "skip", why }),
  addStatement: (i: Incident, s: Pick<Statement, "witness" | "text"> & Partial<Pick<Statement, "contact" | "taken_at">>) => add(i, "statements", s),
  addSubject: (i: Incident, s: Pick<Subject, "kind" | "role" | "text"> & Partial<Pick<Subject, "plate" | "name">>) => add(i, "subjects", s),
  addMark: (i: Incident, m: Pick<Mark, "when" | "text">) => add(i, "marks", m),
  addExhibit: (i: Incident, x: Pick<Exhibit, "camera" | "from" | "to"> & Partial<Pick<Exhibit, "note">>) => add(i, "exhibits", x),
  startTimer: (i: Incident, note: string) => add(i, "effort", note ? { note } : {}),
  stopTimer: (i: Incident) => act(i, "effort/stop"),
  addEffort: (i: Incident, e: Pick<Effort, "spent_ns"> & Partial<Pick<Effort, "note">>) => add(i, "effort", e),
  addDelivery: (i: Incident, d: Pick<Delivery, "to" | "why" | "how"> & Partial<Pick<Delivery, "reference" | "sha256">>) => add(i, "deliveries", d),
  changeDone: (i: Incident, change: string) => act(i, `review/changes/${id(change)}/done`),
  saveReview: (i: Incident, r: Omit<Review, "by" | "at" | "changes"> & { changes?: PlannedChange[] }) => put(i, "review", r),

  /** Incidents like this one; undefined where the server does not look for them. */
  similar: async (incident: string, signal?: AbortSignal) => {
    try {
      return await request<Likeness>("GET", path({ id: incident }, "similar"), undefined, signal);
    } catch (err) {
      if (err instanceof ApiError && (err.status === 404 || err.status === 501)) return undefined;
      throw err;
    }
  },
  duplicates: (i: { id: string }, signal?: AbortSignal) => request<Duplicate[]>("GET", path(i, "duplicates"), undefined, signal),
  merge: (i: Incident, from: string, reason: string) => act(i, "merge", { incidents: [from], reason }),
  unmerge: (i: Incident, reason: string) => act(i, "unmerge", { reason }),
  /** Takes another one out of this one, which it was merged into; answers this one. */
  part: async (i: Incident, from: string, reason: string) => {
    await request<Incident>("POST", path({ id: from }, "unmerge"), { reason });
    return api.incident(i.id);
  },
  /** Answers this one, without the events that are an incident of their own now. */
  split: async (i: Incident, events: number[], reason: string) => {
    await request<Incident>("POST", path(i, "split"), { events, reason });
    return api.incident(i.id);
  },
};

/** What an administrator sets of a person. */
export interface PersonFields {
  name: string;
  email?: string;
  grants: Grant[];
  skills?: string[];
  shift?: Schedule[];
  site?: string;
  position?: Position;
}

const person = (user: string, step = "") => `/api/people/${id(user)}${step && `/${step}`}`;
const edition = (p: Person) => ({ "If-Match": `"e${p.account?.edition ?? 0}"` });

/** Who works here, and what they may do. */
export const people = {
  list: async (signal?: AbortSignal) => {
    const all: Person[] = [];
    for (let after = ""; ; ) {
      const page = await request<{ items: Person[]; next: string }>("GET", `/api/people?limit=200${after && `&after=${id(after)}`}`, undefined, signal);
      all.push(...page.items);
      if (!page.next) return all;
      after = page.next;
    }
  },
  add: (user: string, fields: PersonFields) => request<{ person: Person; password: string }>("POST", "/api/people", { user, ...fields }, undefined, once()),
  change: (p: Person, fields: PersonFields) => request<Person>("PUT", person(p.user), fields, undefined, edition(p)),
  suspend: (p: Person) => request<Person>("POST", person(p.user, "suspend")),
  reinstate: (p: Person) => request<Person>("POST", person(p.user, "reinstate")),
  unlock: (p: Person) => request<Person>("POST", person(p.user, "unlock")),
  reset: (p: Person) => request<{ person: Person; password: string }>("POST", person(p.user, "password")),
  names: async (users: readonly string[]) =>
    (await request<{ items: Named[] }>("GET", `/api/names?${new URLSearchParams(users.map((u) => ["user", u]))}`)).items,
  me: () => request<Profile>("GET", "/api/people/me"),
  setMe: (a: { away?: string; site?: string; position?: Position }) => request<Profile>("PUT", "/api/people/me", a),

  tokens: (all: boolean, signal?: AbortSignal) => request<{ items: Token[] }>("GET", `/api/tokens${all ? "?all=true" : ""}`, undefined, signal),
  addToken: (t: { name: string; rights: Right[]; groups?: string[]; expires?: string }) =>
    request<NewToken>("POST", "/api/tokens", t),
  revoke: (t: Token) => request<void>("DELETE", `/api/tokens/${id(t.id)}`),
};

export const notify = {
  channels: () => request<{ items: Channel[]; dropped: number }>("GET", "/api/notify"),
  test: (channel: string) => request<Dispatch>("POST", `/api/notify/${id(channel)}/test`),
  deliveries: (after = "") => request<{ items: Dispatch[]; next: string }>("GET", `/api/notify/deliveries?limit=50${after && `&after=${id(after)}`}`),
};

