import type { Camera, Event, Footage, Health, Incident, Instant } from "../api/types";

// Records for the unit tests: complete, and dull but for what a test says.

export function footage(o: Partial<Footage> = {}): Footage {
  return { state: "stored", asked_from: "2026-11-22T22:40:51Z", asked_to: "2026-11-22T22:41:51Z", frames: 420, ...o };
}

export function incident(o: Partial<Incident> = {}): Incident {
  return {
    id: "20261122T224107.000Z-gate-door-loitering-1",
    number: 1,
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
    edition: 0,
    revision: 1,
    ...o,
  };
}

/** An incident whose alarm was so many seconds after 22:00. */
export function alarm(id: string, severity: Incident["severity"], seconds: number, o: Partial<Incident> = {}): Incident {
  return incident({ id, severity, alarm: new Date(Date.UTC(2026, 10, 22, 22, 0, seconds)).toISOString(), ...o });
}

/** So many seconds of media time after 22:40:57. */
export const instant = (seconds: number): Instant => ({
  media_ns: seconds * 1e9,
  wall: new Date(Date.UTC(2026, 10, 22, 22, 40, 57) + seconds * 1000).toISOString(),
});

/** The event of somebody who stayed 10 s. */
export function loiterer(o: Partial<Event> = {}): Event {
  return {
    id: 1, phase: "ended", camera: "gate", zone: "door", track: 4, label: "person", score: 0.8,
    rule: { kind: "loitering", severity: "high", dwell_ns: 10e9 },
    start: instant(0), alarm: instant(10), end: instant(14),
    box: { x: 0.4, y: 0.3, w: 0.1, h: 0.2 }, path: [], config: "c0ffee",
    why: [{ name: "dwell", observed: 10.1, threshold: 10, unit: "s" }],
    ...o,
  };
}

export function camera(o: Partial<Health> = {}): Camera {
  return {
    id: "gate", name: "Gate", fps: 0, objects: true, zones: [],
    health: {
      camera: "gate", connection: "connected", since: "2026-11-22T20:00:00Z", clock_offset_ns: 0, clock_drift_ppm: 0, recording: false, sessions: 1, bytes: 0,
      access_units: 0, packets_lost: 0, decode_errors: 0, frames: 0, frames_analysed: 0, frames_shed: 0, buffered_ns: 0,
      buffer_bytes: 0, object_looks: 0, object_looks_over: 0, object_looks_failed: 0,
      ...o,
    },
  };
}
