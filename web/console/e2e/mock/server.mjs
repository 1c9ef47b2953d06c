// The server's API with made-up incidents over real footage: for the browser tests and for
// working on the console without a camera. It keeps the contract of openapi.json, sends the
// same security headers and serves the built console.
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { deserialize } from "node:v8";
import { curveOf, factsOf, ruleOf, technical } from "./event.mjs";
import { channels, give, likeness, policy as rules, promises, staff, steps, suggestion } from "./desk.mjs";
import { makeScenes } from "./footage.mjs";

/** @typedef {import("../../src/api/types").Incident} Incident */
/** @typedef {import("../../src/api/types").Camera} Camera */
/** @typedef {import("../../src/api/types").Severity} Severity */
/** @typedef {import("./footage.mjs").Scene} Scene */

/** The console as `npm run build` leaves it; VEDETTE_CONSOLE names another build. */
const dist = process.env.VEDETTE_CONSOLE ?? fileURLToPath(new URL("../../dist", import.meta.url));

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; " +
  "connect-src 'self'; font-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/** @type {Record<string, string>} */
const types = {
  ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml", ".woff2": "font/woff2",
};

/** @type {readonly Severity[]} */
const severities = ["critical", "high", "medium", "low"];
const second = 1e9;

/** @type {Scene[] | undefined} */
let scenes;

