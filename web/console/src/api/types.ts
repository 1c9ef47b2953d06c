// The nouns that the server sends, under the names of package models. schema.ts is
// generated from the server's OpenAPI document (npm run schema). Durations are
// nanoseconds, times RFC 3339, coordinates fractions of the picture.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Account = Schemas["Account"];
export type Action = Schemas["Action"];
export type Assignment = Schemas["Assignment"];
export type Attachment = Schemas["Attachment"];
export type Box = Schemas["Box"];
export type BulkResult = Schemas["BulkResult"];
export type Camera = Schemas["Camera"];
export type Candidate = Schemas["Candidate"];
export type Change = Schemas["Change"];
export type Changed = Schemas["Changed"];
export type Channel = Schemas["Channel"];
export type CopyProgress = Schemas["CopyProgress"];
export type Coverage = Schemas["Coverage"];
export type CustodyPage = Schemas["CustodyPage"];
export type CustodyRecord = Schemas["CustodyRecord"];
export type Deadline = Schemas["Deadline"];
export type Delivery = Schemas["Delivery"];
export type Duplicate = Schemas["Duplicate"];
export type Effort = Schemas["Effort"];
export type Event = Schemas["Event"];
export type Exhibit = Schemas["Exhibit"];
export type Fact = Schemas["Fact"];
export type Footage = Schemas["Footage"];
export type Gap = Schemas["Gap"];
export type Grant = Schemas["Grant"];
export type Health = Schemas["Health"];
export type Hold = Schemas["Hold"];
export type HostClock = Schemas["HostClock"];
export type Incident = Schemas["Incident"];
export type IncidentPage = Schemas["IncidentPage"];
export type Instant = Schemas["Instant"];
export type Integrity = Schemas["Integrity"];
export type Judgement = Schemas["Judgement"];
export type KeyEntry = Schemas["KeyEntry"];
export type Level = Schemas["Level"];
export type Mark = Schemas["Mark"];
export type Money = Schemas["Money"];
export type Moved = Schemas["Moved"];
export type Named = Schemas["Named"];
export type NewToken = Schemas["NewToken"];
export type PathPoint = Schemas["PathPoint"];
export type Person = Schemas["Person"];
export type Point = Schemas["Point"];
export type Policy = Schemas["Policy"];
export type Position = Schemas["Position"];
export type PrecisionReport = Schemas["PrecisionReport"];
export type PrecisionRow = Schemas["PrecisionRow"];
export type Profile = Schemas["Profile"];
export type Reason = Schemas["Reason"];
export type Resolution = Schemas["Resolution"];
export type Retention = Schemas["Retention"];
export type Review = Schemas["Review"];
export type Rule = Schemas["Rule"];
export type Schedule = Schemas["Schedule"];
export type Session = Schemas["Session"];
export type Span = Schemas["Span"];
export type Statement = Schemas["Statement"];
export type Status = Schemas["Status"];
export type Subject = Schemas["Subject"];
export type Suggestion = Schemas["Suggestion"];
export type Task = Schemas["Task"];
export type Token = Schemas["Token"];
export type Waiting = Schemas["Waiting"];

/** An incident that is like another one. */
/** What is like an incident, and the series that it may belong to. */
export type Likeness = Schemas["Similar"];
export type Similar = Schemas["Match"];
export type SeriesHint = Schemas["SimilarSeries"];
/** One notice on its way through one channel. */
export type Dispatch = Schemas["Delivered"];

export type Feature = Session["features"][number];
export type Kind = Incident["kind"];
export type Nuisance = NonNullable<Judgement["reason"]>;
export type Severity = Incident["severity"];
export type Right = Session["rights"][number];
export type Role = Session["roles"][number];
