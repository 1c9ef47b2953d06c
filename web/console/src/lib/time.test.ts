import { beforeAll, describe, expect, it } from "vitest";
import { ago, clock, clockTenths, counting, date, length, moment, offset, parse, setting, zone } from "./time";

const s = 1000;
const min = 60 * s;
const h = 60 * min;

beforeAll(() => {
  process.env.TZ = "Europe/Berlin";
});

describe("instants are local, with their zone", () => {
  const winter = Date.UTC(2026, 10, 22, 22, 41, 7, 349);
  const summer = Date.UTC(2026, 6, 1, 22, 41, 7);
  it("to the second", () => expect(clock(winter)).toBe("23:41:07"));
  it("to the tenth, cut and not rounded, so that it never runs ahead of the picture", () =>
    expect(clockTenths(winter + 50)).toBe("23:41:07.3"));
  it("with the date in letters", () => expect(date(winter)).toBe("Sun 22 Nov 2026"));
  it("with the offset of that day", () => {
    expect(zone(winter)).toBe("UTC+01:00");
    expect(zone(summer)).toBe("UTC+02:00");
    expect(date(summer)).toBe("Thu 2 Jul 2026");
  });
  it("with the day when it is another one", () => {
    expect(moment(winter, winter + 10 * min)).toBe("23:41:07");
    expect(moment(winter, winter + h)).toBe("22 Nov 23:41:07");
    expect(moment(winter, winter + 400 * 24 * h)).toBe("22 Nov 2026 23:41:07");
  });
  it("west of Greenwich, and at it", () => {
    process.env.TZ = "America/St_Johns";
    expect(zone(winter)).toBe("UTC−03:30");
    process.env.TZ = "UTC";
    expect(zone(winter)).toBe("UTC");
    process.env.TZ = "Europe/Berlin";
  });
});

describe("what the server never set", () => {
  it("is not a time", () => {
    expect(parse(undefined)).toBeNaN();
    expect(parse("0001-01-01T00:00:00Z")).toBeNaN();
  });
  it("is a dash wherever it is shown", () => {
    for (const f of [clock, clockTenths, date, counting, ago, length]) expect(f(Number.NaN)).toBe("–");
    expect(moment(Number.NaN, 0)).toBe("–");
  });
});

describe("counting", () => {
  const cases: [number, string][] = [
    [-3 * s, "0:00"],
    [7 * s, "0:07"],
    [59_999, "0:59"],
    [12 * min + 31 * s, "12:31"],
    [3 * h + 4 * min + 5 * s, "3:04:05"],
    [47 * h + 59 * min, "47:59:00"],
    [52 * h, "2 d 04 h"],
  ];
  for (const [ms, want] of cases) it(want, () => expect(counting(ms)).toBe(want));
});

describe("ago", () => {
  const cases: [number, string][] = [
    [-10 * s, "in 10 s"],
    [-2 * s, "just now"],
    [4 * s, "just now"],
    [12 * s, "12 s ago"],
    [59 * min, "59 min ago"],
    [47 * h, "47 h ago"],
    [72 * h, "3 days ago"],
  ];
  for (const [ms, want] of cases) it(`${ms} ms`, () => expect(ago(ms)).toBe(want));
});

describe("lengths", () => {
  const cases: [number, string][] = [
    [430, "0.4 s"],
    [31_240, "31.2 s"],
    [99_949, "99.9 s"],
    [99_950, "1 min 40 s"],
    [245 * s, "4 min 05 s"],
    [3 * h + 4 * min, "3 h 04 min"],
    [59 * min + 59_700, "1 h 00 min"],
  ];
  for (const [ms, want] of cases) it(want, () => expect(length(ms)).toBe(want));
  it("as they were set", () => {
    expect(setting(10 * s)).toBe("10 s");
    expect(setting(1500)).toBe("1.5 s");
    expect(setting(2 * min)).toBe("2 min");
    expect(setting(90 * s)).toBe("1 min 30 s");
    expect(setting(60 * min)).toBe("1 h");
    expect(setting(90 * min)).toBe("1 h 30 min");
  });
  it("of a clock's offset, with the sign", () => {
    expect(offset(240_000_000)).toBe("+0.24 s");
    expect(offset(-2_000_000)).toBe("0.00 s");
    expect(offset(-3_100_000_000)).toBe("−3.10 s");
  });
});
