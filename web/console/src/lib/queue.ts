import type { Incident } from "../api/types";
import { parse } from "./time";
import { due } from "./deadline";
import { owner } from "./words";
import { byNewest, byUrgency, place, type Order } from "./order";

/** What the queue shows; an empty list of words does not limit. */
export interface View {
  states: string[];
  /** User names; none is nobody. */
  officers: string[];
  types: string[];
  sites: string[];
  /** Only those of which a promise is late. */
  overdue: boolean;
  cameras: string[];
  zones: string[];
  kinds: string[];
  severities: string[];
  /** true, nuisance, none. */
  verdicts: string[];
  labels: string[];
  footage: string[];
  /** true, false, or empty for both. */
  held: string;
  /** Seconds that it lasted at least; 0 does not limit. */
  dwell: number;
  /** Words that the record holds. */
  text: string;
  /** Local dates and times as the address bar has them; empty does not limit. */
  from: string;
  to: string;
}

/** Shows everything. */
export const noLimit: View = {
  states: [], officers: [], types: [], sites: [], overdue: false, cameras: [], zones: [], kinds: [], severities: [], verdicts: [], labels: [], footage: [], held: "", dwell: 0, text: "", from: "", to: "",
};

/** Open incidents stand by urgency; as soon as closed ones are asked for it is an archive. */
export const isArchive = (v: View) => v.states.includes("closed");

export function shows(v: View, i: Incident, now = Date.now()): boolean {
  const has = (list: string[], word: string) => list.length === 0 || list.includes(word);
  return (
    has(v.states, i.state) &&
    has(v.officers, owner(i) || "none") &&
    has(v.types, i.triage?.type || "none") &&
    has(v.sites, i.site ?? "") &&
    (!v.overdue || due(i) <= now) &&
    has(v.cameras, i.camera) &&
    has(v.zones, i.zone) &&
    has(v.kinds, i.kind) &&
    has(v.severities, i.severity) &&
    has(v.verdicts, i.judgement?.verdict ?? "none") &&
    has(v.labels, i.label) &&
    has(v.footage, i.footage.state) &&
    (v.held === "" || (v.held === "true") === Boolean(i.hold)) &&
    (v.dwell === 0 || lasted(i) >= v.dwell * 1000) &&
    (v.from === "" || !i.end || parse(i.end) >= parse(v.from)) &&
    (v.to === "" || parse(i.start) <= parse(v.to)) &&
    saysAll(i, v.text)
  );
}

/** From start to end, or to the alarm while it goes on, as the server counts it. */
const lasted = (i: Incident) => (parse(i.end) || parse(i.alarm)) - parse(i.start);

const split = (text: string) => text.toLowerCase().split(/[^\p{L}\p{N}\p{M}]+/u).filter(Boolean);

/** The record holds each of the words, in a name or in what people wrote. */
function saysAll(i: Incident, text: string): boolean {
  const wanted = split(text);
  if (wanted.length === 0) return true;
  const notes = [...i.log.map((a) => a.note ?? ""), i.judgement?.note ?? "", i.hold?.why ?? "", i.description ?? "", ...(i.triage?.tags ?? [])];
  const have = new Set(split([String(i.number), i.camera, i.zone, i.kind, i.label, ...notes].join(" ")));
  return wanted.every((w) => have.has(w));
}

/**
 * The rows of the queue: a sorted prefix of everything the server holds for one view,
 * kept right by the pages that are fetched and by the changes that are pushed. The newest
 * revision of an incident always wins, whichever way it came.
 *
 * Rows never change places because somebody looked away: `held` names the rows under the
 * hand, which stay even when they no longer belong, until they are let go.
 */
export class Rows {
  readonly order: Order;
  #items: Incident[] = [];
  #revision = new Map<string, number>();
  #held = new Set<string>();
  /** Held rows that no longer belong. */
  #gone = new Set<string>();

  constructor(
    readonly view: View,
    /** The server has more beyond the last row. */
    public more = true,
    /** The server's clock, milliseconds. */
    readonly now: () => number = Date.now,
  ) {
    this.order = isArchive(view) ? byNewest : byUrgency;
  }

