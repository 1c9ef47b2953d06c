// Footage for the mock: cut from the real clips when they are there, drawn otherwise.
import { execFile } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const data = process.env.VEDETTE_DATA ?? fileURLToPath(new URL("../../../../../shared/data", import.meta.url));

/**
 * @typedef {{ t: number, x: number, y: number, w: number, h: number }} Step t in seconds of the clip, the rest fractions
 * @typedef {{
 *   camera: string, zone: string, label: string, polygon: { x: number, y: number }[],
 *   clip: Buffer, pictures: Buffer[], mask: Buffer, width: number, height: number, fps: number, seconds: number,
 *   start: number, alarm: number, end: number, dwell: number, path: Step[],
 * }} Scene times in seconds of the clip
 */

/** @param {number[][]} corners */
const polygon = (corners) => corners.map(([x, y]) => ({ x: /** @type {number} */ (x), y: /** @type {number} */ (y) }));

const junction = polygon([[0.4, 0.36], [0.66, 0.36], [0.66, 0.56], [0.4, 0.56]]);
const walkway = polygon([[0, 0.3], [0.4, 0.3], [0.4, 0.56], [0, 0.46]]);

/**
 * Makes the scenes in dir.
 * @param {string} dir
 * @returns {Promise<Scene[]>}
 */
export async function makeScenes(dir) {
  if (!existsSync(join(data, "pets/pets_s2l1.mp4"))) {
    console.error(`real footage is not present (${data}); the mock draws its own`);
    return Promise.all([
      drawn(dir, "gate", "junction", "person", 7), drawn(dir, "gate", "walkway", "person", 7),
      drawn(dir, "lobby", "counter", "person", 10), drawn(dir, "yard", "ramp", "car", 12.5),
    ]);
  }
  return Promise.all([
    pets(dir, "gate", "junction", junction, 9, 42.57, 53.86, 10),
    pets(dir, "gate", "walkway", walkway, 2, 82.86, 97.86, 10),
    cut(dir, {
      source: "clips/one_by_one_person.mp4", camera: "lobby", zone: "counter", label: "person", from: 22, seconds: 18,
      fps: 10, start: 2, alarm: 8, end: 15, dwell: 6,
      polygon: polygon([[0.18, 0.2], [0.8, 0.2], [0.86, 0.92], [0.12, 0.92]]), path: [],
    }),
    cut(dir, {
      source: "clips/cars_from_above.mp4", camera: "yard", zone: "ramp", label: "car", from: 4, seconds: 14,
      fps: 12.5, start: 3, alarm: 5, end: 10, dwell: 1,
      polygon: polygon([[0.05, 0.3], [0.95, 0.22], [0.95, 0.85], [0.05, 0.92]]), path: [],
    }),
  ]);
}

/**
 * A visit of the PETS sequence, with the path from its ground truth.
 * @param {string} dir @param {string} camera @param {string} zone @param {{ x: number, y: number }[]} outline
 * @param {number} id @param {number} start @param {number} end @param {number} dwell
 */
async function pets(dir, camera, zone, outline, id, start, end, dwell) {
  const from = Math.max(0, start - 6);
  const path = readFileSync(join(data, "pets/gt.txt"), "utf8")
    .split("\n")
    .map((line) => line.split(",").map(Number))
    .filter((f) => f[1] === id)
    .map(([frame, , x, y, w, h]) => ({
      t: (/** @type {number} */ (frame) - 1) / 7 - from,
      x: /** @type {number} */ (x) / 768, y: /** @type {number} */ (y) / 576,
      w: /** @type {number} */ (w) / 768, h: /** @type {number} */ (h) / 576,
    }))
    .filter((s) => s.t >= start - from && s.t <= end - from);
  return cut(dir, {
    source: "pets/pets_s2l1.mp4", camera, zone, label: "person", polygon: outline, from, seconds: end - from + 4,
    fps: 7, start: start - from, alarm: start - from + dwell, end: end - from, dwell, path,
  });
}

/**
 * @param {string} dir
 * @param {Omit<Scene, "clip" | "pictures" | "mask" | "width" | "height"> & { source: string, from: number }} o
 * @returns {Promise<Scene>}
 */
async function cut(dir, o) {
  const input = ["-ss", String(o.from), "-t", String(o.seconds), "-i", join(data, o.source)];
  return encode(dir, `${o.camera}-${o.zone}`, input, o);
}

/**
 * A scene of the same name and shape, drawn.
 * @param {string} dir @param {string} camera @param {string} zone @param {string} label @param {number} fps
 * @returns {Promise<Scene>}
 */
function drawn(dir, camera, zone, label, fps) {
  const seconds = 21;
  const path = Array.from({ length: 60 }, (_, i) => ({ t: 6 + i / 5, x: 0.4 + i * 0.004, y: 0.3, w: 0.05, h: 0.2 }));
  return encode(dir, `${camera}-${zone}`, ["-f", "lavfi", "-t", String(seconds), "-i", `testsrc2=size=640x360:rate=${fps}`], {
    camera, zone, label, polygon: zone === "walkway" ? walkway : junction, seconds, fps, start: 6, alarm: 16, end: 18, dwell: 10, path,
  });
}

/**
 * @param {string} dir @param {string} name @param {string[]} input
 * @param {Omit<Scene, "clip" | "pictures" | "mask" | "width" | "height">} o
 * @returns {Promise<Scene>}
 */
async function encode(dir, name, input, o) {
  const clip = join(dir, `${name}.mp4`);
  await run("ffmpeg", ["-v", "error", "-y", ...input, "-an", "-c:v", "libx264", "-preset", "veryfast", "-crf", "23",
    "-pix_fmt", "yuv420p", "-g", "20", "-threads", "1", "-movflags", "+faststart", clip]);
  await run("ffmpeg", ["-v", "error", "-y", "-ss", String(o.alarm), "-i", clip, "-frames:v", "4", "-q:v", "4", "-threads", "1",
    join(dir, `${name}-%d.jpg`)]);
  const { stdout } = await run("ffprobe", ["-v", "error", "-select_streams", "v", "-show_entries", "stream=width,height", "-of", "csv=p=0", clip]);
  const [width, height] = stdout.trim().split(",").map(Number);
  // What moved: the outline of whoever is there at the alarm, roughly.
  const at = o.path.findLast((s) => s.t <= o.alarm) ?? { x: 0.46, y: 0.34, w: 0.07, h: 0.3 };
  const [w, h] = [Math.round((width ?? 640) / 2), Math.round((height ?? 360) / 2)];
  const inside = `lt(pow((X/${w}-${at.x + at.w / 2})/${at.w / 2},2)+pow((Y/${h}-${at.y + at.h / 2})/${at.h / 2},2),1)`;
  await run("ffmpeg", ["-v", "error", "-y", "-f", "lavfi", "-i", `color=black:s=${w}x${h},format=gray,geq=lum='255*${inside}'`,
    "-frames:v", "1", "-threads", "1", join(dir, `${name}.png`)]);
  const pictures = readdirSync(dir).filter((f) => f.startsWith(`${name}-`) && f.endsWith(".jpg")).sort();
  return {
    ...o, width: width ?? 0, height: height ?? 0, clip: readFileSync(clip), mask: readFileSync(join(dir, `${name}.png`)),
    pictures: pictures.map((p) => readFileSync(join(dir, p))),
  };
}