/** Scenes are made once for a whole process, or were made before for all of them. */
async function footage() {
  const made = process.env.VEDETTE_SCENES;
  if (made) scenes ??= /** @type {Scene[]} */ (deserialize(readFileSync(made)));
  if (!scenes) {
    const dir = mkdtempSync(join(tmpdir(), "vedette-mock-"));
    try {
      scenes = await makeScenes(dir);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }
  return scenes;
}

export class Mock {
  user = "admin";
  password = "one-time";
  mustChange = false;
  /** @type {import("../../src/api/types").Right[]} */
  rights = ["view", "live", "footage", "work", "investigate", "assign", "close", "review", "export", "hold", "delete", "report", "tune", "audit", "administer"];
  people = staff();
  /** @type {import("../../src/api/ledger").Series[]} */
  series = [];
  /** @type {import("../../src/api/types").Token[]} */
  tokens = [];
  /** Judgements are refused with 503 from now on. */
  deaf = false;
  /** @type {import("../../src/api/types").CustodyRecord[]} */
  custody = [];
  /** Exports break off after the first bytes. */
  cut = false;
  /** How far the server's clock is ahead of this machine's when it says what is overdue, milliseconds. */
  ahead = 0;
  /** Attempts refused with 429 from now on. */
  refuse = false;
  /** @type {Map<string, Incident>} */
  incidents = new Map();
  /** @type {Map<string, Scene>} */
  scenes = new Map();
  /** @type {Camera[]} */
  cameras = [];
  /** @type {import("../../src/api/types").Status} */
  status;
  url = "";

  #server = createServer((req, res) => void this.#serve(req, res));
  /** @type {Set<import("node:http").ServerResponse>} */
  #streams = new Set();
  /** @type {Set<string>} */
  #sessions = new Set();
  /** @type {{ id: number, text: string }[]} */
  #ring = [];
  #seq = 0;
  #count = 0;
  #beat;
  #lost = false;

  /** @param {Scene[]} footage */
  constructor(footage) {
    this.footage = footage;
    this.status = {
      version: "0.1.0", started: ago(4 * 3600), now: ago(0),
      config: { hash: hash("config"), loaded: ago(3600), errors: [] },
      storage: {
        pending: 0, pending_bytes: 0, errors: 0, open: 0, open_bytes: 0, keeper: { deleted: 0, locked: 0 },
        attachments: { pending: 0, failing: 0, orphans: 0 }, exhibits: { pending: 0, failing: 0, orphans: 0 },
      },
      cameras: { connected: 0, total: 0 }, failing_channels: [], notices: { waiting: 0, dropped: 0 }, host_clock: { known: true, synchronised: true, max_error_ns: 0.012 * second },
    };
    this.#beat = setInterval(() => this.#tick(), 1000);
  }

  /** @param {{ port?: number }} [o] */
  static async start(o = {}) {
    const mock = new Mock(await footage());
    await /** @type {Promise<void>} */ (
      new Promise((done) => mock.#server.listen(o.port ?? 0, "127.0.0.1", () => done()))
    );
    const address = /** @type {import("node:net").AddressInfo} */ (mock.#server.address());
    mock.url = `http://127.0.0.1:${address.port}`;
    for (const scene of mock.footage) mock.addCamera(scene);
    return mock;
  }

  async stop() {
    clearInterval(this.#beat);
    for (const s of this.#streams) s.destroy();
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  /** @param {Scene} scene */
  addCamera(scene) {
    const known = this.cameras.find((c) => c.id === scene.camera);
    /** @type {Camera["zones"][number]} */
    const zone = {
      id: scene.zone, polygon: scene.polygon,
      rules: [
        { kind: "loitering", severity: "high", dwell_ns: scene.dwell * second, grace_ns: 3 * second, labels: [scene.label] },
        { kind: "motion", severity: "low" },
      ],
    };
    if (known) {
      known.zones.push(zone);
      return;
    }
    this.cameras.push({
      id: scene.camera, name: scene.camera, fps: 0, objects: true, zones: [zone],
      health: {
        camera: scene.camera, connection: "connected", since: ago(3 * 3600 + 512), codec: "h264", width: scene.width,
        height: scene.height, last_frame: ago(0), clock: "camera", clock_offset_ns: 0.24 * second, sessions: 1,
        bytes: 5_312_000_000, access_units: 90_210, packets_lost: 0, decode_errors: 0, frames: 90_210,
        frames_analysed: 90_120, frames_shed: 90, buffered_ns: 21.4 * second, buffer_bytes: 7_900_000,
        clock_drift_ppm: 12, recording: true, object_looks: 4_310, object_looks_over: 12, object_looks_failed: 0,
      },
    });
    this.#countCameras();
  }

  #countCameras() {
    this.status.cameras = {
      total: this.cameras.length,
      connected: this.cameras.filter((c) => c.health.connection === "connected").length,
    };
  }

  /**
   * Makes an incident whose alarm was so many seconds ago, and tells everyone.
   * @param {Partial<Incident> & { age?: number, scene?: number, log?: Incident["log"] }} [o]
   * @returns {Incident}
   */
  open(o = {}) {
    const { age = 0, scene: n = 0, ...more } = o;
    const kind = more.kind ?? "loitering";
    const aside = technical.has(kind);
    const scene = /** @type {Scene} */ (this.footage[n % this.footage.length]);
    const alarm = Date.now() - age * 1000;
    const begin = alarm - scene.alarm * 1000;
    /** @param {number} t seconds of the clip */
    const at = (t) => new Date(begin + t * 1000).toISOString();
    /** @param {number} t */
    const instant = (t) => ({ media_ns: Math.round(t * second), wall: at(t) });
    const number = ++this.#count;
    const id = `${at(scene.alarm).replace(/[-:]/g, "")}-${[scene.camera, ...(aside ? [] : [scene.zone]), kind].join("-")}-${number}`;
    const path = scene.path.map((s, k) => ({
      at: instant(s.t), foot: { x: s.x + s.w / 2, y: s.y + s.h }, box: { x: s.x, y: s.y, w: s.w, h: s.h }, seen: true,
      // The object detector looks at every second frame.
      ...(k % 2 ? {} : { score: Math.round((0.78 + 0.14 * Math.sin(k / 3)) * 100) / 100 }),
    }));
    const walked = aside || kind === "crowd" ? [] : path;
    const nobody = { x: 0, y: 0, w: 0, h: 0 };
    const box = aside ? nobody : path.findLast((p) => p.at.media_ns <= scene.alarm * second)?.box ?? { x: 0.46, y: 0.34, w: 0.07, h: 0.3 };
    /** @type {Incident["severity"]} */
    const severity = more.severity ?? "high";
    const over = age > scene.end - scene.alarm;
    const rule = ruleOf(kind === "storage" || kind === "reported" ? "motion" : kind, severity, scene);
    const why = factsOf(rule, scene.alarm - scene.start);
    const zone = aside ? "" : scene.zone;
    const label = aside ? "" : scene.label;
    const polygon = aside ? [] : scene.polygon;
    /** @type {Incident} */
    const incident = {
      id, number, camera: scene.camera, zone, kind, severity, state: "new", label, score: aside ? 1 : 0.86,
      start: at(scene.start), alarm: at(scene.alarm), opened: new Date(alarm + 210).toISOString(),
      ...(over ? { end: at(scene.end) } : {}),
      box, polygon,
      // No rule raises an incident of kind storage.
      events: kind === "storage" || kind === "reported" ? [] : [{
        id: 1, phase: over ? "ended" : "began", camera: scene.camera, zone, rule, track: aside ? 0 : 4, label, score: aside ? 0 : 0.86,
        start: instant(scene.start), alarm: instant(scene.alarm), end: instant(scene.end), box, path: walked,
        config: this.status.config.hash, why, curve: curveOf(rule, why, scene.start, scene.alarm, over ? scene.end : scene.alarm, instant),
      }],
      event_count: kind === "storage" || kind === "reported" ? 0 : 1, config: this.status.config.hash, version: "0.1.0",
      footage: {
        state: over ? "stored" : "recording", asked_from: at(0), from: at(0), clock: "camera", codec: "h264", width: scene.width,
        height: scene.height, frames: Math.round(scene.seconds * scene.fps),
        ...(over
          ? {
              asked_to: at(scene.seconds), to: at(scene.seconds),
              objects: /** @type {const} */ (["clip", "still", "picture", "why", "mask", "manifest"]).map((role) => ({
                role, key: `incidents/2026/11/22/${id}/${role}`, size: role === "clip" ? scene.clip.length : 48_213,
                type: role === "clip" ? "video/mp4" : "image/jpeg", sha256: hash(id + role),
              })),
            }
          : {}),
      },
      log: [], edition: 0, revision: 1, deadlines: promises(severity, alarm + 210),
      ...more,
    };
    this.scenes.set(id, scene);
    this.put(incident);
    return incident;
  }

  /** Incidents that differ by number, ID and alarm alone, a second apart; nobody is told. @param {number} n @param {Parameters<Mock["open"]>[0]} o */
  openMany(n, o) {
    const first = this.open(o);
    const scene = /** @type {Scene} */ (this.scenes.get(first.id));
    for (let i = 1; i < n; i++) {
      const id = `${first.id}-${i}`;
      this.incidents.set(id, { ...first, id, number: ++this.#count, alarm: new Date(Date.parse(first.alarm) + i * 1000).toISOString() });
      this.scenes.set(id, scene);
    }
  }

  /** @param {string} name @returns {import("../../src/api/ledger").Series} */
  begin(name) {
    const number = this.series.length + 1;
    const s = { id: `s${number}`, number, name, state: "open", opened: ago(0), by: this.user, incidents: /** @type {string[]} */ ([]), log: [], edition: 1 };
    this.series.push(s);
    return s;
  }

  /** @param {import("../../src/api/ledger").Series} s @param {string} id @param {string} [note] */
  join(s, id, note) {
    s.incidents.push(id);
    this.change(id, (i) => {
      i.linked = { ...i.linked, series: s.id };
      i.log.push({ at: ago(0), who: this.user, what: "added to series", ...(note ? { note } : {}) });
    });
  }

  /** @param {Incident} incident */
  put(incident) {
    this.incidents.set(incident.id, incident);
    this.publish("incident", incident, true);
  }

  /** @param {string} id @param {(i: Incident) => void} fn @returns {Incident} */
  change(id, fn) {
    const next = structuredClone(/** @type {Incident} */ (this.incidents.get(id)));
    fn(next);
    next.revision++;
    next.edition = next.log.length;
    this.put(next);
    return next;
  }

  /** @param {string} kind @param {unknown} value @param {boolean} [numbered] */
  publish(kind, value, numbered = false) {
    const text = `event: ${kind}\ndata: ${JSON.stringify(value)}\n\n`;
    if (!numbered) {
      for (const s of this.#streams) s.write(text);
      return;
    }
    const id = ++this.#seq;
    this.#ring.push({ id, text });
    for (const s of this.#streams) s.write(`id: mock-${id}\n${text}`);
  }

  /** Ends every stream, as a server that restarts does. forget: it no longer knows what was sent. */
  drop({ forget = false, refuse = false } = {}) {
    if (forget) this.#ring = [];
    this.#lost = refuse;
    for (const s of this.#streams) s.destroy();
    this.#streams.clear();
  }

  restore() {
    this.#lost = false;
  }

  endSessions() {
    this.#sessions.clear();
    this.drop();
  }

  #tick() {
    for (const c of this.cameras) {
      if (c.health.connection !== "connected") continue;
      c.health = {
        ...c.health, frames: c.health.frames + 7, frames_analysed: c.health.frames_analysed + 7, last_frame: ago(0),
        bytes: c.health.bytes + 370_000,
      };
      this.publish("camera", c.health);
    }
  }

  /**
   * @param {import("node:http").IncomingMessage} req
   * @param {import("node:http").ServerResponse} res
   */
  async #serve(req, res) {
    const url = new URL(req.url ?? "/", this.url);
    res.setHeader("Content-Security-Policy", policy);
    res.setHeader("X-Content-Type-Options", "nosniff");
    res.setHeader("Cache-Control", "no-store");
    /** @param {number} status @param {unknown} [body] */
    const json = (status, body) => {
      res.writeHead(status, { "Content-Type": status < 400 ? "application/json" : "application/problem+json" });
      res.end(body === undefined ? "" : JSON.stringify(body));
    };
    /** @param {number} status @param {string} detail */
    const problem = (status, detail) => json(status, { status, title: detail, detail });
    if (!url.pathname.startsWith("/api/")) return this.#file(url.pathname, res);
    if (this.#lost) return problem(503, "the server is going away");

    const token = /session=(\w+)/.exec(req.headers.cookie ?? "")?.[1] ?? "";
    const inside = this.#sessions.has(token);
    const route = `${req.method} ${url.pathname}`;
    const who = { user: this.user, must_change: this.mustChange, features: ["custody", "hold", "recall", "playable", "export", "keys"],
      roles: ["administrator"], rights: this.rights, groups: [], profile: this.people.find((p) => p.user === this.user) };
    if (route === "POST /api/session") {
      const sent = await body(req);
      if (this.refuse) {
        res.setHeader("Retry-After", "60");
        return problem(429, "too many attempts; wait before the next");
      }
      if (sent.user !== this.user || sent.password !== this.password) return problem(401, "wrong user name or password");
      const fresh = hash(String(Math.random())).slice(0, 32);
      this.#sessions.add(fresh);
      res.setHeader("Set-Cookie", `session=${fresh}; Path=/; HttpOnly; SameSite=Strict`);
      return json(200, who);
    }
    if (!inside) return problem(401, "log in first");
    if (route === "GET /api/session") return json(200, who);
    if (route === "DELETE /api/session") {
      this.#sessions.delete(token);
      return json(204);
    }
    if (route === "PUT /api/session/password") {
      const sent = await body(req);
      if (sent.old !== this.password) return problem(401, "wrong user name or password");
      if (sent.new.length < 12) return problem(422, "the password is too short");
      this.password = sent.new;
      this.mustChange = false;
      return json(200, { ...who, must_change: false });
    }
    if (this.mustChange) return problem(403, "change the one-time password first");
    if (route === "GET /api/status") return json(200, { ...this.status, now: ago(0) });
    if (route === "GET /api/events") return this.#stream(req, res);
    if (route === "GET /api/cameras") return json(200, { items: this.cameras });
    if (route === "GET /api/reports/precision") return json(200, this.#precision(url.searchParams));
    if (route === "GET /api/incidents") return json(200, this.#list(url.searchParams));

    if (route === "GET /api/policy") return json(200, rules);
    if (route === "GET /api/people") return json(200, { items: this.people, next: "" });
    if (route === "GET /api/names") {
      const asked = url.searchParams.getAll("user");
      return json(200, { items: this.people.filter((p) => asked.includes(p.user)).map(({ user, name }) => ({ user, name })) });
    }
    if (route === "GET /api/tokens") return json(200, { items: this.tokens });
    if (route === "GET /api/notify") return json(200, { items: channels(), dropped: 0 });
    if (route === "GET /api/notify/deliveries") return json(200, { items: [], next: "" });
    if (route === "GET /api/people/me") return json(200, this.people.find((p) => p.user === this.user));
    if (route === "PUT /api/people/me") {
      const me = this.people.find((p) => p.user === this.user);
      const { away, site } = await body(req);
      return json(200, Object.assign(me ?? {}, { away, site }));
    }
    if (route === "POST /api/people") {
      const { user, name, grants } = await body(req);
      if (this.people.some((p) => p.user === user)) return problem(409, `there is somebody called ${user}`);
      const made = structuredClone(/** @type {import("../../src/api/types").Person} */ (this.people[0]));
      Object.assign(made, { user, name, roles: grants.map((/** @type {{ role: string }} */ g) => g.role), account: { ...made.account, grants, must_change: true } });
      this.people.push(made);
      return json(201, { person: made, password: "mild-otter-9 fence" });
    }
    const one_ = /^\/api\/people\/([^/]+)(?:\/(\w+))?$/.exec(url.pathname);
    if (one_) {
      const p = this.people.find((x) => x.user === one_[1]);
      if (!p?.account) return problem(404, "not found");
      if (req.method === "PUT") {
        const { name, grants, shift } = await body(req);
        Object.assign(p, { name, roles: grants.map((/** @type {{ role: string }} */ g) => g.role) });
        Object.assign(p.account, { grants, shift: shift ?? [] });
      } else if (one_[2] === "password") return json(200, { person: p, password: "calm-heron-4 ladder" });
      else p.account.suspended = one_[2] === "suspend";
      return json(200, p);
    }
    if (route === "POST /api/tokens") {
      const { name, rights, expires } = await body(req);
      const token = { id: hash(name).slice(0, 8), name, owner: this.user, rights, created: ago(0), expires: expires ?? ago(-90 * 86_400) };
      this.tokens.push(token);
      return json(201, { ...token, secret: `vtk_${hash(name)}` });
    }
    if (route === "POST /api/incidents/bulk") {
      const sent = await body(req);
      return json(200, sent.incidents.map((/** @type {string} */ id) => {
        const i = this.incidents.get(id);
        if (!i) return { incident: id, status: 404, detail: "not found" };
        if (sent.action !== "judge" && i.state !== "new") return { incident: id, status: 409, detail: `incident is ${i.state}: not possible in this state` };
        this.change(id, (x) => {
          if (sent.action !== "judge") this.#take(x, sent.verdict ? "" : sent.reason);
          if (sent.verdict) this.#judge(x, { verdict: sent.verdict, reason: sent.nuisance, note: sent.reason });
        });
        return { incident: id, status: 200 };
      }));
    }
    if (route === "POST /api/incidents") {
      const sent = await body(req);
      const camera = Math.max(0, this.footage.findIndex((f) => f.camera === sent.camera));
      const made = this.open({ scene: camera, severity: sent.severity ?? "medium", kind: "reported", description: sent.description, zone: "" });
      return json(201, this.change(made.id, (i) => {
        i.origin = sent.origin;
        i.triage = { type: sent.type };
        i.footage = { state: "none", asked_from: i.start, asked_to: i.start, frames: 0 };
        i.log.push({ at: ago(0), who: this.user, what: "opened" });
      }));
    }
    if (route === "GET /api/custody") return json(200, this.#custody(url.searchParams));
    if (route === "GET /api/keys") return json(200, { items: [key(true), key(false)] });
    if (route === "GET /api/recall") return json(200, { items: this.cameras.map((c) => c.id) });
    if (route === "POST /api/exhibits") {
      const sent = await body(req);
      for (const id of sent.incidents) this.#enter("exported", id, sent.why);
      res.writeHead(200, { "Content-Type": "application/zip", "Content-Disposition": `attachment; filename="exhibit-${sent.incidents[0]}.zip"` });
      res.write(Buffer.alloc(200_000, "PK"));
      if (this.cut) return setTimeout(() => res.destroy(), 100);
      return void res.end(Buffer.alloc(100_000, "PK"));
    }
    const recall = /^\/api\/recall\/([^/]+)\/(coverage|moved|clip\.mp4)$/.exec(url.pathname);
    if (recall) return this.#recall(req, res, json, decodeURIComponent(recall[1] ?? ""), recall[2] ?? "", url.searchParams);

    const camera = /^\/api\/cameras\/([^/]+)\/picture$/.exec(url.pathname);
    if (camera) {
      const scene = this.footage.find((s) => s.camera === decodeURIComponent(camera[1] ?? ""));
      const c = this.cameras.find((k) => k.id === scene?.camera);
      if (!scene || !c || c.health.connection === "connecting") return problem(503, "the camera has not sent a picture yet");
      const n = c.health.connection === "connected" ? Math.floor(Date.now() / 1000) : 0;
      res.setHeader("Last-Modified", new Date(c.health.last_frame ?? Date.now()).toUTCString());
      return jpeg(res, /** @type {Buffer} */ (scene.pictures[n % scene.pictures.length]));
    }
    if (route === "GET /api/series") return json(200, { items: this.series.map((s) => ({ ...s, log: [] })), next: "" });
    const series = /^\/api\/series(?:\/([^/]+)\/incidents)?$/.exec(url.pathname);
    if (req.method === "POST" && series) {
      const sent = await body(req);
      const s = series[1] ? this.series.find((x) => x.id === series[1]) : this.begin(sent.name);
      if (!s) return problem(404, "not found");
      for (const i of sent.incidents) this.join(s, i, sent.note);
      return json(series[1] ? 200 : 201, { ...s, items: [], hidden: 0 });
    }
    const one = /^\/api\/incidents\/([^/]+)(?:\/([\w-]+)(?:\/([\w.-]+))?)?$/.exec(url.pathname);
    const id = decodeURIComponent(one?.[1] ?? "");
    const incident = this.incidents.get(id);
    const scene = this.scenes.get(id);
    if (!one || !incident || !scene) return problem(404, "not found");
    const last = one[3] ?? "";
    const step = steps[`${req.method} ${one[2]}/${last}`] ?? steps[`${req.method} ${one[2]}`];
    if (step) {
      const sent = await body(req);
      const seen = req.headers["if-match"];
      if (req.method === "PUT" && one[2] !== "tasks" && seen !== `"e${incident.edition}"`) {
        return seen ? problem(412, "somebody has changed the incident since you read it") : problem(428, "say with If-Match which edition of the incident you have read");
      }
      try {
        return json(200, this.change(id, (i) => {
          const entry = step(i, sent, this.user, ago(0), last);
          const [what, note] = typeof entry === "string" ? [entry, ""] : entry;
          i.log.push({ at: ago(0), who: this.user, what, ...(note ? { note } : {}) });
        }));
      } catch (err) {
        const { status, message } = /** @type {Error & { status: number }} */ (err);
        return problem(status ?? 500, message);
      }
    }
    switch (`${req.method} ${one[2] ?? ""}`) {
      case "GET suggest":
        return json(200, suggestion(this.people));
      case "GET duplicates":
        return json(200, []);
      case "GET similar":
        return json(200, likeness(incident, [...this.incidents.values()], this.series));
      case "POST split": {
        const sent = await body(req);
        const moved = incident.events.filter((e) => sent.events.includes(e.id));
        if (moved.length === 0 || moved.length === incident.events.length) return problem(422, "events: at least one must stay");
        const part = this.open({ age: 300, scene: this.footage.indexOf(scene), events: moved, event_count: moved.length, linked: { from: id } });
        this.change(id, (i) => {
          i.events = i.events.filter((e) => !sent.events.includes(e.id));
          i.event_count = i.events.length;
          i.log.push({ at: ago(0), who: this.user, what: "split", note: sent.reason });
        });
        return json(201, part);
      }
      case "POST unmerge": {
        const sent = await body(req);
        const into = incident.linked?.into;
        if (!into) return problem(409, "unmerge: it was not merged into another: not possible in this state");
        this.change(into, (i) => {
          i.linked = { ...i.linked, merged: i.linked?.merged?.filter((m) => m !== id) ?? [] };
          i.log.push({ at: ago(0), who: this.user, what: "unmerged", note: sent.reason });
        });
        return json(200, this.change(id, (i) => {
          delete i.linked;
          i.state = "acknowledged";
          i.log.push({ at: ago(0), who: this.user, what: "unmerged", note: sent.reason });
        }));
      }
      case "POST attachments": {
        const bytes = [];
        for await (const piece of req) bytes.push(piece);
        const file = Buffer.concat(bytes);
        const name = url.searchParams.get("name") ?? "";
        return json(201, this.change(id, (i) => {
          const a = { id: hash(name).slice(0, 8), name, type: "", size: file.length, sha256: hash(file.toString("latin1")), key: "", by: this.user, at: ago(0) };
          i.investigation = { ...i.investigation, attachments: [...(i.investigation?.attachments ?? []), a] };
          i.log.push({ at: ago(0), who: this.user, what: "file attached", note: name });
        }));
      }
      case "GET ":
        return json(200, incident);
      case "POST acknowledge":
      case "POST close": {
        const from = one[2] === "close" ? ["acknowledged", "resolved"] : ["new"];
        const sent = await body(req);
        if (sent.verdict && this.deaf) return problem(503, "the index does not answer");
        if (!from.includes(incident.state)) return problem(409, `incident is ${incident.state}: not possible in this state`);
        return json(200, this.change(id, (i) => {
          if (one[2] === "acknowledge") this.#take(i, sent.verdict ? "" : sent.note);
          else {
            i.state = "closed";
            i.log.push({ at: ago(0), who: this.user, what: i.state, ...(sent.note ? { note: sent.note } : {}) });
          }
          if (sent.verdict) this.#judge(i, sent);
        }));
      }
      case "POST judgement": {
        const sent = await body(req);
        if (this.deaf) return problem(503, "the index does not answer");
        if ((sent.verdict === "nuisance") !== Boolean(sent.reason)) return problem(422, "a nuisance needs a reason, a true alarm has none");
        return json(200, this.change(id, (i) => this.#judge(i, sent)));
      }
      case "GET custody":
        return json(200, { items: this.custody.filter((e) => e.incident === id), next: "" });
      case "GET retention": {
        const expires = new Date(Date.parse(incident.alarm) + 90 * 86_400_000).toISOString();
        return json(200, incident.hold ? { held: true, hold: incident.hold } : { held: false, expires });
      }
      case "POST hold": {
        const sent = await body(req);
        this.#enter("held", id, sent.why);
        return json(200, this.change(id, (i) => (i.hold = { by: this.user, why: sent.why, at: ago(0), ...(sent.until ? { until: sent.until } : {}) })));
      }
      case "DELETE hold": {
        const sent = await body(req);
        this.#enter("released", id, sent.why);
        return json(200, this.change(id, (i) => delete i.hold));
      }
      case "GET integrity": {
        const sealed = incident.footage.state === "stored";
        const read = url.searchParams.get("files") === "true";
        const objects = (incident.footage.objects ?? []).filter((o) => o.role !== "manifest").map((o) => ({ ...o, state: read ? "intact" : "named" }));
        return json(200, sealed
          ? { manifest_sha256: hash(`${id}manifest`), signature: "valid", key: key(true).id, objects, sound: true, problems: [] }
          : { signature: "absent", objects: [], sound: true, problems: [] });
      }
      case "GET playable":
      case "HEAD playable":
        return ranged(req, res, scene.clip);
      case "GET why":
        if (!this.#holds(incident, "why")) return problem(404, "not found");
        return jpeg(res, /** @type {Buffer} */ (scene.pictures[0]));
      case "GET mask":
        if (!this.#holds(incident, "mask")) return problem(404, "not found");
        res.writeHead(200, { "Content-Type": "image/png", "Content-Length": scene.mask.length });
        res.end(scene.mask);
        return;
      case "GET picture":
      case "GET still":
        if (incident.footage.state === "none") return problem(404, "not found");
        return jpeg(res, /** @type {Buffer} */ (scene.pictures[0]));
      case "GET clip":
        if (incident.footage.state === "none") return problem(404, "not found");
        this.#enter("played", id);
        return ranged(req, res, scene.clip);
    }
    return problem(405, "not with this method");
  }

  /** Logs an act, once for the same one on the same thing. @param {import("../../src/api/types").CustodyRecord["act"]} act @param {string} incident @param {string} [note] */
  #enter(act, incident, note) {
    if (this.custody.some((e) => e.act === act && e.incident === incident && e.note === note)) return;
    const index = this.custody.length;
    this.custody.push({ index, leaf: hash(String(index)), at: ago(0), who: this.user, act, incident, remote: "192.0.2.17", ...(note ? { note } : {}) });
  }

  /** @param {URLSearchParams} q */
  #custody(q) {
    const before = Number(q.get("before") ?? 0);
    const all = this.custody.filter((e) => before === 0 || e.index < before).reverse();
    const items = all.slice(0, Number(q.get("limit") ?? 100));
    return { items, next: items.length < all.length ? String(items[items.length - 1]?.index ?? "") : "" };
  }

  /**
   * Footage of everything up to now, but for a gap of two minutes at a quarter to each hour.
   * @param {import("node:http").IncomingMessage} req @param {import("node:http").ServerResponse} res
   * @param {(status: number, body?: unknown) => void} json @param {string} camera @param {string} what @param {URLSearchParams} q
   */
  #recall(req, res, json, camera, what, q) {
    const scene = this.footage.find((s) => s.camera === camera) ?? this.footage[0];
    const [from, to] = [Date.parse(q.get("from") ?? ""), Date.parse(q.get("to") ?? "")];
    const iso = (/** @type {number} */ ms) => new Date(ms).toISOString();
    const end = Math.min(to, Date.now());
    const hour = 3_600_000;
    if (what === "coverage") {
      const have = [];
      const gaps = [];
      let at = from;
      for (let h = Math.floor(from / hour) * hour; h < end; h += hour) {
        const [a, b] = [h + 0.75 * hour, h + 0.75 * hour + 120_000];
        if (b <= from || a >= end) continue;
        if (a > at) have.push({ from: iso(at), to: iso(a) });
        gaps.push({ from: iso(Math.max(a, from)), to: iso(Math.min(b, end)), cause: "camera_lost" });
        at = b;
      }
      if (at < end) have.push({ from: iso(at), to: iso(end) });
      return json(200, { have, gaps });
    }
    if (what === "moved") {
      const items = [];
      const step = Math.max(10_000, Math.ceil((to - from) / 100 / 10_000) * 10_000);
      for (let t = Math.ceil(from / step) * step; t < end; t += step) {
        const s = Math.abs(Math.sin(t / 977_000)) ** 3;
        // Less moves in a part of the picture than in the whole of it.
        if (s > (Number(q.get("x0")) > 0 ? 0.8 : 0.3)) items.push({ from: iso(t), to: iso(t + 10_000), strength: s });
      }
      return json(200, { items, truncated: false });
    }
    res.setHeader("Footage-From", iso(from));
    res.setHeader("Footage-To", iso(from + (scene?.seconds ?? 0) * 1000));
    return ranged(req, res, /** @type {Scene} */ (scene).clip);
  }

  /** @param {Incident} i @param {{ verdict: "true" | "nuisance", reason?: import("../../src/api/types").Nuisance, note?: string }} said */
  #judge(i, { verdict, reason, note }) {
    const at = ago(0);
    i.judgement = { verdict, ...(reason ? { reason } : {}), ...(note ? { note } : {}), by: this.user, at };
    i.log.push({ at, who: this.user, what: `judged ${[verdict, reason].filter(Boolean).join(": ")}`, ...(note ? { note } : {}) });
  }

  /** @param {Incident} i @param {string} [note] */
  #take(i, note) {
    give(i, this.user, this.user, ago(0));
    i.log.push({ at: ago(0), who: this.user, what: "acknowledged", ...(note ? { note } : {}) });
  }

  /** @param {Incident} i @param {string} role */
  #holds(i, role) {
    return i.footage.objects?.some((o) => o.role === role) ?? false;
  }

  /** @param {string} path @param {import("node:http").ServerResponse} res */
  #file(path, res) {
    const file = normalize(join(dist, path));
    const found = file.startsWith(dist) && extname(file) && existsSync(file) ? file : join(dist, "index.html");
    res.writeHead(200, { "Content-Type": types[extname(found)] ?? "application/octet-stream" });
    res.end(readFileSync(found));
  }

  /**
   * @param {import("node:http").IncomingMessage} req
   * @param {import("node:http").ServerResponse} res
   */
  #stream(req, res) {
    res.writeHead(200, { "Content-Type": "text/event-stream" });
    const last = /^mock-(\d+)$/.exec(String(req.headers["last-event-id"] ?? ""))?.[1];
    const missed = last === undefined ? [] : this.#ring.filter((m) => m.id > Number(last));
    const broken = last !== undefined && missed.length < this.#seq - Number(last);
    res.write(`retry: 2000\n${broken ? "event: reset\ndata: {}\n" : ""}${missed.length === 0 || broken ? `id: mock-${this.#seq}\n` : ""}\n`);
    if (!broken) missed.forEach((m) => res.write(`id: mock-${m.id}\n${m.text}`));
    for (const c of this.cameras) res.write(`event: camera\ndata: ${JSON.stringify(c.health)}\n\n`);
    res.write(`event: status\ndata: ${JSON.stringify({ ...this.status, now: ago(0) })}\n\n`);
    this.#streams.add(res);
    res.on("close", () => this.#streams.delete(res));
  }

  /** @param {URLSearchParams} q @returns {import("../../src/api/types").PrecisionReport} */
  #precision(q) {
    const [from, to, only] = [q.get("from") ?? "", q.get("to") ?? "", q.getAll("camera")];
    /** @typedef {import("../../src/api/types").PrecisionRow} Row */
    /** @type {Map<string, Row>} */
    const rows = new Map();
    for (const i of this.incidents.values()) {
      if (i.kind === "storage" || i.kind === "reported" || i.alarm < from || i.alarm >= to || (only.length > 0 && !only.includes(i.camera))) continue;
      const { camera, zone, kind } = i;
      const hour = new Date(i.alarm).getHours();
      /** @type {Partial<Row>[]} */
      const groups = [{ by: "all" }, { by: "camera", camera }, { by: "zone", camera, zone }, { by: "rule", camera, zone, kind }, { by: "hour", hour }];
      for (const g of groups) {
        const key = JSON.stringify(g);
        const row = rows.get(key) ?? /** @type {Row} */ ({ ...g, alarms: 0, unjudged: 0, true: 0, nuisance: 0, reasons: {} });
        rows.set(key, row);
        row.alarms++;
        row[i.judgement?.verdict ?? "unjudged"]++;
        const reason = i.judgement?.reason;
        if (reason) row.reasons[reason] = (row.reasons[reason] ?? 0) + 1;
      }
    }
    const list = [...rows.values()].map((r) => ({ ...r, precision: wilson(r.true, r.true + r.nuisance) }));
    return { from, to, time_zone: q.get("time_zone") ?? "UTC", rows: list };
  }

  /** @param {URLSearchParams} q */
  #list(q) {
    /** @param {string} name @param {string} value */
    const fits = (name, value) => q.getAll(name).length === 0 || q.getAll(name).includes(value);
    const rank = (/** @type {Incident} */ i) => severities.indexOf(i.severity);
    const all = [...this.incidents.values()]
      .filter((i) => fits("state", i.state) && fits("officer", i.assignment?.officer || "none") && fits("type", i.triage?.type || "none")
        && (q.get("overdue") !== "true" || (i.state !== "closed" && (i.deadlines ?? []).some((d) => !d.met && d.due && Date.parse(d.due) < Date.now() + this.ahead))) && fits("camera", i.camera) && fits("zone", i.zone) && fits("kind", i.kind) && fits("severity", i.severity) && fits("verdict", i.judgement?.verdict ?? "none")
        && fits("label", i.label) && fits("footage", i.footage.state) && fits("held", String(Boolean(i.hold)))
        && Date.parse(i.end ?? i.alarm) - Date.parse(i.start) >= Number(q.get("min_dwell") ?? 0) * 1000
        && (q.get("text") ?? "").toLowerCase().split(/\s+/).every((w) => `${i.camera} ${i.zone} ${i.kind} ${i.label} ${i.log.map((a) => a.note ?? "").join(" ")} ${i.hold?.why ?? ""}`.toLowerCase().includes(w)))
      .sort(
        q.get("order") === "queue"
          ? (a, b) => rank(a) - rank(b) || due(a) - due(b) || (a.alarm < b.alarm ? -1 : 1)
          : (a, b) => (a.alarm > b.alarm ? -1 : 1),
      );
    const from = q.get("after") ? all.findIndex((i) => i.id === q.get("after")) + 1 : 0;
    const limit = Number(q.get("limit") ?? 50);
    const items = all.slice(from, from + limit).map((i) => ({ ...i, events: i.events.map((e) => ({ ...e, path: [] })) }));
    return {
      items,
      next: from + limit < all.length ? (items[items.length - 1]?.id ?? "") : "",
      open: [...this.incidents.values()].filter((i) => i.state !== "closed").length,
    };
  }
}

/**
 * The 95 % interval of a share, after Wilson. @param {number} k @param {number} n
 */
function wilson(k, n) {
  if (n === 0) return undefined;
  const z = 1.96;
  const middle = (k + z ** 2 / 2) / (n + z ** 2);
  const half = (z / (n + z ** 2)) * Math.sqrt((k * (n - k)) / n + z ** 2 / 4);
  return { value: k / n, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

/** When the next promise is due, or was. @param {Incident} i */
function due(i) {
  const open = (i.deadlines ?? []).filter((d) => !d.met && !d.paused && d.due).map((d) => Date.parse(d.due ?? ""));
  return Math.min(8.64e15, ...open);
}

/** @param {boolean} current */
const key = (current) => ({
  id: hash(`key ${current}`).slice(0, 16), key: "AAAA", since: ago(current ? 86_400 : 86_400 * 300), ...(current ? {} : { until: ago(86_400) }),
  fingerprint: hash(`print ${current}`), pem: "-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----\n", current,
});

/** @param {number} seconds */
const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();

/** @param {string} s */
const hash = (s) => createHash("sha256").update(s).digest("hex");

/** @param {import("node:http").ServerResponse} res @param {Buffer} picture */
function jpeg(res, picture) {
  res.writeHead(200, { "Content-Type": "image/jpeg", "Content-Length": picture.length });
  res.end(picture);
}

/**
 * @param {import("node:http").IncomingMessage} req
 * @param {import("node:http").ServerResponse} res
 * @param {Buffer} bytes
 */
function ranged(req, res, bytes) {
  const range = /^bytes=(\d+)-(\d*)$/.exec(req.headers.range ?? "");
  const head = { "Content-Type": "video/mp4", "Accept-Ranges": "bytes" };
  if (!range) {
    res.writeHead(200, { ...head, "Content-Length": bytes.length });
    res.end(bytes);
    return;
  }
  const from = Number(range[1]);
  const to = Math.min(range[2] ? Number(range[2]) : bytes.length - 1, bytes.length - 1);
  res.writeHead(206, { ...head, "Content-Length": to - from + 1, "Content-Range": `bytes ${from}-${to}/${bytes.length}` });
  res.end(bytes.subarray(from, to + 1));
}

/** @param {import("node:http").IncomingMessage} req @returns {Promise<any>} */
async function body(req) {
  let text = "";
  for await (const piece of req) text += piece;
  return text ? JSON.parse(text) : {};
}
