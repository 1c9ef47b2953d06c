import { describe, expect, it } from "vitest";
import { actWord, driftText, holdActive, holdText, hostClockText, integrityText } from "./custody";

const now = Date.UTC(2026, 10, 22, 12);
const hold = { by: "ann", why: "case 4711", at: "2026-11-01T00:00:00Z" };

describe("a hold", () => {
  it("is in force until its time is over", () => {
    expect(holdActive(undefined, now)).toBe(false);
    expect(holdActive(hold, now)).toBe(true);
    expect(holdActive({ ...hold, until: "2026-11-22T12:00:01Z" }, now)).toBe(true);
    expect(holdActive({ ...hold, until: "2026-11-22T12:00:00Z" }, now)).toBe(false);
    expect(holdText(hold)).toBe("until somebody releases it");
  });
});

describe("integrity", () => {
  const sealed = { manifest_sha256: "ab", signature: "valid" as const, objects: [], problems: [], sound: true };
  it("says what was checked, and no more", () => {
    expect(integrityText(sealed)).toMatchObject({ state: "Signature valid", attention: false });
    expect(integrityText(sealed).detail).toMatch(/when you ask/);
    const o = { role: "clip" as const, key: "k", type: "video/mp4", size: 1, sha256: "00" };
    expect(integrityText({ ...sealed, objects: [{ ...o, state: "intact" }] }).detail).toMatch(/every file was read/);
    expect(integrityText({ ...sealed, sound: false, problems: ["clip is altered"] })).toEqual({ state: "Not as it was sealed", detail: "clip is altered", attention: true });
    expect(integrityText({ signature: "absent", objects: [], problems: [], sound: true }).state).toBe("Not sealed yet");
    expect(integrityText({ ...sealed, signature: "absent" }).state).toBe("Not signed");
  });
});

describe("clocks", () => {
  it("are told with their drift", () => {
    expect(driftText(0.24e9, 12)).toBe("+0.24 s against ours, drifting +12 ppm (1.0 s a day)");
    expect(driftText(-3.1e9, 0)).toBe("−3.10 s against ours");
  });
  it("of the host are believed as far as it says", () => {
    expect(hostClockText(undefined)).toMatch(/not known/);
    expect(hostClockText({ known: true, synchronised: false, max_error_ns: 0 })).toMatch(/not synchronised/);
    expect(hostClockText({ known: true, synchronised: true, max_error_ns: 12e6 })).toBe("synchronised, off by at most 0.01 s");
  });
});

it("knows every act, and shows one that it does not know", () => {
  expect(actWord("played")).toBe("Played");
  expect(actWord("config_changed")).toBe("Configuration changed");
  expect(actWord("something_new")).toBe("Something new");
});
