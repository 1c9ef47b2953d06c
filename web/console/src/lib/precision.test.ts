import { describe, expect, it } from "vitest";
import type { PrecisionRow } from "../api/types";
import { choicePath, intervalText, parseChoice, precisionText, reasonsText, rowName } from "./precision";

const row = (o: Partial<PrecisionRow>): PrecisionRow => ({ by: "all", alarms: 0, unjudged: 0, true: 0, nuisance: 0, reasons: {}, ...o });
const estimate = (value: number, low: number, high: number) => row({ precision: { value, low, high } });
const name = (id: string) => (id === "gate" ? "Main gate" : id);

describe("a row", () => {
  it("is named for what its alarms have in common", () => {
    expect(rowName(row({ by: "rule", camera: "gate", zone: "door", kind: "left_object" }), name)).toBe("Object left, Main gate / door");
    expect(rowName(row({ by: "rule", camera: "gate", kind: "covered" }), name)).toBe("Camera covered, Main gate");
    expect(rowName(row({ by: "zone", camera: "yard", zone: "ramp" }), name)).toBe("yard / ramp");
    expect(rowName(row({ by: "zone", camera: "yard" }), name)).toBe("yard, the camera itself");
    expect(rowName(row({ by: "camera", camera: "gate" }), name)).toBe("Main gate");
    expect(rowName(row({ by: "hour", hour: 23 }), name)).toBe("23–00 h");
    expect(rowName(row({ by: "hour", hour: 0 }), name)).toBe("00–01 h");
    expect(rowName(row({}), name)).toBe("All");
  });

  it("says how precise, and how sure that is", () => {
    expect(precisionText(estimate(0.834, 0.6, 0.94))).toBe("83 %");
    expect(intervalText(estimate(0.834, 0.619, 0.931))).toBe("61–94 %");
    expect(precisionText(estimate(0.998, 0.9, 1))).toBe("> 99 %");
    expect(precisionText(estimate(0.002, 0, 0.1))).toBe("< 1 %");
    expect(precisionText(estimate(1, 0.5, 1))).toBe("100 %");
  });

  it("that nobody has judged says nothing", () => {
    expect(precisionText(row({ alarms: 5, unjudged: 5 }))).toBe("–");
    expect(intervalText(row({ alarms: 5, unjudged: 5 }))).toBe("");
  });

  it("names what the nuisance came from, the most frequent first", () =>
    expect(reasonsText(row({ reasons: { animal: 1, rain: 4, known_person: 1, shadow: 0 } }))).toBe("Rain 4, animal 1, known person 1"));
  it("without a nuisance names none", () => expect(reasonsText(row({}))).toBe(""));
});

describe("what is chosen", () => {
  it("is by rule, over 30 days, of every camera at first", () => {
    expect(parseChoice("")).toMatchObject({ by: "rule", period: { days: 30 }, camera: "" });
    expect(choicePath({ by: "rule", days: "30", camera: "" })).toBe("/precision");
  });
  it("goes into the address and out again", () => {
    const path = choicePath({ by: "hour", days: "7", camera: "gate & yard" });
    expect(parseChoice(path.slice(path.indexOf("?")))).toMatchObject({ by: "hour", period: { days: 7 }, camera: "gate & yard" });
  });
  it("that is not offered is the default", () => expect(parseChoice("?by=moon&days=0")).toMatchObject({ by: "rule", period: { days: 30 } }));
});
