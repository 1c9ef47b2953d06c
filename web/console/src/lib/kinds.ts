import type { Kind } from "../api/types";

/** What a rule in a zone watches for, in the order of models.RuleKinds. */
export const ruleKinds = [
  "motion", "intrusion", "loitering", "returning", "line", "crowd", "left_object", "removed_object",
] as const satisfies readonly Kind[];

/** Trouble with a camera itself, in the order of models.HealthKinds; it belongs to no zone. */
export const healthKinds = ["camera_lost", "frozen", "covered", "defocused", "moved", "blank", "clock"] as const satisfies readonly Kind[];

export const kinds: readonly Kind[] = [...ruleKinds, ...healthKinds, "storage", "reported"];

/** An incident of this kind is about a camera or the installation, not about somebody in the picture. */
export const isTechnical = (kind: string) => kind === "storage" || (healthKinds as readonly string[]).includes(kind);

const words: Record<Kind, string> = {
  motion: "Motion",
  intrusion: "Intrusion",
  loitering: "Loitering",
  returning: "Returning",
  line: "Line crossed",
  crowd: "Crowd",
  left_object: "Object left",
  removed_object: "Object removed",
  camera_lost: "Camera lost",
  frozen: "Camera frozen",
  covered: "Camera covered",
  defocused: "Camera out of focus",
  moved: "Camera moved",
  blank: "Camera blank",
  clock: "Camera clock off",
  storage: "Footage refused",
  reported: "Reported",
};

/** The kind as a title; a kind that this console does not know is still shown. */
export const kindWord = (kind: string) => words[kind as Kind] ?? capital(kind.replaceAll("_", " "));

/** Trouble beside the name of its camera, where "camera" is said already. */
export const troubleWord = (kind: string) =>
  kind === "camera_lost" ? "No pictures" : capital(kindWord(kind).replace(/^Camera /, ""));

/** What happened at the start of an incident of this kind. */
export function startWord(kind: string): string {
  if (kind === "left_object") return "Put down";
  if (kind === "removed_object") return "Taken away";
  return isTechnical(kind) || kind === "crowd" ? "Began" : "Arrival";
}

/** there for 0:12, there 12.3 s, gone for 0:12, for 0:12 so far, lasted 12.3 s */
export function lastingText(kind: string, going: boolean, length: string): string {
  if (isTechnical(kind) || kind === "crowd") return going ? `for ${length} so far` : `lasted ${length}`;
  const verb = kind === "removed_object" ? "gone" : "there";
  return going ? `${verb} for ${length}` : `${verb} ${length}`;
}

export const capital = (s: string) => (s ? s[0]!.toUpperCase() + s.slice(1) : s);
