import { describe, expect, it } from "vitest";
import { incident } from "./fixture";
import { Rate } from "./rate";
import { limits, put, parseView, show, suggest, toggle } from "./view";
import { bytes, count, factText, owner, plural, quantity, stateText } from "./words";

describe("who has it", () => {
  const log = [
    { at: "2026-11-22T22:42:00Z", who: "weber", what: "acknowledged" },
    { at: "2026-11-22T22:43:00Z", who: "vedette", what: "footage stored" },
  ];
  it("is the last one who claimed it", () => {
    expect(owner(incident({ log }))).toBe("weber");
    expect(stateText(incident({ state: "acknowledged", log }))).toBe("Claimed by weber");
  });
  it("is the officer of the record, whatever its log says", () => {
    expect(stateText(incident({ state: "acknowledged", log, assignment: { officer: "lindt" } }))).toBe("Claimed by lindt");
    expect(stateText(incident({ state: "acknowledged", log, assignment: {} }))).toBe("Nobody has it");
    const waiting = { for: "police", by: "lindt", since: "2026-11-22T22:43:00Z" };
    expect(stateText(incident({ state: "acknowledged", assignment: { officer: "lindt" }, waiting }))).toBe("lindt waits for police");
  });
  it("is nobody at first", () => {
    expect(owner(incident())).toBe("");
    expect(stateText(incident())).toBe("Unclaimed");
  });
});

describe("a fact", () => {
  it("says what it compared, and what it only tells", () => {
    expect(factText({ name: "dwell", observed: 12.31, threshold: 10, unit: "s" })).toBe("12.3 s, limit 10 s");
    expect(factText({ name: "lasted", observed: 41, threshold: 0, unit: "s" })).toBe("41 s");
  });
});

describe("figures", () => {
  it("bytes are decimal", () => {
    expect([999, 1000, 870_400, 4_230_000, 999_600, 5.3e9].map(bytes)).toEqual(["999 B", "1.0 kB", "870 kB", "4.2 MB", "1.0 MB", "5.3 GB"]);
  });
  it("thousands are set apart", () => expect(count(10_240)).toBe("10\u202f240"));
  it("one is not many", () => {
    expect(plural(1, "camera")).toBe("1 camera");
    expect(plural(0, "camera")).toBe("0 cameras");
  });
  it("measured values keep three digits", () => {
    expect(quantity(10, "s")).toBe("10 s");
    expect(quantity(31.23, "s")).toBe("31.2 s");
    expect(quantity(0.862, "")).toBe("0.86");
    expect(quantity(0.00213, "")).toBe("0.0021");
  });
});

describe("a rate", () => {
  it("is not known from one sample, nor from a moment", () => {
    const r = new Rate();
    expect(r.add(0, 100)).toBeUndefined();
    expect(r.add(400, 103)).toBeUndefined();
  });
  it("is taken over the last seconds only", () => {
    const r = new Rate(10_000);
    for (let t = 0; t <= 20; t++) r.add(t * 1000, t <= 10 ? 0 : (t - 10) * 7);
    expect(r.add(21_000, 77)).toBeCloseTo(7, 5);
  });
  it("begins anew when the counter was restarted", () => {
    const r = new Rate();
    r.add(0, 5000);
    r.add(5000, 5035);
    expect(r.add(6000, 3)).toBeUndefined();
    expect(r.add(10_000, 31)).toBeCloseTo(7, 5);
  });
});

describe("filters live in the address", () => {
  it("none is the open queue", () => expect(parseView("")).toMatchObject({ shown: "open", states: ["new", "acknowledged", "resolved"], cameras: [] }));
  it("go in and out again", () => {
    const one = toggle("", "camera", "gate & yard");
    expect(parseView(one.slice(1)).cameras).toEqual(["gate & yard"]);
    const two = toggle(one.slice(1), "severity", "high");
    expect(parseView(two.slice(1))).toMatchObject({ cameras: ["gate & yard"], severities: ["high"] });
    expect(toggle(toggle(two.slice(1), "camera", "gate & yard").slice(1), "severity", "high")).toBe("/");
  });
  it("keep the others when the state changes", () => {
    expect(show("?camera=gate", "closed")).toBe("/?camera=gate&show=closed");
    expect(show("?camera=gate&show=closed", "open")).toBe("/?camera=gate");
  });
  it("mine are those of whoever looks, and overdue is no officer's", () => {
    expect(parseView("show=mine", "weber")).toMatchObject({ shown: "mine", officers: ["weber"], overdue: false });
    expect(limits(parseView("show=mine", "weber"))).toBe(0);
    expect(parseView("show=overdue", "weber")).toMatchObject({ officers: [], overdue: true });
  });
  it("an unknown state is the open queue", () => expect(parseView("?show=nonsense").shown).toBe("open"));

  const known = { cameras: ["gate", "yard"], zones: ["door", "gateway"], kinds: ["loitering"] };
  it("suggest what begins so before what contains it", () =>
    expect(suggest("gate", known).map((s) => s.value)).toEqual(["gate", "gateway", "gate"]));
  it("suggest an incident for what looks like its ID", () =>
    expect(suggest("20261122T224107.000Z-gate-door-loitering-1", known)[0]?.field).toBe("incident"));
  it("suggest a kind by the word that people read, and by the one in the configuration", () => {
    const some = { cameras: [], zones: [], kinds: ["left_object", "covered"] };
    expect(suggest("object", some).map((x) => x.value)).toEqual(["left_object", "object"]);
    expect(suggest("left_", some).map((x) => x.value)).toEqual(["left_object", "left_"]);
    expect(suggest("camera cov", some).map((x) => x.value)).toEqual(["covered", "camera cov"]);
  });
  it("suggest a verdict by its word, and hold it in the address", () => {
    const some = { cameras: [], zones: [], kinds: [], verdicts: ["true", "nuisance", "none"] };
    expect(suggest("not j", some)[0]).toEqual({ field: "verdict", value: "none" });
    expect(parseView(toggle("", "verdict", "none").slice(1)).verdicts).toEqual(["none"]);
  });
  it("offer to look in the notes for what names nothing", () => expect(suggest(" ladder ", known)).toEqual([{ field: "text", value: "ladder" }]));
  it("hold every limit, and let go of it", () => {
    const full = ["text", "dwell", "held", "from", "to"] as const;
    const values = { text: "post office", dwell: "600", held: "true", from: "2026-11-22T14:00", to: "2026-11-22T15:00" };
    let at = toggle(toggle("", "label", "person").slice(1), "footage", "pending");
    for (const f of full) at = put(at.slice(1), f, values[f]);
    const view = parseView(at.slice(1));
    expect(view).toMatchObject({ labels: ["person"], footage: ["pending"], text: "post office", dwell: 600, held: "true", from: values.from, to: values.to });
    expect(limits(view)).toBe(7);
    for (const f of full) at = put(at.slice(1), f, "");
    expect(limits(parseView(at.slice(1)))).toBe(2);
    expect(parseView("?dwell=-3&held=maybe")).toMatchObject({ dwell: 0, held: "" });
  });
});
