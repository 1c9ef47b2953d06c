// Why a made-up incident fired: the rule of its kind, what it compared, and how that came
// about over time, in the shapes that the real rules give.

/** @typedef {import("../../src/api/types").Event} Event */
/** @typedef {import("../../src/api/types").Rule} Rule */
/** @typedef {import("./footage.mjs").Scene} Scene */

const second = 1e9;

/** @type {ReadonlySet<string>} */
export const technical = new Set(["camera_lost", "frozen", "covered", "defocused", "moved", "blank", "storage"]);

/**
 * The rule of a kind in a scene.
 * @param {Rule["kind"]} kind @param {Rule["severity"]} severity @param {Scene} scene
 * @returns {Rule}
 */
export function ruleOf(kind, severity, scene) {
  const common = { kind, severity };
  const labels = [scene.label];
  const middle = scene.polygon.reduce((a, p) => ({ x: a.x + p.x / scene.polygon.length, y: a.y + p.y / scene.polygon.length }), { x: 0, y: 0 });
  switch (kind) {
    case "motion":
      return { ...common, dwell_ns: 0.6 * second };
    case "intrusion":
      return {
        ...common, labels, grace_ns: 3 * second,
        schedule: [{ days: [1, 2, 3, 4, 5], from_ns: 22 * 3600 * second, to_ns: 6 * 3600 * second, time_zone: "Europe/Berlin" }],
      };
    case "returning":
      return { ...common, labels, visits: 3, window_ns: 3600 * second, grace_ns: 3 * second };
    case "line":
      return { ...common, labels, line: [{ x: middle.x - 0.12, y: middle.y + 0.02 }, { x: middle.x + 0.12, y: middle.y - 0.02 }], direction: "to_left" };
    case "crowd":
      return { ...common, count: 4, for_ns: 10 * second };
    case "left_object":
    case "removed_object":
      return { ...common, for_ns: 60 * second };
    case "loitering":
      return { ...common, labels, dwell_ns: scene.dwell * second, grace_ns: 3 * second };
    default:
      return { ...common, for_ns: scene.dwell * second };
  }
}

/** What each kind compares first, and its unit. @type {Partial<Record<Rule["kind"], [string, string]>>} */
const first = {
  motion: ["moving", "s"], intrusion: ["stay", "s"], loitering: ["dwell", "s"], returning: ["visits", ""], line: ["crossed", "px"],
  crowd: ["people", ""], left_object: ["left alone", "s"], removed_object: ["gone", "s"],
};

/**
 * What was compared. @param {Rule} rule @param {number} observed seconds from the start to the alarm
 * @returns {Event["why"]}
 */
export function factsOf(rule, observed) {
  const score = { name: "score", observed: 0.86, threshold: 0.5, unit: "" };
  switch (rule.kind) {
    case "returning":
      return [
        { name: "visits", observed: 3, threshold: rule.visits ?? 3, unit: "" },
        { name: "difference in looks", observed: 0.21, threshold: 0.35, unit: "", note: "visit of 21:52:10, 14 s" },
        { name: "difference in looks", observed: 0.28, threshold: 0.35, unit: "", note: "visit of 22:20:44, 9 s" },
      ];
    case "crowd":
      return [{ name: "people", observed: 6, threshold: rule.count ?? 4, unit: "" }, { name: "held", observed: observed, threshold: 10, unit: "s" }];
    case "covered":
      return [
        { name: "view hidden", observed: 0.93, threshold: 0.6, unit: "", note: "edges of the usual view that are gone" },
        { name: "confirmed", observed, threshold: (rule.for_ns ?? 0) / second, unit: "s" },
      ];
    default: {
      const [name, unit] = first[rule.kind] ?? ["lasted", "s"];
      const threshold = (rule.dwell_ns ?? rule.for_ns ?? 0) / second;
      return technical.has(rule.kind) ? [{ name, observed, threshold, unit }] : [{ name, observed, threshold, unit }, score];
    }
  }
}

/**
 * The first fact over time, from the start to where it is known.
 * @param {Rule} rule @param {Event["why"]} why @param {number} from @param {number} alarm @param {number} to seconds of the clip
 * @param {(t: number) => Event["alarm"]} instant
 * @returns {Event["curve"]}
 */
export function curveOf(rule, why, from, alarm, to, instant) {
  const fact = why[0];
  if (!fact || rule.kind === "returning" || rule.kind === "line") return undefined;
  const steps = 40;
  return Array.from({ length: steps + 1 }, (_, i) => {
    const t = from + ((to - from) * i) / steps;
    const rising = fact.unit === "s" ? t - from : fact.observed * Math.min(1, (t - from + 0.4) / Math.max(0.5, alarm - from));
    return { at: instant(t), value: rule.kind === "crowd" ? Math.round(rising) : Math.round(rising * 100) / 100 };
  });
}
