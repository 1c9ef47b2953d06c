// The nouns that the server sends, as package models writes them to JSON. Durations are
// nanoseconds, times RFC 3339, coordinates fractions of the picture. A Go slice that was
// never filled arrives as null. types.test.ts holds them against the OpenAPI document.

export type Severity = "low" | "medium" | "high" | "critical";
export type State = "new" | "acknowledged" | "closed";
export type Kind = "motion" | "loitering" | (string & {});
export type FootageState = "recording" | "pending" | "stored" | "none";
export type Connection = "connecting" | "connected" | "disconnected";
export type Clock = "arrival" | "camera" | "file";
export type Cause =
  | "packet_loss"
  | "camera_lost"
  | "restart"
  | "disk"
  | "overrun"
  | "not_buffered"
  | "stream"
  | (string & {});

export interface Point {
  x: number;
  y: number;
}

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface Instant {
  media_ns: number;
  wall: string;
}

export interface PathPoint {
  at: Instant;
  foot: Point;
  box: Box;
  seen: boolean;
}

export interface Fact {
  name: string;
  observed: number;
  threshold: number;
  unit: string;
}

export interface Rule {
  kind: Kind;
  severity: Severity;
  labels?: string[] | null;
  min_score?: number;
  dwell_ns?: number;
  grace_ns?: number;
  merge_ns?: number;
}

export interface Zone {
  id: string;
  polygon: Point[] | null;
  rules: Rule[] | null;
}

export interface Event {
  id: number;
  phase: "began" | "ended";
  camera: string;
  zone: string;
  rule: Rule;
  track: number;
  label: string;
  score: number;
  start: Instant;
  alarm: Instant;
  end: Instant;
  box: Box;
  path: PathPoint[] | null;
  why: Fact[] | null;
  config: string;
  identity?: string;
}

export interface Gap {
  from: string;
  to: string;
  cause: Cause;
  lost?: number;
  note?: string;
}

export interface EvidenceObject {
  role: "clip" | "still" | "picture" | "manifest" | (string & {});
  key: string;
  type: string;
  size: number;
  sha256: string;
}

export interface Footage {
  state: FootageState;
  asked_from: string;
  asked_to?: string;
  from?: string;
  to?: string;
  clock?: Clock;
  codec?: string;
  width?: number;
  height?: number;
  frames: number;
  gaps?: Gap[] | null;
  objects?: EvidenceObject[] | null;
  upload_note?: string;
}

export interface Action {
  at: string;
  who: string;
  what: string;
  note?: string;
}

export interface Incident {
  id: string;
  camera: string;
  zone: string;
  kind: Kind;
  severity: Severity;
  state: State;
  label: string;
  score: number;
  start: string;
  alarm: string;
  end?: string;
  opened: string;
  box: Box;
  polygon: Point[] | null;
  events: Event[] | null;
  event_count: number;
  config: string;
  version: string;
  footage: Footage;
  log: Action[] | null;
  revision: number;
}

export interface Health {
  camera: string;
  connection: Connection;
  since: string;
  error?: string;
  codec?: string;
  width?: number;
  height?: number;
  last_frame?: string;
  clock?: Clock;
  clock_offset_ns: number;
  sessions: number;
  bytes: number;
  access_units: number;
  packets_lost: number;
  decode_errors: number;
  frames: number;
  frames_analysed: number;
  frames_shed: number;
  buffered_ns: number;
  buffer_bytes: number;
}

export interface Camera {
  id: string;
  name: string;
  health: Health;
  zones: Zone[] | null;
  fps: number;
  objects: boolean;
}

export interface Status {
  version: string;
  started: string;
  now: string;
  config: { hash: string; loaded?: string; errors: string[] | null };
  storage: { pending: number; pending_bytes: number; oldest?: string; error?: string; errors: number };
  cameras: { connected: number; total: number };
}

export interface Session {
  user: string;
  must_change: boolean;
  /** The password was generated and may stay, as in a demonstration. */
  change_suggested?: boolean;
}

export interface IncidentPage {
  items: Incident[] | null;
  /** Cursor of the next page; empty on the last. */
  next: string;
  /** Incidents that are not closed, whatever the filters. */
  open: number;
}