  /** Sorted; a fresh array after every change, so that it can be compared by identity. */
  get items(): readonly Incident[] {
    return this.#items;
  }

  get(id: string): Incident | undefined {
    return this.#revision.has(id) ? this.#items.find((i) => i.id === id) : undefined;
  }

  indexOf(id: string): number {
    return this.#revision.has(id) ? this.#items.findIndex((i) => i.id === id) : -1;
  }

  /** Takes a page of the server; more says whether another one follows. */
  page(items: readonly Incident[], more: boolean) {
    this.more = more;
    this.apply(items, true);
  }

  /**
   * Takes changes as they are pushed. Returns the IDs of rows that were not there before.
   * A change that belongs beyond the last fetched row is left for the page that brings it.
   */
  apply(changes: readonly Incident[], fetched = false): string[] {
    const next = this.#items.slice();
    const arrived: string[] = [];
    for (const change of changes) {
      const known = this.#revision.get(change.id);
      if (known !== undefined && known >= change.revision) continue;
      if (known !== undefined) next.splice(next.findIndex((i) => i.id === change.id), 1);
      if (!shows(this.view, change, this.now())) {
        if (known === undefined || !this.#held.has(change.id)) {
          this.#revision.delete(change.id);
          this.#gone.delete(change.id);
          continue;
        }
        this.#gone.add(change.id);
      } else {
        this.#gone.delete(change.id);
      }
      const at = place(next, change, this.order);
      if (!fetched && this.more && known === undefined && at === next.length) continue;
      next.splice(at, 0, change);
      this.#revision.set(change.id, change.revision);
      if (known === undefined) arrived.push(change.id);
    }
    this.#items = next;
    return arrived;
  }

  /** Keeps these rows in place and lets go of all others. Says whether rows left. */
  hold(ids: readonly string[]): boolean {
    this.#held = new Set(ids);
    const leaving = new Set([...this.#gone].filter((id) => !this.#held.has(id)));
    if (leaving.size === 0) return false;
    for (const id of leaving) {
      this.#gone.delete(id);
      this.#revision.delete(id);
    }
    this.#items = this.#items.filter((i) => !leaving.has(i.id));
    return true;
  }
}

/**
 * What the clock alone brings into a view of what is overdue: incidents that would belong if
 * a promise of theirs were over. Nothing is pushed when a promise runs out.
 */
export class Soon {
  #view: View;
  #waiting = new Map<string, Incident>();
  /** A page may bring an older revision than what was pushed while it was under way. */
  #revision = new Map<string, number>();

  constructor(view: View) {
    this.#view = { ...view, overdue: false };
  }

  take(changes: readonly Incident[]) {
    for (const i of changes) {
      if ((this.#revision.get(i.id) ?? 0) > i.revision) continue;
      this.#revision.set(i.id, i.revision);
      if (shows(this.#view, i) && due(i) < Infinity) this.#waiting.set(i.id, i);
      else this.#waiting.delete(i.id);
    }
  }

  /** Those whose time is over at now, each once. */
  over(now: number): Incident[] {
    const out = [...this.#waiting.values()].filter((i) => due(i) <= now);
    for (const i of out) this.#waiting.delete(i.id);
    return out;
  }
}

/**
 * Counts open incidents from what is pushed, between two answers of the server that say
 * the number outright.
 */
export class OpenCount {
  value = 0;
  #open = new Map<string, boolean>();

  reset(value: number) {
    this.value = value;
    this.#open.clear();
  }

  /** Incidents that the answer of the server already counted. */
  seen(items: readonly Incident[]) {
    for (const i of items) this.#open.set(i.id, i.state !== "closed");
  }

  /**
   * Takes a change. False means that the number is a guess and the server has to be asked:
   * a closed incident that was never seen may have closed just now or last week, when it is
   * only its footage that has moved.
   */
  apply(change: Incident): boolean {
    const open = change.state !== "closed";
    const known = this.#open.get(change.id);
    this.#open.set(change.id, open);
    if (known === undefined && !open) return false;
    // The first revision of an unknown incident is new; any later one was open before.
    const before = known ?? change.revision > 1;
    this.value = Math.max(0, this.value + Number(open) - Number(before));
    return true;
  }
}
