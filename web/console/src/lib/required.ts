import type { Incident, Policy } from "../api/types";

const settled = (t: { done?: string; skipped?: string }) => Boolean(t.done) || Boolean(t.skipped);

type Required = NonNullable<Policy["types"][number]["required"]>[number];

/** What a type can ask for before an incident is closed, in the order in which people see to it. */
const required: { field: Required; words: string; there: (i: Incident) => boolean }[] = [
  { field: "type", words: "a type", there: (i) => Boolean(i.triage?.type) },
  { field: "description", words: "a description", there: (i) => Boolean(i.description) },
  { field: "judgement", words: "a judgement of the alarm", there: (i) => Boolean(i.judgement) || i.kind === "reported" },
  { field: "subject", words: "a person or vehicle described", there: (i) => (i.investigation?.subjects?.length ?? 0) > 0 },
  { field: "statement", words: "a witness statement", there: (i) => (i.investigation?.statements?.length ?? 0) > 0 },
  { field: "tasks", words: "every task ticked off or skipped", there: (i) => (i.investigation?.tasks ?? []).every(settled) },
  { field: "effort", words: "the time spent", there: (i) => (i.investigation?.effort?.length ?? 0) > 0 },
  { field: "outcome", words: "an outcome", there: (i) => Boolean(i.resolution?.outcome) },
  { field: "assessment", words: "an assessment", there: (i) => Boolean(i.resolution?.assessment) },
  { field: "recovery", words: "the steps of recovery", there: (i) => Boolean(i.resolution?.recovery) },
  { field: "loss", words: "the cost or loss, which may be 0", there: (i) => Boolean(i.resolution?.loss) },
  { field: "police", words: "the reference of the police", there: (i) => Boolean(i.resolution?.police) },
];

/** What an incident still lacks to be closed, in words; a nuisance lacks nothing. */
export function missing(i: Incident, policy: Policy | undefined): string[] {
  if (i.judgement?.verdict === "nuisance") return [];
  const asked = policy?.types.find((t) => t.id === (i.triage?.type ?? ""))?.required ?? [];
  return required.filter((r) => asked.includes(r.field) && !r.there(i)).map((r) => r.words);
}
