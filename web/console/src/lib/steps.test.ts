import { describe, expect, it } from "vitest";
import { incident, loiterer } from "./fixture";
import { centsOf, choiceOf, chosenOf, instantOf, localOf, moneyText, steps } from "./steps";

describe("money", () => {
  const cases: [string, number][] = [
    ["0", 0], ["12", 1200], ["12.5", 1250], ["12,50", 1250], ["1234.50", 123_450], ["1.234,50", 123_450], ["1,234.50", 123_450], ["1 234,50", 123_450],
    ["1'234.05", 123_405], ["", Number.NaN], ["a lot", Number.NaN], ["-3", Number.NaN], ["1.2.3", Number.NaN], ["12.34.5", Number.NaN],
  ];
  for (const [text, cents] of cases) it(`reads ${text || "nothing"}`, () => expect(centsOf(text)).toBe(cents));
  it("is written so that it can be read again", () => {
    expect(moneyText({ amount: 123_405, currency: "EUR" })).toBe("1234.05 EUR");
    expect(centsOf("1234.05")).toBe(123_405);
  });
});

describe("a local time in a form", () => {
  it("comes back as the instant that it was", () => {
    const ms = Date.UTC(2026, 2, 29, 0, 59, 58);
    expect(Date.parse(instantOf(localOf(ms)))).toBe(ms);
  });
  it("that is none is empty", () => expect(instantOf("yesterday")).toBe(""));
});

describe("several of what is offered", () => {
  it("come back as they were chosen; nothing is nothing", () => {
    expect(chosenOf(choiceOf(["a", "b c"]))).toEqual(["a", "b c"]);
    expect(chosenOf(choiceOf([]))).toEqual([]);
    expect(chosenOf(undefined)).toEqual([]);
  });
  it("are the events of an incident that is split, and one of them stays", () => {
    const [field] = steps.split(incident({ events: [loiterer(), loiterer({ id: 2, label: "unknown", zone: "ramp" }), loiterer({ id: 3 })] })).fields;
    expect(field?.most).toBe(2);
    expect(field?.options?.map((o) => o.value)).toEqual(["1", "2", "3"]);
    expect(field?.options?.[0]?.word).toMatch(/^\d\d:\d\d:\d\d Loitering$/);
    expect(field?.options?.map((o) => o.hint)).toEqual(["door, person, 14.0 s", "ramp, 14.0 s", "door, person, 14.0 s"]);
  });
});
