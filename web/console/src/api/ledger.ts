// Reports, the log book, hand-overs and series.
import { api, request } from "./client";
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Summary = Schemas["Summary"];
export type SummaryRow = Schemas["SummaryRow"];
export type Handling = Schemas["Handling"];
export type LogBook = Schemas["LogBook"];
export type Handover = Schemas["Handover"];
export type HandoverDraft = Schemas["HandoverDraft"];
export type HandoverSheet = Schemas["HandoverSheet"];
export type JournalEntry = Schemas["JournalEntry"];
export type Series = Schemas["Series"];
export type SeriesAnswer = Schemas["SeriesAnswer"];

const id = encodeURIComponent;
const once = () => ({ "Idempotency-Key": crypto.randomUUID() });

/** What a summary is asked for; empty does not limit. */
export interface SummaryQuery {
  from: number;
  to: number;
  by: string;
  site?: string;
  camera?: string;
}

function summarySearch(q: SummaryQuery): URLSearchParams {
  const p = new URLSearchParams({ from: new Date(q.from).toISOString(), to: new Date(q.to).toISOString() });
  if (q.site) p.set("site", q.site);
  if (q.camera) p.set("camera", q.camera);
  return p;
}

export const summaryCSV = (q: SummaryQuery) => `/api/reports/summary.csv?${summarySearch(q)}`;
export const logBookCSV = (day: string, site: string) => `/api/logbook.csv?${new URLSearchParams({ day, ...(site ? { site } : {}) })}`;

export const ledger = {
  summary: (q: SummaryQuery, signal?: AbortSignal) => {
    const p = summarySearch(q);
    p.append("by", "all");
    p.append("by", q.by);
    return request<Summary>("GET", `/api/reports/summary?${p}`, undefined, signal);
  },
  logBook: (day: string, site: string, signal?: AbortSignal) =>
    request<LogBook>("GET", `/api/logbook?${new URLSearchParams({ day, ...(site ? { site } : {}) })}`, undefined, signal),
  write: (e: { kind: string; text: string; measures?: string; site?: string; corrects?: number }) =>
    request<JournalEntry>("POST", "/api/journal", e, undefined, once()),
  draft: (site: string, hours: number, now: number, signal?: AbortSignal) =>
    request<HandoverDraft>("GET", `/api/handover?${new URLSearchParams({ from: new Date(now - hours * 3_600_000).toISOString(), ...(site ? { site } : {}) })}`, undefined, signal),
  handOver: (site: string, from: string, notes: string) =>
    request<Handover>("POST", "/api/handovers", { from, notes, ...(site ? { site } : {}) }, undefined, once()),
  handovers: (signal?: AbortSignal) => request<{ items: Handover[] }>("GET", "/api/handovers?limit=20", undefined, signal),
  take: (handover: string, remark: string) => request<Handover>("POST", `/api/handovers/${id(handover)}/take`, { remark }),

  allSeries: (after: string, signal?: AbortSignal) =>
    request<{ items: Series[]; next: string }>("GET", `/api/series?limit=50${after ? `&after=${id(after)}` : ""}`, undefined, signal),
  series: (series: string, signal?: AbortSignal) => request<SeriesAnswer>("GET", `/api/series/${id(series)}`, undefined, signal),
  begin: (name: string, incidents: string[], note: string) =>
    request<SeriesAnswer>("POST", "/api/series", { name, incidents, note }, undefined, once()),
  describe: (s: Series, name: string, description: string) =>
    request<SeriesAnswer>("PUT", `/api/series/${id(s.id)}`, { name, description }, undefined, { "If-Match": `"e${s.edition}"` }),
  /** The ID of the incident that people call by a number; empty when there is none that they may see. */
  numbered: async (number: number) =>
    (await request<{ items: { id: string }[] }>("GET", `/api/incidents?number=${number}&limit=1`)).items[0]?.id ?? "",
  addTo: (series: string, incidents: string[], note: string) =>
    request<SeriesAnswer>("POST", `/api/series/${id(series)}/incidents`, { incidents, note }),
  /** Answers the incident as it is after a change of a series. */
  joined: async (i: { id: string }, change: () => Promise<SeriesAnswer>) => {
    await change();
    return api.incident(i.id);
  },
  takeFrom: (series: string, incident: string, reason: string) =>
    request<SeriesAnswer>("DELETE", `/api/series/${id(series)}/incidents/${id(incident)}`, { reason }),
  turn: (series: string, to: "close" | "reopen", reason: string) => request<SeriesAnswer>("POST", `/api/series/${id(series)}/${to}`, { reason }),
  deliver: (series: string, d: { to: string; why: string; how: string; reference?: string }) =>
    request<SeriesAnswer>("POST", `/api/series/${id(series)}/deliveries`, d, undefined, once()),
};
