import type {
  Box, Camera, CopyProgress, Coverage, CustodyPage, Incident, IncidentPage, Integrity, Judgement, KeyEntry, Moved, Nuisance, PrecisionReport, Retention,
  Session, Status,
} from "./types";

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

export async function request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal, more: Record<string, string> = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      signal: signal ?? null,
      credentials: "same-origin",
      headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...more },
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
  officer: string[];
  type: string[];
  site: string[];
  /** true: those of which a promise is late. */
  overdue: string;
  camera: string[];
  zone: string[];
  kind: string[];
  severity: string[];
  verdict: string[];
  label: string[];
  footage: string[];
  held: string;
  /** Seconds that it lasted at least. */
  min_dwell: string;
  text: string;
  /** RFC 3339. */
  from: string;
  to: string;
}

export function listQuery(filter: Partial<Filter>, order: "queue" | "newest", limit: number, after?: string): string {
  const q = new URLSearchParams();
  for (const key of ["state", "officer", "type", "site", "camera", "zone", "kind", "severity", "verdict", "label", "footage"] as const) {
    for (const value of filter[key] ?? []) q.append(key, value);
  }
  for (const key of ["overdue", "held", "min_dwell", "text", "from", "to"] as const) {
    const value = filter[key];
    if (value) q.set(key, value);
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

  custodyOf: (incident: string, signal?: AbortSignal) =>
    request<CustodyPage>("GET", `/api/incidents/${id(incident)}/custody`, undefined, signal),
  custody: (before: string, signal?: AbortSignal) =>
    request<CustodyPage>("GET", `/api/custody?limit=100${before ? `&before=${id(before)}` : ""}`, undefined, signal),
  keys: (signal?: AbortSignal) => request<{ items: KeyEntry[] }>("GET", "/api/keys", undefined, signal),
  integrity: (incident: string, files: boolean, signal?: AbortSignal) =>
    request<Integrity>("GET", `/api/incidents/${id(incident)}/integrity${files ? "?files=true" : ""}`, undefined, signal),
  retention: (incident: string, signal?: AbortSignal) =>
    request<Retention>("GET", `/api/incidents/${id(incident)}/retention`, undefined, signal),
  hold: (incident: string, why: string, until?: string) =>
    request<Incident>("POST", `/api/incidents/${id(incident)}/hold`, { why, ...(until ? { until } : {}) }),
  release: (incident: string, why: string) => request<Incident>("DELETE", `/api/incidents/${id(incident)}/hold`, { why }),

  recallCameras: (signal?: AbortSignal) => request<{ items: string[] }>("GET", "/api/recall", undefined, signal),
  coverage: (camera: string, from: number, to: number, signal?: AbortSignal) =>
    request<Coverage>("GET", `/api/recall/${id(camera)}/coverage?${range(from, to)}`, undefined, signal),
  moved: (camera: string, from: number, to: number, region: Box, signal?: AbortSignal) => {
    const q = range(from, to);
    q.set("x0", String(region.x));
    q.set("y0", String(region.y));
    q.set("x1", String(Math.min(1, region.x + region.w)));
    q.set("y1", String(Math.min(1, region.y + region.h)));
    return request<{ items: Moved[]; truncated: boolean }>("GET", `/api/recall/${id(camera)}/moved?${q}`, undefined, signal);
  },

  cameras: (signal?: AbortSignal) => request<{ items: Camera[] }>("GET", "/api/cameras", undefined, signal),
  status: (signal?: AbortSignal) => request<Status>("GET", "/api/status", undefined, signal),
};

function range(from: number, to: number): URLSearchParams {
  return new URLSearchParams({ from: new Date(from).toISOString(), to: new Date(to).toISOString() });
}

/**
 * Makes an exhibit package and brings it, telling how much there is so far. It is not known
 * beforehand how much it will be.
 */
export async function fetchExhibit(
  incidents: string[],
  why: string,
  progress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<{ blob: Blob; name: string }> {
  const response = await fetch("/api/exhibits", {
    method: "POST", signal, credentials: "same-origin", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ incidents, why }),
  });
  if (response.status === 401) unauthorised();
  if (!response.ok || !response.body) throw await problem(response);
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let sum = 0;
  const reader = response.body.getReader();
  for (;;) {
    // A connection that is cut throws: half a package is none.
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
    sum += value.length;
    progress(sum);
  }
  const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1] ?? "exhibit.zip";
  return { blob: new Blob(pieces, { type: "application/zip" }), name };
}

