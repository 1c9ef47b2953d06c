import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Parser, type Message } from "./sse";
import { Stream, type Link } from "./stream";

describe("the parser", () => {
  const whole = 'retry: 2000\nid: e-7\n\n: alive\n\nid: e-8\nevent: incident\ndata: {"a":1}\n\nevent: camera\ndata: one\ndata: two\n\n';
  const want: Message[] = [
    { event: "message", data: "", id: "e-7", retry: 2000 },
    { event: "incident", data: '{"a":1}', id: "e-8" },
    { event: "camera", data: "one\ntwo" },
  ];

  it("takes it in one piece", () => expect(new Parser().feed(whole)).toEqual(want));
  it("takes it in pieces of any size", () => {
    for (let size = 1; size < 20; size++) {
      const p = new Parser();
      const got: Message[] = [];
      for (let i = 0; i < whole.length; i += size) got.push(...p.feed(whole.slice(i, i + size)));
      expect(got).toEqual(want);
    }
  });
  it("takes the three line ends, also torn", () => {
    for (const end of ["\n", "\r\n", "\r"]) {
      const p = new Parser();
      const text = `\uFEFFevent: x${end}data: y${end}${end}: more${end}`;
      const got = [...text].flatMap((c) => p.feed(c));
      expect(got).toEqual([{ event: "x", data: "y" }]);
    }
  });
  it("never delivers a torn message", () => expect(new Parser().feed("event: incident\ndata: {")).toEqual([]));
  it("ignores what it does not know", () =>
    expect(new Parser().feed("foo: 1\nretry: soon\nid: a\0b\ndata\n\n")).toEqual([{ event: "message", data: "" }]));
});

/** A server of streams: what each attempt asked for, and the means to answer it. */
class Server {
  asked: (string | null)[] = [];
  answers: (number | "refuse")[] = [];
  #open: ReadableStreamDefaultController<Uint8Array> | undefined;

  fetch = (async (_: RequestInfo | URL, init?: RequestInit) => {
    this.asked.push(new Headers(init?.headers).get("Last-Event-ID"));
    const answer = this.answers.shift() ?? 200;
    if (answer === "refuse") throw new TypeError("refused");
    if (answer !== 200) return new Response("", { status: answer });
    const body = new ReadableStream<Uint8Array>({
      start: (c) => {
        this.#open = c;
        init?.signal?.addEventListener("abort", () => c.error(new Error("aborted")));
      },
    });
    return new Response(body, { status: 200 });
  }) as typeof fetch;

  send(text: string) {
    this.#open?.enqueue(new TextEncoder().encode(text));
  }
  hangUp() {
    this.#open?.close();
  }
}

describe("the stream", () => {
  let server: Server;
  let links: Link[];
  let messages: Message[];
  let unauthorised: number;
  let stream: Stream;

  const state = () => links[links.length - 1]?.state;
  const settle = () => vi.advanceTimersByTimeAsync(0);

  beforeEach(() => {
    vi.useFakeTimers();
    server = new Server();
    links = [];
    messages = [];
    unauthorised = 0;
    stream = new Stream({
      url: "/api/events",
      onLink: (l) => links.push(l),
      onMessage: (m) => messages.push(m),
      onUnauthorised: () => unauthorised++,
      fetch: server.fetch,
      random: () => 1,
      silence: 40_000,
    });
  });

  afterEach(() => {
    stream.close();
    vi.useRealTimers();
  });

  it("is connecting, then live", async () => {
    stream.open();
    expect(state()).toBe("connecting");
    await settle();
    expect(state()).toBe("live");
    expect(server.asked).toEqual([null]);
  });

  it("resumes after the last message it has seen", async () => {
    stream.open();
    await settle();
    server.send('id: e-4\nevent: incident\ndata: {}\n\nevent: camera\ndata: {}\n\n');
    await settle();
    server.hangUp();
    await settle();
    expect(state()).toBe("stale");
    await vi.advanceTimersByTimeAsync(500);
    expect(server.asked).toEqual([null, "e-4"]);
    expect(state()).toBe("live");
    expect(messages.map((m) => m.event)).toEqual(["incident", "camera"]);
  });

  it("resumes from the ID it was given before anything happened", async () => {
    stream.open();
    await settle();
    server.send("retry: 2000\nid: e-9\n\n");
    await settle();
    server.hangUp();
    await vi.advanceTimersByTimeAsync(600);
    expect(server.asked).toEqual([null, "e-9"]);
    expect(messages).toEqual([]);
  });

  it("hands on a reset, and then resumes from where the server is now", async () => {
    stream.open();
    await settle();
    server.send("event: reset\ndata: {}\nid: f-1\n\n");
    await settle();
    expect(messages).toEqual([{ event: "reset", data: "{}", id: "f-1" }]);
    server.hangUp();
    await vi.advanceTimersByTimeAsync(600);
    expect(server.asked[1]).toBe("f-1");
  });

  it("waits longer after each failure, at most 15 s, and never gives up", async () => {
    server.answers = Array(40).fill("refuse");
    stream.open();
    const waits: number[] = [];
    for (let i = 0; i < 8; i++) {
      await settle();
      const link = links[links.length - 1]!;
      waits.push(link.next - Date.now());
      await vi.advanceTimersByTimeAsync(link.next - Date.now());
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  });

  it("says since when it is stale, over all failed attempts", async () => {
    stream.open();
    await settle();
    const at = Date.now();
    server.answers = ["refuse", 502, "refuse"];
    server.hangUp();
    await vi.advanceTimersByTimeAsync(4000);
    expect(links.filter((l) => l.state === "stale").every((l) => l.since === at)).toBe(true);
    expect(server.asked.length).toBe(4);
  });

  it("counts silence as death, but a heartbeat as life", async () => {
    stream.open();
    await settle();
    for (let i = 0; i < 6; i++) {
      await vi.advanceTimersByTimeAsync(15_000);
      server.send(": alive\n\n");
    }
    expect(state()).toBe("live");
    expect(server.asked.length).toBe(1);
    await vi.advanceTimersByTimeAsync(40_000);
    expect(state()).toBe("stale");
  });

  it("stops when the session is over", async () => {
    server.answers = [401];
    stream.open();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(unauthorised).toBe(1);
    expect(server.asked.length).toBe(1);
  });

  it("tries at once when hurried", async () => {
    server.answers = ["refuse", "refuse", "refuse"];
    stream.open();
    await vi.advanceTimersByTimeAsync(1600);
    expect(server.asked.length).toBe(3);
    stream.hurry();
    await settle();
    expect(server.asked.length).toBe(4);
    expect(state()).toBe("live");
  });

  it("is not hammered by a server that accepts and hangs up", async () => {
    stream.open();
    for (let i = 0; i < 5; i++) {
      await settle();
      server.hangUp();
      await settle();
      const link = links[links.length - 1]!;
      expect(link.next - Date.now()).toBe(500 * 2 ** i);
      await vi.advanceTimersByTimeAsync(link.next - Date.now());
    }
  });

  it("makes no further attempt once closed", async () => {
    stream.open();
    await settle();
    stream.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.asked.length).toBe(1);
  });
});
