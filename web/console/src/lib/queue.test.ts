import { describe, expect, it } from "vitest";
import type { Incident } from "../api/types";
import { alarm } from "./fixture";
import { byNewest, byUrgency, place } from "./order";
import { OpenCount, Rows, Soon, noLimit, shows, type View } from "./queue";

const open: View = { ...noLimit, states: ["new", "acknowledged"] };
const ids = (items: readonly Incident[]) => items.map((i) => i.id).join(" ");

function rows(...items: Incident[]): Rows {
  const r = new Rows(open);
  r.page(items, false);
  return r;
}

describe("the order of the queue", () => {
  const cases: { name: string; given: Incident[]; urgent: string; newest: string }[] = [
    {
      name: "severity before age",
      given: [alarm("a", "low", 1), alarm("b", "critical", 9), alarm("c", "medium", 2), alarm("d", "high", 3)],
      urgent: "b d c a",
      newest: "b d c a",
    },
    {
      name: "of one severity the longest waiting first, in an archive the newest",
      given: [alarm("a", "high", 5), alarm("b", "high", 1), alarm("c", "high", 3)],
      urgent: "b c a",
      newest: "a c b",
    },
    {
      name: "the ID breaks a tie, as on the server",
      given: [alarm("b", "high", 1), alarm("a", "high", 1)],
      urgent: "a b",
      newest: "b a",
    },
    {
      name: "fractions of a second count, however they are written",
      given: [alarm("a", "high", 0, { alarm: "2026-11-22T22:00:00.25Z" }), alarm("b", "high", 0, { alarm: "2026-11-22T22:00:00Z" })],
      urgent: "b a",
      newest: "a b",
    },
  ];
  for (const c of cases) {
    it(c.name, () => {
      expect(ids(c.given.toSorted(byUrgency))).toBe(c.urgent);
      expect(ids(c.given.toSorted(byNewest))).toBe(c.newest);
    });
  }

  it("finds the same place by halving as by sorting", () => {
    const sorted = Array.from({ length: 200 }, (_, i) => alarm(`i${i}`, (["low", "high"] as const)[i % 2]!, (i * 37) % 91)).sort(byUrgency);
    for (const item of sorted) expect(place(sorted, item, byUrgency)).toBe(sorted.indexOf(item));
    expect(place(sorted, alarm("z", "critical", 1), byUrgency)).toBe(0);
    expect(place(sorted, alarm("z", "low", 99), byUrgency)).toBe(200);
  });
});

describe("what is pushed", () => {
  it("goes in at its place and is reported as an arrival", () => {
    const r = rows(alarm("a", "high", 1), alarm("b", "low", 2));
    expect(r.apply([alarm("c", "medium", 3)])).toEqual(["c"]);
    expect(ids(r.items)).toBe("a c b");
  });

  it("moves a row whose severity has risen", () => {
    const r = rows(alarm("a", "high", 1), alarm("b", "low", 2));
    expect(r.apply([alarm("b", "critical", 2, { revision: 2 })])).toEqual([]);
    expect(ids(r.items)).toBe("b a");
  });

  it("is ignored when it is older than what is known", () => {
    const r = rows(alarm("a", "high", 1, { revision: 5, state: "acknowledged" }));
    r.apply([alarm("a", "high", 1, { revision: 4 })]);
    expect(r.get("a")?.state).toBe("acknowledged");
  });

  it("takes away what no longer belongs", () => {
    const r = rows(alarm("a", "high", 1), alarm("b", "low", 2));
    r.apply([alarm("a", "high", 1, { state: "closed", revision: 2 })]);
    expect(ids(r.items)).toBe("b");
    expect(r.indexOf("a")).toBe(-1);
  });

  it("is left out when a filter excludes it", () => {
    const r = new Rows({ ...open, cameras: ["yard"] });
    r.page([], false);
    expect(r.apply([alarm("a", "high", 1), alarm("b", "high", 2, { camera: "yard" })])).toEqual(["b"]);
  });

  it("beyond the last fetched row waits for its page, and comes once", () => {
    const r = new Rows(open);
    r.page([alarm("a", "high", 1)], true);
    expect(r.apply([alarm("z", "low", 9)])).toEqual([]);
    expect(ids(r.items)).toBe("a");
    r.page([alarm("b", "medium", 2), alarm("z", "low", 9)], false);
    expect(ids(r.items)).toBe("a b z");
  });

  it("ten thousand rows take a hundred alarms in well under a frame each", () => {
    const r = rows(...Array.from({ length: 10_000 }, (_, i) => alarm(`i${String(i).padStart(5, "0")}`, "low", i)));
    const began = performance.now();
    for (let i = 0; i < 100; i++) r.apply([alarm(`n${i}`, "high", i)]);
    expect(r.items.length).toBe(10_100);
    expect((performance.now() - began) / 100).toBeLessThan(16);
  });
});

