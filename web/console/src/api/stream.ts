import { Parser, type Message } from "./sse";

/**
 * Where the live connection stands.
 * - connecting: the first attempt, nothing has been received yet
 * - live: bytes or heartbeats arrive
 * - stale: nothing arrives; the next attempt is at `next`
 */
export interface Link {
  state: "connecting" | "live" | "stale";
  /** When this state began, milliseconds since the epoch. */
  since: number;
  /** When the next attempt starts, while stale; 0 while one is under way. */
  next: number;
}

export interface StreamOptions {
  url: string;
  onMessage: (m: Message) => void;
  onLink: (l: Link) => void;
  /** The server refused the session: no further attempt is made. */
  onUnauthorised: () => void;
  fetch?: typeof fetch;
  now?: () => number;
  /** 0..1, for the jitter. */
  random?: () => number;
  /** Without a byte for this long the connection counts as dead. The server sends a heartbeat every 15 s. */
  silence?: number;
}

const firstDelay = 500;
const longestDelay = 15_000;

/**
 * The live connection: a text/event-stream that reconnects for ever and resumes after the
 * last message it has seen. EventSource cannot do this job: it hides heartbeats, so a dead
 * connection looks alive, and it gives up for good when a proxy answers 502.
 */
export class Stream {
  #o: Required<StreamOptions>;
  #link: Link;
  #lastID = "";
  #failures = 0;
  #abort: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: StreamOptions) {
    this.#o = {
      fetch: (...args) => fetch(...args),
      now: Date.now,
      random: Math.random,
      silence: 40_000,
      ...options,
    };
    this.#link = { state: "connecting", since: this.#o.now(), next: 0 };
  }

  open() {
    this.#o.onLink(this.#link);
    void this.#attempt();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#watchdog);
    this.#abort?.abort();
  }

  /** Tries at once instead of waiting: the page came back to the front, or the network did. */
  hurry() {
    if (this.#closed || this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#set({ ...this.#link, next: 0 });
    void this.#attempt();
  }

  async #attempt() {
    const abort = new AbortController();
    this.#abort = abort;
    this.#watch();
    try {
      const headers: Record<string, string> = { Accept: "text/event-stream" };
      if (this.#lastID) headers["Last-Event-ID"] = this.#lastID;
      const response = await this.#o.fetch(this.#o.url, {
        headers,
        signal: abort.signal,
        cache: "no-store",
        credentials: "same-origin",
      });
      if (response.status === 401) {
        this.close();
        this.#o.onUnauthorised();
        return;
      }
      if (response.ok && response.body) await this.#read(response.body);
    } catch {
      // Refused, reset, timed out: all the same to the reader of the screen.
    }
    clearTimeout(this.#watchdog);
    if (!this.#closed) this.#retry();
  }

  async #read(body: ReadableStream<Uint8Array>) {
    const parser = new Parser();
    const reader = body.getReader();
    const text = new TextDecoder();
    this.#alive();
    for (;;) {
      const { value, done } = await reader.read();
      if (done || this.#closed) return;
      // Only bytes end the back-off: a server that accepts and hangs up must not be hammered.
      this.#failures = 0;
      this.#alive();
      for (const message of parser.feed(text.decode(value, { stream: true }))) {
        if (message.id !== undefined) this.#lastID = message.id;
        if (message.data !== "" || message.event !== "message") this.#o.onMessage(message);
      }
    }
  }

  #alive() {
    this.#watch();
    if (this.#link.state !== "live") this.#set({ state: "live", since: this.#o.now(), next: 0 });
  }

  #watch() {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#abort?.abort(), this.#o.silence);
  }

  #retry() {
    const ceiling = Math.min(longestDelay, firstDelay * 2 ** this.#failures++);
    const delay = ceiling / 2 + (ceiling / 2) * this.#o.random();
    const now = this.#o.now();
    const since = this.#link.state === "stale" ? this.#link.since : now;
    this.#set({ state: "stale", since, next: now + delay });
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#set({ ...this.#link, next: 0 });
      void this.#attempt();
    }, delay);
  }

  #set(link: Link) {
    this.#link = link;
    this.#o.onLink(link);
  }
}
