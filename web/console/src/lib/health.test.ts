import { describe, expect, it } from "vitest";
import { camera } from "./fixture";
import { figures, looksText, sound } from "./health";

describe("a camera", () => {
  it("is sound when it is there and sees", () => {
    expect(sound(camera())).toBe(true);
    expect(sound(camera({ troubles: ["covered"] }))).toBe(false);
    expect(sound(camera({ connection: "disconnected" }))).toBe(false);
    expect(sound(camera({ troubles: [] }))).toBe(true);
  });

  it("says how often its objects were looked for", () => {
    expect(looksText(camera())).toBe("classified, no look yet");
    expect(looksText(camera({ object_looks: 1204, object_looks_over: 3 }))).toBe("1\u202f204 looks, 3 over the budget");
    expect(looksText(camera({ object_looks_failed: 2 }))).toBe("0 looks, 2 failed");
    expect(looksText({ ...camera(), objects: false })).toBe("motion only");
  });

  it("asks for a look when most were refused or one failed", () => {
    const objects = (o: Parameters<typeof camera>[0]) => figures(camera(o), 7).find((f) => f.name === "Objects")?.attention;
    expect(objects({ object_looks: 1000, object_looks_over: 3 })).toBe(false);
    expect(objects({ object_looks: 10, object_looks_over: 30 })).toBe(true);
    expect(objects({ object_looks: 10, object_looks_failed: 1 })).toBe(true);
  });
});
