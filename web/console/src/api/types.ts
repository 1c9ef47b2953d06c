// The nouns that the server sends, under the names of package models. schema.ts is
// generated from the server's OpenAPI document (npm run schema). Durations are
// nanoseconds, times RFC 3339, coordinates fractions of the picture.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Action = Schemas["Action"];
export type Box = Schemas["Box"];
export type Camera = Schemas["Camera"];
export type CopyProgress = Schemas["CopyProgress"];
export type Coverage = Schemas["Coverage"];
export type CustodyPage = Schemas["CustodyPage"];
export type CustodyRecord = Schemas["CustodyRecord"];
export type Event = Schemas["Event"];
export type Fact = Schemas["Fact"];
export type Footage = Schemas["Footage"];
export type Gap = Schemas["Gap"];
export type Health = Schemas["Health"];
export type Hold = Schemas["Hold"];
export type HostClock = Schemas["HostClock"];
export type Incident = Schemas["Incident"];
export type IncidentPage = Schemas["IncidentPage"];
export type Instant = Schemas["Instant"];
export type Integrity = Schemas["Integrity"];
export type Judgement = Schemas["Judgement"];
export type KeyEntry = Schemas["KeyEntry"];
export type Moved = Schemas["Moved"];
export type PathPoint = Schemas["PathPoint"];
export type Point = Schemas["Point"];
export type PrecisionReport = Schemas["PrecisionReport"];
export type PrecisionRow = Schemas["PrecisionRow"];
export type Retention = Schemas["Retention"];
export type Rule = Schemas["Rule"];
export type Schedule = Schemas["Schedule"];
export type Session = Schemas["Session"];
export type Span = Schemas["Span"];
export type Status = Schemas["Status"];

export type Feature = Session["features"][number];
export type Kind = Incident["kind"];
export type Nuisance = NonNullable<Judgement["reason"]>;
export type Severity = Incident["severity"];