describe("the row under the hand", () => {
  it("stays when somebody else closes it, and leaves when it is let go", () => {
    const r = rows(alarm("a", "high", 1), alarm("b", "high", 2));
    r.hold(["a"]);
    r.apply([alarm("a", "high", 1, { state: "closed", revision: 2 })]);
    expect(ids(r.items)).toBe("a b");
    expect(r.get("a")?.state).toBe("closed");
    expect(r.hold(["b"])).toBe(true);
    expect(ids(r.items)).toBe("b");
  });

  it("is held together with the focused one", () => {
    const r = rows(alarm("a", "high", 1), alarm("b", "high", 2));
    r.hold(["a", "b"]);
    r.apply([alarm("a", "high", 1, { state: "closed", revision: 2 }), alarm("b", "high", 2, { state: "closed", revision: 2 })]);
    expect(ids(r.items)).toBe("a b");
    expect(r.hold(["b"])).toBe(true);
    expect(ids(r.items)).toBe("b");
  });

  it("still belongs when it is let go unchanged", () => {
    const r = rows(alarm("a", "high", 1));
    r.hold(["a"]);
    expect(r.hold([])).toBe(false);
    expect(ids(r.items)).toBe("a");
  });
});

describe("the number of open incidents", () => {
  const closed = { state: "closed" as const, revision: 3 };

  it("counts one that opens, once", () => {
    const c = new OpenCount();
    c.reset(4);
    c.apply(alarm("n", "low", 1));
    c.apply(alarm("n", "low", 1, { revision: 2 }));
    expect(c.value).toBe(5);
  });

  it("counts down when one closes, once", () => {
    const c = new OpenCount();
    c.reset(4);
    c.seen([alarm("x", "low", 1)]);
    c.apply(alarm("x", "low", 1, closed));
    c.apply(alarm("x", "low", 1, { ...closed, revision: 4 }));
    expect(c.value).toBe(3);
  });

  it("does not guess about a closed one that it has never seen", () => {
    const c = new OpenCount();
    c.reset(4);
    expect(c.apply(alarm("x", "low", 1, closed))).toBe(false);
    expect(c.value).toBe(4);
    expect(c.apply(alarm("y", "low", 1, { revision: 3 }))).toBe(true);
    expect(c.value).toBe(4);
  });

  it("does not count again what the server counted already", () => {
    const c = new OpenCount();
    c.reset(1);
    c.seen([alarm("n", "low", 1)]);
    c.apply(alarm("n", "low", 1));
    expect(c.value).toBe(1);
  });
});

describe("a view by verdict", () => {
  const judged = (verdict: "true" | "nuisance") => alarm("a", "high", 1, { judgement: { verdict, by: "weber", at: "2026-11-22T22:42:00Z" } });
  const cases = [
    { verdicts: ["true"], want: [true, false, false] },
    { verdicts: ["nuisance"], want: [false, true, false] },
    { verdicts: ["none"], want: [false, false, true] },
    { verdicts: ["true", "none"], want: [true, false, true] },
    { verdicts: [], want: [true, true, true] },
  ];
  for (const c of cases) {
    it(c.verdicts.join(" or ") || "of any", () =>
      expect([judged("true"), judged("nuisance"), alarm("a", "high", 1)].map((i) => shows({ ...open, verdicts: c.verdicts }, i))).toEqual(c.want));
  }
});

