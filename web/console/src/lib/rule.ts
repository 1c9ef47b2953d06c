// A rule in words: what has to be true for it to fire. The sentences say what the rule
// compares, so that a person can check them against the picture.
import type { Rule, Schedule } from "../api/types";
import { capital, kindWord } from "./kinds";
import { fromNanos, setting } from "./time";

const lasting = (ns: number | undefined) => (ns ? setting(fromNanos(ns)) : "");

/** The rule as a sentence, with everything that narrows it after it. */
export function ruleText(r: Rule, zone: string): string {
  return [`${capital(core(r, zone ? zone : "the picture"))}.`, ...limits(r)].join(" ");
}

function core(r: Rule, zone: string): string {
  const who = r.labels && r.labels.length > 0 ? r.labels.join(" or ") : "anything";
  const dwell = lasting(r.dwell_ns);
  const holds = r.for_ns ? `, for ${lasting(r.for_ns)}` : "";
  const grace = r.grace_ns ? `, out of it for at most ${lasting(r.grace_ns)} at a time` : "";
  switch (r.kind) {
    case "motion":
      return `${who} that moves in ${zone}${dwell ? ` for ${dwell}` : ""}${grace}`;
    case "intrusion":
      return `${who} that enters ${zone}${dwell ? ` and stays for ${dwell}` : ""}${grace}`;
    case "loitering": {
      const near = r.max_radius ? ` within ${share(r.max_radius)} of the picture's height of one place` : "";
      return `${who} that stays in ${zone} for ${dwell || "any time"}${near}${grace}`;
    }
    case "returning":
      return `the same ${r.labels?.length ? who : "one"}, told by looks, on ${r.visits ?? 2} visits to ${zone}${r.window_ns ? ` within ${lasting(r.window_ns)}` : ""}`;
    case "line":
      return `${who} that crosses the line in ${zone}${directions[r.direction ?? "any"]}`;
    case "crowd":
      return `more than ${r.count ?? 0} at once in ${zone}${r.labels?.length ? ` (${who})` : ""}${holds}`;
    case "left_object":
      return `something that was put down in ${zone} and left there${holds}`;
    case "removed_object":
      return `something that stood in ${zone} and is gone${holds}`;
    case "camera_lost":
      return `no pictures come from the camera${holds}`;
    case "frozen":
      return `pictures come, and are all the same one${holds}`;
    case "covered":
      return `something hides most of the view${holds}`;
    case "defocused":
      return `the view has lost its sharpness${holds}`;
    case "moved":
      return `the camera looks elsewhere than before${holds}`;
    case "blank":
      return `the picture is of one shade${holds}`;
    case "clock":
      return `the camera's clock is ${r.max_offset_ns ? `more than ${lasting(r.max_offset_ns)}` : "far"} from ours${holds}`;
    default:
      return `${kindWord(r.kind)} in ${zone}${dwell ? ` for ${dwell}` : ""}${holds}`;
  }
}

const directions = { any: "", to_left: " from its right to its left", to_right: " from its left to its right" } as const;

/** What narrows the rule, a sentence for each. */
function limits(r: Rule): string[] {
  const out: string[] = [];
  if (r.min_score) out.push(`Scored ${share(r.min_score)} or more.`);
  if (r.min_size) out.push(`At least ${share(r.min_size)} of the picture in size.`);
  if (r.schedule && r.schedule.length > 0) out.push(`Only ${r.schedule.map(scheduleText).join(" and ")}.`);
  if (r.cool_down_ns) out.push(`After an alarm silent for ${lasting(r.cool_down_ns)}.`);
  return out;
}

/** 15 %, 0.2 % */
function share(x: number): string {
  const p = x * 100;
  return `${Number(p.toFixed(p < 1 ? 2 : p < 10 ? 1 : 0))} %`;
}

const names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** Mon–Fri 22:00–06:00 (Europe/Vienna) */
export function scheduleText(s: Schedule): string {
  // Sunday is 0 to the server and last to people.
  const days = [...new Set(s.days ?? [])].sort((a, b) => ((a + 6) % 7) - ((b + 6) % 7));
  const hours = s.from_ns === s.to_ns ? "" : `${hour(s.from_ns)}–${hour(s.to_ns)}`;
  const when = [dayText(days), hours].filter(Boolean).join(" ") || "all day";
  return s.time_zone ? `${when} (${s.time_zone})` : when;
}

function dayText(days: number[]): string {
  if (days.length === 0 || days.length === 7) return "";
  const run = days.every((d, i) => i === 0 || (d + 6) % 7 === ((days[i - 1]! + 6) % 7) + 1);
  if (run && days.length > 2) return `${names[days[0]!]}–${names[days[days.length - 1]!]}`;
  return days.map((d) => names[d]).join(", ");
}

function hour(ns: number): string {
  const minutes = Math.round(fromNanos(ns) / 60_000);
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

/** Loitering for 10 s, person: the rule in a list, where its zone stands above it. */
export function ruleBrief(r: Rule): string {
  const bits = [
    r.visits ? `${r.visits} visits` : "",
    r.window_ns ? `within ${lasting(r.window_ns)}` : "",
    r.count !== undefined && r.kind === "crowd" ? `more than ${r.count}` : "",
    r.dwell_ns ? `for ${lasting(r.dwell_ns)}` : "",
    r.for_ns ? `for ${lasting(r.for_ns)}` : "",
  ].filter(Boolean);
  return `${[kindWord(r.kind), ...bits].join(" ")}${r.labels?.length ? `, ${r.labels.join(" or ")}` : ""}`;
}
