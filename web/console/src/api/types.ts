// The nouns that the server sends, under the names of package models. schema.ts is
// generated from the server's OpenAPI document (npm run schema). Durations are
// nanoseconds, times RFC 3339, coordinates fractions of the picture.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Action = Schemas["Action"];
export type Assignment = Schemas["Assignment"];
export type Attachment = Schemas["Attachment"];
export type Box = Schemas["Box"];
export type Camera = Schemas["Camera"];
export type Change = Schemas["Change"];
export type Changed = Schemas["Changed"];
export type CopyProgress = Schemas["CopyProgress"];
export type Coverage = Schemas["Coverage"];
export type CustodyPage = Schemas["CustodyPage"];
export type CustodyRecord = Schemas["CustodyRecord"];
export type Deadline = Schemas["Deadline"];
export type Delivery = Schemas["Delivery"];
export type Effort = Schemas["Effort"];
export type Event = Schemas["Event"];
export type Exhibit = Schemas["Exhibit"];
export type Fact = Schemas["Fact"];
export type Footage = Schemas["Footage"];
export type Gap = Schemas["Gap"];
export type Health = Schemas["Health"];
export type Hold = Schemas["Hold"];
export type HostClock = Schemas["HostClock"];
export type IncidentPage = Schemas["IncidentPage"];
export type Instant = Schemas["Instant"];
export type Integrity = Schemas["Integrity"];
export type Judgement = Schemas["Judgement"];
export type KeyEntry = Schemas["KeyEntry"];
export type Mark = Schemas["Mark"];
export type Money = Schemas["Money"];
export type Moved = Schemas["Moved"];
export type PathPoint = Schemas["PathPoint"];
export type Point = Schemas["Point"];
export type PrecisionReport = Schemas["PrecisionReport"];
export type PrecisionRow = Schemas["PrecisionRow"];
export type Resolution = Schemas["Resolution"];
export type Retention = Schemas["Retention"];
export type Review = Schemas["Review"];
export type Rule = Schemas["Rule"];
export type Schedule = Schemas["Schedule"];
export type Span = Schemas["Span"];
export type Statement = Schemas["Statement"];
export type Status = Schemas["Status"];
export type Subject = Schemas["Subject"];
export type Task = Schemas["Task"];
export type Waiting = Schemas["Waiting"];

export type Incident = Omit<Schemas["Incident"], "state"> & { state: "new" | "acknowledged" | "resolved" | "closed" };
export type Session = Schemas["Session"] & { roles?: Role[]; rights?: Right[]; groups?: string[]; profile?: Profile };

export type Right =
  | "view" | "live" | "footage" | "work" | "investigate" | "assign" | "close" | "review" | "export" | "hold" | "delete" | "report" | "tune" | "audit" | "administer";
export type Role = "monitor" | "officer" | "investigator" | "operator" | "supervisor" | "administrator" | "auditor";
export interface Grant { role: Role; groups?: string[] | null }

export interface Position { lat: number; lon: number }
export interface Profile {
  user: string; name: string; roles: Role[]; skills: string[]; on_duty: boolean; site?: string; position?: Position; away?: string; since?: string;
}
export interface Account {
  email?: string; grants: Grant[]; shift: Schedule[]; suspended: boolean; must_change: boolean; created?: string; password_changed: string;
  locked_until?: string; edition: number;
}
export type Person = Profile & { account?: Account };
export interface Token {
  id: string; name: string; owner: string; rights: Right[]; groups?: string[]; created: string; expires: string; used?: string;
}

export interface OccurrenceType { id: string; name: string; subs?: string[]; skills?: string[]; checklist?: { stage: string; text: string }[]; required?: string[] }
export interface Level { acknowledge_ns?: number; respond_ns?: number; resolve_ns?: number; warn_ns?: number }
export interface Policy {
  sites: { id: string; name: string }[] | null;
  matrix: Severity[][];
  types: OccurrenceType[];
  levels: Partial<Record<Severity, Level>>;
  outcomes: string[];
  waits: { id: string; name: string; pauses: string[] }[];
  groups?: Record<string, string[]>;
  places?: Record<string, { site?: string }>;
}
export interface Candidate { user: string; name: string; distance_m?: number; same_site: boolean; open: number; reasons: string[] }
export interface Suggestion { officers: Candidate[]; left_out: Candidate[] }
export interface Reason { factor: string; score: number; weight: number; text: string }
export interface Similar {
  incident: string; number: number; camera: string; zone: string; kind: string; type?: string; state: string; severity: Severity; alarm: string; series?: string;
  score: number; reasons: Reason[];
}
export interface Duplicate { incident: string; number: number; reasons: string[]; apart_ns: number }

export type Feature = Session["features"][number];
export type Kind = Incident["kind"];
export type Nuisance = NonNullable<Judgement["reason"]>;
export type Severity = Incident["severity"];