describe("a view by what the record says", () => {
  const i = alarm("a", "high", 30, {
    start: "2026-11-22T22:00:00Z", end: "2026-11-22T22:10:00Z", label: "person", camera: "gate",
    hold: { by: "ann", why: "Case 4711", at: "2026-11-22T23:00:00Z" }, log: [{ at: "2026-11-22T22:01:00Z", who: "ben", what: "closed", note: "Tür offen, LADDER" }],
  });
  const cases: [string, Partial<View>, boolean][] = [
    ["its label", { labels: ["car", "person"] }, true],
    ["another label", { labels: ["car"] }, false],
    ["its footage", { footage: ["stored"] }, true],
    ["footage that waits", { footage: ["pending"] }, false],
    ["on hold", { held: "true" }, true],
    ["not on hold", { held: "false" }, false],
    ["as long as it lasted", { dwell: 600 }, true],
    ["longer", { dwell: 601 }, false],
    ["words of notes and names", { text: "ladder tür GATE 4711" }, true],
    ["a word that it has not", { text: "ladder fence" }, false],
    ["part of a word", { text: "lad" }, false],
    ["who did something is no note", { text: "ben" }, false],
    ["from a time within it", { from: "2026-11-22T22:09:00Z" }, true],
    ["from a time after it", { from: "2026-11-22T22:11:00Z" }, false],
    ["up to a time before it", { to: "2026-11-22T21:59:00Z" }, false],
  ];
  it.each(cases)("%s", (_, limit, want) => expect(shows({ ...noLimit, ...limit }, i)).toBe(want));
});

describe("what the clock brings", () => {
  const view: View = { ...open, overdue: true, cameras: ["gate"] };
  const at = (seconds: number) => Date.UTC(2026, 10, 22, 22, 0, seconds);
  const due = (seconds: number) => [{ promise: "acknowledge" as const, within_ns: 60e9, due: new Date(at(seconds)).toISOString() }];

  it("comes when its time is over, once, and not before", () => {
    const s = new Soon(view);
    s.take([alarm("a", "high", 1, { deadlines: due(60) }), alarm("b", "low", 1, { deadlines: due(90) })]);
    expect(ids(s.over(at(59)))).toBe("");
    expect(ids(s.over(at(60)))).toBe("a");
    expect(ids(s.over(at(61)))).toBe("");
    expect(ids(s.over(at(100)))).toBe("b");
  });

  it("is what fits the view and has a clock that runs", () => {
    const s = new Soon(view);
    s.take([
      alarm("other camera", "high", 1, { camera: "yard", deadlines: due(5) }), alarm("no clock", "high", 1),
      alarm("stands", "high", 1, { deadlines: due(5).map((d) => ({ ...d, paused: "police" })) }), alarm("closed", "high", 1, { state: "closed", deadlines: due(5) }),
    ]);
    expect(s.over(at(600))).toEqual([]);
  });

  it("is not what was kept meanwhile; the newest revision says so", () => {
    const s = new Soon(view);
    s.take([alarm("a", "high", 1, { deadlines: due(60) })]);
    s.take([alarm("a", "high", 1, { revision: 2, deadlines: due(60).map((d) => ({ ...d, met: d.due })) })]);
    s.take([alarm("a", "high", 1, { deadlines: due(60) })]);
    expect(s.over(at(61))).toEqual([]);
  });

  it("goes into the rows by the server's clock", () => {
    let now = at(30);
    const r = new Rows(view, false, () => now);
    const late = alarm("a", "high", 1, { deadlines: due(60) });
    expect(r.apply([late])).toEqual([]);
    now = at(61);
    expect(r.apply([late])).toEqual(["a"]);
  });
});
