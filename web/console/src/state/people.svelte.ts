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

/** Whom incidents can be given to, for those who may give them. */
class People {
  items = $state.raw<readonly Person[]>([]);

  async load() {
    if (!session.may("assign") && !session.may("administer")) return;
    try {
      this.items = await api.list();
    } catch {
      // Names stay what records carry: the user name.
    }
  }

  /** As people call them, or the user name that the record carries. */
  nameOf(user: string): string {
    return this.items.find((p) => p.user === user)?.name || user;
  }
}

export const people = new People();
