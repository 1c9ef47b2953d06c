import type { Judgement, Nuisance } from "../api/types";

/** What a nuisance alarm can come from, in the order of models.Nuisances: the number keys follow it. */
export const nuisances: readonly { reason: Nuisance; word: string }[] = [
  { reason: "rain", word: "Rain" },
  { reason: "headlight", word: "Headlight" },
  { reason: "animal", word: "Animal" },
  { reason: "shadow", word: "Shadow" },
  { reason: "insect", word: "Insect" },
  { reason: "reflection", word: "Reflection" },
  { reason: "known_person", word: "Known person" },
  { reason: "other", word: "Other" },
];

export const nuisanceWord = (reason: string) =>
  nuisances.find((n) => n.reason === reason)?.word ?? reason.replaceAll("_", " ");

const verdictWords: Record<string, string> = { true: "True alarm", nuisance: "Nuisance", none: "Not judged" };
/** A verdict as a filter names it; none is that nobody has judged. */
export const verdictWord = (verdict: string) => verdictWords[verdict] ?? verdict;

/** True alarm; Nuisance, rain */
export function verdictText(j: Judgement): string {
  if (j.verdict === "true") return "True alarm";
  return j.reason ? `Nuisance, ${nuisanceWord(j.reason).toLowerCase()}` : "Nuisance";
}