/**
 * Waits until the copy of a clip is made, which it is because it is asked for; tells its
 * share, 0..1, or undefined while that is not known.
 */
export async function copyReady(url: string, progress: (share: number | undefined) => void, signal: AbortSignal): Promise<void> {
  for (;;) {
    const response = await fetch(url, { signal, credentials: "same-origin", headers: { Range: "bytes=0-0" } });
    if (response.status === 401) unauthorised();
    if (!response.ok) throw await problem(response);
    if (response.status !== 202) {
      await response.body?.cancel();
      return;
    }
    const { done, total } = (await response.json()) as CopyProgress;
    progress(total > 0 ? Math.min(1, done / total) : undefined);
    const again = Number(response.headers.get("Retry-After")) || 1;
    await new Promise((next) => setTimeout(next, again * 1000));
    signal.throwIfAborted();
  }
}

/** Which times a recalled clip really shows, in milliseconds; it may begin earlier than asked, on a key frame. */
export async function recallTimes(url: string, signal: AbortSignal): Promise<{ from: number; to: number }> {
  const response = await fetch(url, { method: "HEAD", signal, credentials: "same-origin" });
  if (response.status === 401) unauthorised();
  if (response.status === 404) throw new ApiError(404, "There is no footage of this time.");
  if (!response.ok) throw new ApiError(response.status, `The footage cannot be had now (${response.status}).`);
  return { from: Date.parse(response.headers.get("Footage-From") ?? ""), to: Date.parse(response.headers.get("Footage-To") ?? "") };
}

export const recallURL = (camera: string, from: number, to: number) => `/api/recall/${id(camera)}/clip.mp4?${range(from, to)}`;
export const playableURL = (incident: string) => `/api/incidents/${id(incident)}/playable`;
export const manifestURL = (incident: string) => `/api/incidents/${id(incident)}/manifest`;
export const signatureURL = (incident: string) => `/api/incidents/${id(incident)}/signature`;
export const clipURL = (incident: string, version: string) => `/api/incidents/${id(incident)}/clip?v=${id(version)}`;
export const whyURL = (incident: string) => `/api/incidents/${id(incident)}/why`;
export const attachmentURL = (incident: string, attachment: string) => `/api/incidents/${id(incident)}/attachments/${id(attachment)}`;
export const exhibitURL = (incident: string, exhibit: string) => `/api/incidents/${id(incident)}/exhibits/${id(exhibit)}/clip.mp4`;
export const maskURL = (incident: string) => `/api/incidents/${id(incident)}/mask`;
export const pictureURL = (incident: string) => `/api/incidents/${id(incident)}/picture`;

/** The newest picture of a camera as an object URL, to be revoked by whoever takes it, and when it was taken. */
export async function fetchPicture(camera: string, signal: AbortSignal): Promise<{ url: string; taken: number }> {
  const response = await fetch(`/api/cameras/${id(camera)}/picture`, { signal, cache: "no-store", credentials: "same-origin" });
  if (!response.ok) throw await problem(response);
  const url = URL.createObjectURL(await response.blob());
  return { url, taken: Date.parse(response.headers.get("Last-Modified") ?? "") };
}

/**
 * Attaches a file, telling how much of it is sent. fetch cannot tell that, so this is an
 * XMLHttpRequest. The same file sent again after a cut connection is attached once.
 */
export function uploadAttachment(incident: string, file: File, progress: (sent: number) => void, signal: AbortSignal): Promise<Incident> {
  return new Promise((done, fail) => {
    const x = new XMLHttpRequest();
    x.open("POST", `/api/incidents/${id(incident)}/attachments?name=${id(file.name)}`);
    x.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    x.setRequestHeader("Accept", "application/json");
    x.setRequestHeader("Idempotency-Key", `${file.name.slice(0, 60).replace(/[^\x21-\x7e]/g, "_")}-${file.size}-${file.lastModified}`);
    x.upload.onprogress = (e) => progress(e.loaded);
    x.onerror = () => fail(new OfflineError());
    x.onabort = () => fail(new DOMException("stopped", "AbortError"));
    x.onload = () => {
      if (x.status === 401) unauthorised();
      // A status of 204 or 304 forbids a body, and neither comes here.
      const answer = new Response(x.responseText, { status: x.status >= 200 ? x.status : 500 });
      if (x.status >= 200 && x.status < 300) answer.json().then(done, fail);
      else problem(answer).then(fail, fail);
    };
    signal.addEventListener("abort", () => x.abort());
    x.send(file);
  });
}
