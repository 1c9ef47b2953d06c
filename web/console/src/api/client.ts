import type { Camera, Incident, IncidentPage, Judgement, Nuisance, PrecisionReport, Session, Status } from "./types";

/** What the server refused, in its own words (RFC 9457) and with its status. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** Seconds after which it is worth trying again; 0 when the server did not say. */
    readonly retryAfter = 0,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** The server could not be reached at all. */
export class OfflineError extends Error {
  constructor() {
    super("The server does not answer. Check that vedette runs and that this machine has a connection to it.");
    this.name = "OfflineError";
  }
}

let unauthorised = () => {};

/** Calls back whenever a request finds that the session is over. */
export function onUnauthorised(fn: () => void) {
  unauthorised = fn;
}

async function request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      signal: signal ?? null,
      credentials: "same-origin",
      headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? null : JSON.stringify(body),
    });
  } catch (err) {
    if (signal?.aborted) throw err;
    throw new OfflineError();
  }
  if (!response.ok) {
    if (response.status === 401 && path !== "/api/session") unauthorised();
    throw await problem(response);
  }
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

async function problem(response: Response): Promise<ApiError> {
  let text = "";
  try {
    const body: unknown = await response.json();
    if (body && typeof body === "object") {
      const { detail, title, errors } = body as { detail?: string; title?: string; errors?: { message?: string }[] };
      const details = (errors ?? []).map((e) => e.message).filter(Boolean);
      text = [detail ?? title ?? "", ...details].filter(Boolean).join(": ");
    }
  } catch {
    // Not JSON: a proxy answered. The status has to do.
  }
  const retry = Number(response.headers.get("Retry-After"));
  return new ApiError(response.status, text || `The server answered ${response.status}.`, Number.isFinite(retry) ? retry : 0);
}

/** The filters of a list; an empty array does not limit. */
export interface Filter {
  state: string[];
  camera: string[];
  zone: string[];
  kind: string[];
  severity: string[];
  verdict: string[];
}

export function listQuery(filter: Partial<Filter>, order: "queue" | "newest", limit: number, after?: string): string {
  const q = new URLSearchParams();
  for (const key of ["state", "camera", "zone", "kind", "severity", "verdict"] as const) {
    for (const value of filter[key] ?? []) q.append(key, value);
  }
  q.set("order", order);
  q.set("limit", String(limit));
  if (after) q.set("after", after);
  return q.toString();
}

const id = encodeURIComponent;

/** What a person says of an alarm. */
export interface Saying {
  verdict?: Judgement["verdict"];
  reason?: Nuisance;
  note?: string;
}

export const api = {
  session: () => request<Session>("GET", "/api/session"),
  login: (user: string, password: string) => request<Session>("POST", "/api/session", { user, password }),
  logout: () => request<void>("DELETE", "/api/session"),
  changePassword: (old: string, next: string) => request<void>("PUT", "/api/session/password", { old, new: next }),

  incidents: (filter: Partial<Filter>, order: "queue" | "newest", limit: number, after?: string, signal?: AbortSignal) =>
    request<IncidentPage>("GET", `/api/incidents?${listQuery(filter, order, limit, after)}`, undefined, signal),
  incident: (incident: string, signal?: AbortSignal) =>
    request<Incident>("GET", `/api/incidents/${id(incident)}`, undefined, signal),
  /** Claims; what the person says of the alarm may come with it. */
  acknowledge: (incident: string, said: Saying = {}) =>
    request<Incident>("POST", `/api/incidents/${id(incident)}/acknowledge`, said),
  judge: (incident: string, said: Saying) => request<Incident>("POST", `/api/incidents/${id(incident)}/judgement`, said),
  close: (incident: string, note?: string) =>
    request<Incident>("POST", `/api/incidents/${id(incident)}/close`, note ? { note } : {}),

  /** The hours are those of this browser's clock, as all times in the console are. */
  precision: (q: { from: number; to: number; camera: string }, signal?: AbortSignal) => {
    const p = new URLSearchParams({ from: new Date(q.from).toISOString(), to: new Date(q.to).toISOString() });
    if (q.camera) p.set("camera", q.camera);
    const place = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (place) p.set("time_zone", place);
    return request<PrecisionReport>("GET", `/api/reports/precision?${p}`, undefined, signal);
  },

  cameras: (signal?: AbortSignal) => request<{ items: Camera[] }>("GET", "/api/cameras", undefined, signal),
  status: (signal?: AbortSignal) => request<Status>("GET", "/api/status", undefined, signal),
};

export const clipURL = (incident: string, version: string) => `/api/incidents/${id(incident)}/clip?v=${id(version)}`;
export const whyURL = (incident: string) => `/api/incidents/${id(incident)}/why`;
export const maskURL = (incident: string) => `/api/incidents/${id(incident)}/mask`;
export const pictureURL = (incident: string) => `/api/incidents/${id(incident)}/picture`;

/** The newest picture of a camera as an object URL, to be revoked by whoever takes it, and when it was taken. */
export async function fetchPicture(camera: string, signal: AbortSignal): Promise<{ url: string; taken: number }> {
  const response = await fetch(`/api/cameras/${id(camera)}/picture`, { signal, cache: "no-store", credentials: "same-origin" });
  if (!response.ok) throw await problem(response);
  const url = URL.createObjectURL(await response.blob());
  return { url, taken: Date.parse(response.headers.get("Last-Modified") ?? "") };
}
