import { beforeAll, describe, expect, it } from "vitest";
import type { Gap } from "../api/types";
import { footage, incident } from "./fixture";
import { complete, completenessText, footageFlag, footageText, framesText, gapText, mayHave, percent, preRollText } from "./footage";

beforeAll(() => {
  process.env.TZ = "Europe/Berlin";
});

/** Seconds after 22:40:00 UTC. */
const at = (seconds: number) => new Date(Date.UTC(2026, 10, 22, 22, 40, 0, seconds * 1000)).toISOString();
const gap = (from: number, to: number, o: Partial<Gap> = {}): Gap => ({ from: at(from), to: at(to), cause: "camera_lost", ...o });

// Asked for is 22:40:51 to 22:41:51.
describe("completeness, as models.Footage.Complete computes it", () => {
  const cases: { name: string; gaps?: Gap[]; want: number }[] = [
    { name: "no gap", want: 1 },
    { name: "1.8 s of 60", gaps: [gap(67.2, 69)], want: 0.97 },
    { name: "only the part inside what was asked for", gaps: [gap(45, 54)], want: 0.95 },
    { name: "gaps outside cost nothing", gaps: [gap(0, 50), gap(112, 120)], want: 1 },
    { name: "several add up", gaps: [gap(60, 63), gap(70, 76)], want: 0.85 },
    { name: "gaps that overlap count once", gaps: [gap(70, 76), gap(60, 72), gap(61, 62)], want: 1 - 16 / 60 },
    { name: "everything", gaps: [gap(0, 200)], want: 0 },
  ];
  for (const c of cases) it(c.name, () => expect(complete(footage({ gaps: c.gaps }))).toBeCloseTo(c.want, 9));

  it("is whole while the end is not known", () => expect(complete(footage({ asked_to: undefined, gaps: [gap(60, 63)] }))).toBe(1));
});

describe("in words", () => {
  it("a percentage is never rounded up to whole", () => {
    expect(percent(1)).toBe("100 %");
    expect(percent(0.9999)).toBe("99.9 %");
    expect(percent(0.9951)).toBe("99.5 %");
    expect(percent(0.979)).toBe("97 %");
    expect(percent(0)).toBe("0 %");
  });

  it("a gap names when, how long and why", () =>
    expect(gapText(gap(67.2, 69, { lost: 12 }))).toBe("gap of 1.8 s at 23:41:07.2, camera lost, 12 lost"));

  it("the sentence", () => {
    expect(completenessText(footage())).toBe("100 %, no gap");
    expect(completenessText(footage({ gaps: [gap(67.2, 69)] }))).toBe("97 %, gap of 1.8 s at 23:41:07.2, camera lost");
    expect(completenessText(footage({ state: "recording", asked_to: undefined }))).toBe("no gap so far");
    expect(completenessText(footage({ state: "none" }))).toBe("nothing recorded");
  });

  it("many gaps are counted after the third", () =>
    expect(completenessText(footage({ gaps: [gap(52, 53), gap(54, 55), gap(56, 57), gap(58, 59), gap(60, 61)] }))).toMatch(/; and 2 more$/));

  it("a cause that this console does not know is still shown", () =>
    expect(gapText(gap(60, 61, { cause: "solar_flare" as Gap["cause"] }))).toContain("solar flare"));

  it("states", () => {
    expect(footageText(footage({ state: "pending" })).state).toBe("Not yet off site");
    expect(footageText(footage({ state: "pending", upload_note: "s3 refused" })).detail).toBe("s3 refused");
    expect(footageText(footage({ state: "stored" })).attention).toBe(false);
    expect(footageText(footage({ state: "none" })).attention).toBe(true);
  });

  it("a row says only what is worth saying, the loss before the place", () => {
    expect(footageFlag(footage())).toBe("");
    expect(footageFlag(footage({ state: "recording", asked_to: undefined }))).toBe("");
    expect(footageFlag(footage({ state: "recording", asked_to: undefined, gaps: [gap(60, 61)] }))).toBe("1 gap");
    expect(footageFlag(footage({ state: "pending" }))).toBe("not yet off site");
    expect(footageFlag(footage({ state: "pending", gaps: [gap(67.2, 69)] }))).toBe("97 % of footage");
    expect(footageFlag(footage({ state: "none" }))).toBe("no footage");
  });
});

describe("whether there may be a picture of why", () => {
  const object = (role: "clip" | "why") => ({ role, key: role, type: "", size: 1, sha256: "" });
  it("is known once the objects are named", () => {
    expect(mayHave(footage({ objects: [object("clip"), object("why")] }), "why")).toBe(true);
    expect(mayHave(footage({ objects: [object("clip")] }), "why")).toBe(false);
  });
  it("is worth asking before that, and only then", () => {
    expect(mayHave(footage({ state: "recording" }), "why")).toBe(true);
    expect(mayHave(footage({ state: "pending", objects: [] }), "why")).toBe(true);
    expect(mayHave(footage({ state: "stored" }), "why")).toBe(false);
    expect(mayHave(footage({ state: "none" }), "why")).toBe(false);
  });
});

describe("what was asked for and what was got", () => {
  it("counts frames where it is known how many there must be", () => {
    expect(framesText(footage({ frames: 420 }))).toBe("420 frames");
    expect(framesText(footage({ frames: 420, expected: 450 }))).toBe("420 of 450 frames (93 %)");
    expect(framesText(footage({ frames: 455, expected: 450 }))).toBe("455 of 450 frames");
  });
  it("tells how much there is from before the alarm", () => {
    const of = (from?: string) => preRollText(incident({ footage: footage({ ...(from ? { from } : {}) }) }));
    expect(of("2026-11-22T22:40:50Z")).toBe("16.0 s asked for, all there");
    expect(of("2026-11-22T22:41:03Z")).toBe("16.0 s asked for, 4.0 s there");
    expect(of()).toBe("16.0 s asked for, nothing there");
  });
  it("says where footage is that is gone or on its way", () => {
    expect(footageText(footage({ state: "deleted" })).state).toBe("Deleted by retention");
    expect(footageText(footage({ state: "recording", off_site: "2026-11-22T22:41:30Z" })).detail).toMatch(/safe off site up to \d\d:41:30/);
  });
});
