import { desk, people as api } from "../api/desk";
import type { Person, Policy, Severity } from "../api/types";
import { fromNanos } from "../lib/time";
import { live } from "./live.svelte";
import { session } from "./session.svelte";

/** How the site wants its incidents handled, as the configuration in force says. */
class Rules {
  current = $state.raw<Policy | undefined>(undefined);
  #config = "";

  /** Fetches it once for each configuration. */
  async load() {
    const config = live.status?.config.hash ?? "";
    if (this.current && config === this.#config) return;
    try {
      this.current = await desk.policy();
      this.#config = config;
    } catch {
      // Forms offer less, and the next incident that is opened asks again.
    }
  }

  /** How long before a deadline people are warned, milliseconds; 0 where nothing is said. */
  warn(severity: string): number {
    return fromNanos(this.current?.levels?.[severity as Severity]?.warn_ns ?? 0);
  }

  typeName(id: string): string {
    return this.current?.types.find((t) => t.id === id)?.name ?? id.replaceAll("_", " ");
  }

  siteName(id: string): string {
    return this.current?.sites?.find((s) => s.id === id)?.name ?? id;
  }

  waitName(id: string): string {
    return this.current?.waits.find((w) => w.id === id)?.name ?? id;
  }
}

export const rules = new Rules();

/** How many names are asked for at once, as the server takes them. */
const atOnce = 200;

/** What people are called, and whom incidents can be given to. */
class People {
  /** For those who may give incidents; empty for all others. */
  items = $state.raw<readonly Person[]>([]);
  /** What others are called, by user name. */
  #names = $state.raw<ReadonlyMap<string, string>>(new Map());
  #wanted = new Set<string>();
  #asked = new Set<string>();

  async load() {
    if (!session.may("assign") && !session.may("administer")) return;
    try {
      this.items = await api.list();
    } catch {
      // Names are asked for one by one.
    }
  }

  /** As people call them; the user name that the record carries until that is known, and where nothing is. */
  nameOf(user: string): string {
    const known = this.items.find((p) => p.user === user)?.name || this.#names.get(user);
    if (known !== undefined) return known || user;
    if (user && !this.#asked.has(user)) this.#want(user);
    return user;
  }

  /** Asks for it together with all others that the same page shows. */
  #want(user: string) {
    if (this.#wanted.size === 0) queueMicrotask(() => void this.#ask());
    this.#asked.add(user);
    this.#wanted.add(user);
  }

  async #ask() {
    const users = [...this.#wanted];
    this.#wanted.clear();
    for (let i = 0; i < users.length; i += atOnce) {
      const some = users.slice(i, i + atOnce);
      try {
        const found = await api.names(some);
        this.#names = new Map([...this.#names, ...found.map((n) => [n.user, n.name] as const)]);
      } catch {
        // The next page that shows them asks again, at most once in a while.
        setTimeout(() => some.forEach((u) => this.#asked.delete(u)), 30_000);
      }
    }
  }
}

export const people = new People();
