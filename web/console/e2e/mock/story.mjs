// A believable night for screenshots and for working on the console.
import { promises } from "./desk.mjs";

/** @param {import("./server.mjs").Mock} mock */
export function tellStory(mock) {
  const at = (/** @type {number} */ s) => new Date(Date.now() - s * 1000).toISOString();
  mock.open({ age: 95, scene: 0, severity: "critical" });
  mock.open({ age: 210, scene: 2, severity: "high", kind: "covered", end: undefined });
  mock.open({ age: 340, scene: 1, severity: "high" });
  mock.open({
    age: 700, scene: 2, severity: "high", state: "acknowledged", revision: 2,
    assignment: { officer: "m.weber", by: "m.weber", at: at(640) }, course: { acknowledged: at(640) }, edition: 1,
    deadlines: promises("high", Date.now() - 700_000).map((d) => (d.promise === "acknowledge" ? { ...d, met: at(640) } : d)),
    log: [{ at: at(640), who: "m.weber", what: "claimed", note: "Watching on the second screen." }],
  });
  mock.open({ age: 1200, scene: 0, severity: "medium", kind: "line" });
  const gap = mock.open({ age: 1500, scene: 0, severity: "medium" });
  mock.change(gap.id, (i) => {
    const from = Date.parse(i.start) + 4300;
    i.footage.gaps = [{ from: new Date(from).toISOString(), to: new Date(from + 1800).toISOString(), cause: "camera_lost" }];
  });
  const waiting = mock.open({ age: 2100, scene: 3, severity: "medium", kind: "motion" });
  mock.change(waiting.id, (i) => {
    i.footage.state = "pending";
    i.footage.objects = [];
    i.footage.upload_note = "the evidence store refuses the connection; next try in 40 s";
  });
  mock.open({ age: 4, scene: 3, severity: "medium", kind: "motion" });
  mock.open({
    age: 5400, scene: 1, severity: "low", kind: "motion", state: "acknowledged", revision: 2,
    judgement: { verdict: "nuisance", reason: "rain", by: "m.weber", at: at(5300) },
    log: [
      { at: at(5300), who: "m.weber", what: "acknowledged" },
      { at: at(5300), who: "m.weber", what: "judged nuisance: rain" },
    ],
  });
  mock.open({ age: 9100, scene: 2, severity: "low", kind: "motion" });
  mock.open({
    age: 21_000, scene: 0, severity: "high", state: "closed", revision: 3,
    log: [
      { at: at(20_900), who: "admin", what: "acknowledged" },
      { at: at(20_400), who: "admin", what: "closed", note: "Delivery driver waiting for the gate. Spoke to him by intercom." },
    ],
  });
}

/** @param {import("./server.mjs").Mock} mock */
export function loseCamera(mock) {
  const yard = mock.cameras.find((c) => c.id === "yard") ?? mock.cameras[mock.cameras.length - 1];
  if (!yard) return;
  yard.health = {
    ...yard.health, connection: "disconnected", since: new Date(Date.now() - 260_000).toISOString(), sessions: 3, packets_lost: 41,
    error: "dial 192.0.2.31:554: no route to host; check that the camera has power and that its address is right",
  };
  mock.status.cameras.connected = mock.cameras.filter((c) => c.health.connection === "connected").length;
}

/** @param {import("./server.mjs").Mock} mock */
export function breakConfig(mock) {
  mock.status.config.errors = [
    "vedette.yml:14:9: cameras.gate.zones.door: unknown key \"dwel\"; did you mean \"dwell\"?",
    "vedette.yml:21:16: cameras.yard.zones.ramp.polygon: the outline crosses itself between corners 2 and 4",
  ];
  mock.publish("status", mock.status);
}

/** Somebody has hung a coat over the lobby's camera. @param {import("./server.mjs").Mock} mock */
export function coverCamera(mock) {
  const lobby = mock.cameras.find((c) => c.id === "lobby") ?? mock.cameras[0];
  if (!lobby) return;
  lobby.health = { ...lobby.health, troubles: ["covered"] };
  mock.publish("camera", lobby.health);
}

/** A month of alarms, most of them judged. @param {import("./server.mjs").Mock} mock */
export function judgeMonth(mock) {
  const reasons = /** @type {const} */ (["rain", "rain", "rain", "animal", "shadow", "headlight"]);
  const kinds = /** @type {const} */ (["loitering", "motion", "intrusion", "line"]);
  for (let n = 0; n < 60; n++) {
    const age = 3600 * 11 * n + 600;
    const at = new Date(Date.now() - age * 1000 + 60_000).toISOString();
    const nuisance = n % 4 === 1 ? n % 3 > 0 : n % 7 === 0;
    mock.open({
      age, scene: n % 4, severity: "low", kind: kinds[n % 4], state: "closed", revision: 3,
      log: [{ at, who: "admin", what: "acknowledged" }, { at, who: "admin", what: "closed" }],
      ...(n % 5 === 4
        ? {}
        : { judgement: nuisance ? { verdict: "nuisance", reason: reasons[n % 6], by: "admin", at } : { verdict: "true", by: "admin", at } }),
    });
  }
}
