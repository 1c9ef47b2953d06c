import type { Footage, Incident } from "../api/types";

// Records for the unit tests: complete, and dull but for what a test says.

export function footage(o: Partial<Footage> = {}): Footage {
  return { state: "stored", asked_from: "2026-11-22T22:40:51Z", asked_to: "2026-11-22T22:41:51Z", frames: 420, ...o };
}

export function incident(o: Partial<Incident> = {}): Incident {
  return {
    id: "20261122T224107.000Z-gate-door-loitering-1",
    camera: "gate",
    zone: "door",
    kind: "loitering",
    severity: "high",
    state: "new",
    label: "person",
    score: 0.8,
    start: "2026-11-22T22:40:57Z",
    alarm: "2026-11-22T22:41:07Z",
    opened: "2026-11-22T22:41:07.2Z",
    box: { x: 0.4, y: 0.3, w: 0.1, h: 0.2 },
    polygon: [],
    events: [],
    event_count: 1,
    config: "c0ffee",
    version: "0.1.0",
    footage: footage(),
    log: [],
    revision: 1,
    ...o,
  };
}

/** An incident whose alarm was so many seconds after 22:00. */
export function alarm(id: string, severity: Incident["severity"], seconds: number, o: Partial<Incident> = {}): Incident {
  return incident({ id, severity, alarm: new Date(Date.UTC(2026, 10, 22, 22, 0, seconds)).toISOString(), ...o });
}
