import { expect, test } from "vitest";
import type { Handling, SummaryRow } from "../api/ledger";
import { clockAt, dayOf, handlingText, moneyText, shareText, summaryName, timeOfDay } from "./ledger";

const row = (r: Partial<SummaryRow>) => r as SummaryRow;
const handling = (h: Partial<Handling>) => ({ count: 0, median_ns: 0, slow90_ns: 0, promised: 0, in_time: 0, missed: 0, ...h }) as Handling;

test("what a row is about", () => {
  const name = (c: string) => (c === "gate" ? "Main gate" : c);
  expect(summaryName(row({ by: "zone", camera: "gate", zone: "door" }), name)).toBe("Main gate / door");
  expect(summaryName(row({ by: "officer" }), name)).toBe("nobody");
  expect(summaryName(row({ by: "officer", officer: "mara" }), name)).toBe("mara");
  expect(summaryName(row({ by: "officer", officer: "mara" }), name, () => "Mara Lindt")).toBe("Mara Lindt");
  expect(summaryName(row({ by: "hour", hour: 23 }), name)).toBe("23–00 h");
  expect(summaryName(row({ by: "day", day: "2026-03-29", length_ns: 23 * 3600e9 }), name)).toBe("2026-03-29 (23 h)");
  expect(summaryName(row({ by: "day", day: "2026-03-28", length_ns: 24 * 3600e9 }), name)).toBe("2026-03-28");
});

test("shares are never rounded up to all", () => {
  expect(shareText(handling({ share: 0.999 }))).toBe("> 99 %");
  expect(shareText(handling({ share: 1 }))).toBe("100 %");
  expect(shareText(handling({}))).toBe("–");
  expect(handlingText(handling({}), "median_ns")).toBe("–");
});

test("money has the digits of its currency", () => {
  expect(moneyText({ amount: 1250, currency: "EUR" })).toMatch(/EUR.12\.50/);
  expect(moneyText({ amount: 1250, currency: "JPY" })).toMatch(/JPY.1,250/);
  expect(moneyText({ amount: 5, currency: "?" })).toBe("5 ?");
});

test("times of a place", () => {
  expect(timeOfDay(23 * 3600e9 + 40 * 60e9)).toBe("23:40");
  expect(timeOfDay(24 * 3600e9)).toBe("00:00");
  expect(clockAt("2026-03-29T00:59:59Z", "Europe/Vienna")).toBe("01:59:59");
  expect(clockAt("2026-03-29T01:00:00Z", "Europe/Vienna")).toBe("03:00:00");
  expect(clockAt("2026-03-29T01:00:00Z", "Local")).toMatch(/^\d\d:\d\d:\d\d$/);
  expect(dayOf(new Date(2026, 2, 9, 12).getTime())).toBe("2026-03-09");
});
