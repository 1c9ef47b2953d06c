import { describe, expect, it } from "vitest";
import { centsOf, instantOf, localOf, moneyText } from "./steps";

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
