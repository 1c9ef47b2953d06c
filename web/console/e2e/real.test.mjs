// The look at a running vedette, against the mock: it must see what is there, and must not
// see what is not.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { Mock } from "./mock/server.mjs";

const script = fileURLToPath(new URL("./real.mjs", import.meta.url));

/** @param {string[]} args @returns {Promise<{ code: number, result: any }>} */
const look = (...args) =>
  new Promise((done) => {
    execFile(process.execPath, [script, ...args], (err, stdout) => {
      done({ code: err ? Number(err.code) : 0, result: JSON.parse(stdout) });
    });
  });

it("sees an incident arrive and its clip play", async () => {
  const mock = await Mock.start();
  try {
    mock.mustChange = true;
    const old = mock.open({ age: 100, severity: "critical" });
    // However long the page takes to come, one arrives after it.
    const soon = setInterval(() => mock.mustChange || mock.open({ severity: "high" }), 3000);
    const { code, result } = await look("--url", mock.url, "--user", mock.user, "--password", mock.password, "--timeout", "240", "--fresh", "--judge");
    clearInterval(soon);
    assert.equal(code, 0, JSON.stringify(result));
    assert.equal(result.password_changed, true);
    assert.equal(result.was_there, false);
    assert.notEqual(result.incident.id, old.id, "what was there before has not arrived");
    assert.ok(result.clip.to_s > result.clip.from_s);
    assert.match(result.why.rule, /^Person that stays in junction for 10 s/);
    assert.ok(result.why.facts.length > 0 && result.why.curves > 0);
    assert.equal(result.judgement.verdict, "true");
  } finally {
    await mock.stop();
  }
});

it("fails when nothing happens", async () => {
  const mock = await Mock.start();
  try {
    const { code, result } = await look("--url", mock.url, "--user", mock.user, "--password", mock.password, "--timeout", "8");
    assert.equal(code, 1);
    assert.equal(result.step, "wait for an incident");
  } finally {
    await mock.stop();
  }
});

it("fails when the password is wrong", async () => {
  const mock = await Mock.start();
  try {
    const { code, result } = await look("--url", mock.url, "--password", "wrong", "--timeout", "20");
    assert.equal(code, 1);
    assert.match(result.error, /not right/);
  } finally {
    await mock.stop();
  }
});
