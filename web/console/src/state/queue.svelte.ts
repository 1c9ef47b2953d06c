import { api, type Filter } from "../api/client";
import type { Incident } from "../api/types";
import { OpenCount, Rows, Soon, isArchive, noLimit, type View } from "../lib/queue";
import { parse } from "../lib/time";
import { clock } from "./clock.svelte";
import { notices } from "./actions.svelte";
import { live } from "./live.svelte";

const pageSize = 100;

/** How many open incidents are watched for a promise that runs out; the server is asked anew for what is beyond. */
const watched = 500;
const again = 60_000;

/** The queue as the server and the live connection make it. */
class Queue {
  items = $state.raw<readonly Incident[]>([]);
  open = $state(0);
  /** The first page of this view is not there yet. */
  loading = $state(true);
  more = $state(false);
  trouble = $state("");
  /** What was different when the list was fetched anew after a gap in the connection; empty when nothing was. */
  caught = $state("");
  /** The end of the latest incident of all, milliseconds; NaN when there has been none. */
  quietSince = $state(Number.NaN);
  /** IDs that arrived by themselves, with when, so that a row can show it once. */
  arrived = $state.raw<ReadonlyMap<string, number>>(new Map());

  #rows = new Rows(noLimit);
  #count = new OpenCount();
  #abort: AbortController | undefined;
  #fetching = false;
  #cursor = "";
  #held: string[] = [];
  #asking: ReturnType<typeof setTimeout> | undefined;
  /** What the clock brings into the view; undefined where it brings nothing. */
  #soon: Soon | undefined;
  #asked = 0;

  constructor() {
    live.listen({ incidents: (c) => this.#apply(c), reset: () => void this.#again() });
  }

  get(id: string): Incident | undefined {
    return this.#rows.get(id);
  }

  /** Shows a view from its first page. Rows of the same view stay until the answer is there. */
  async load(view: View) {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    const same = JSON.stringify(view) === JSON.stringify(this.#rows.view);
    const rows = new Rows(view, true, () => clock.read());
    // What is pushed while the page is under way belongs to the new rows too.
    const pushed: Incident[] = [];
    const stop = live.listen({ incidents: (c) => pushed.push(...c) });
    if (!same || this.items.length === 0) {
      this.loading = true;
      this.items = [];
    }
    this.#fetching = true;
    try {
      const page = await api.incidents(filter(view), order(view), pageSize, undefined, abort.signal);
      rows.page(page.items, !!page.next);
      this.#rows = rows;
      this.#soon = undefined;
      if (view.overdue) void this.#watch(view, abort.signal);
      this.#cursor = page.next ?? "";
      this.#count.reset(page.open);
      this.#count.seen(page.items);
      rows.hold(this.#held);
      rows.apply(pushed);
      this.trouble = "";
      this.#show();
      // Whether the server had counted them already cannot be told.
      if (pushed.length > 0) this.#recount();
      if (page.open === 0) void this.#ask();
    } catch (err) {
      if (abort.signal.aborted) return;
      this.trouble = (err as Error).message;
    } finally {
      stop();
      if (this.#abort === abort) {
        this.loading = false;
        this.#fetching = false;
      }
    }
  }

  /** What was pushed is no longer continuous: fetches anew, and says what came and went meanwhile. */
  async #again() {
    const before = new Map(this.items.map((i) => [i.id, i] as const));
    const { view } = this.#rows;
    await this.load(view);
    if (this.trouble || this.#rows.view !== view) return;
    const now = new Set(this.items.map((i) => i.id));
    const came = this.items.filter((i) => !before.has(i.id));
    const went = [...before.keys()].filter((id) => !now.has(id)).length;
    this.caught = came.length + went === 0 ? "" : `After the gap in the connection: ${came.length} new, ${went} gone.`;
    if (!this.caught) return;
    const at = Date.now();
    this.arrived = new Map([...this.arrived, ...came.map((i) => [i.id, at] as const)]);
    notices.say(this.caught);
  }

  /** Looks for what will belong to a view of what is overdue when its time is over. */
  async #watch(view: View, signal: AbortSignal) {
    const soon = new Soon(view);
    const stop = live.listen({ incidents: (c) => soon.take(c) });
    try {
      for (let after: string | undefined, n = 0; n < watched; n += pageSize) {
        const page = await api.incidents(filter({ ...view, overdue: false }), "queue", pageSize, after, signal);
        soon.take(page.items);
        after = page.next || undefined;
        if (!after) break;
      }
    } catch {
      // The server is asked again in a minute at the latest.
    } finally {
      stop();
    }
    if (signal.aborted) return;
    this.#soon = soon;
    this.#asked = clock.read();
  }

  /** Every second: what became overdue comes into a view of what is overdue. */
  tick(now: number) {
    if (!this.#soon) return;
    const over = this.#soon.over(now);
    if (over.length > 0) {
      this.#rows.apply(over);
      this.#show();
    }
    if (now - this.#asked < again || this.#fetching) return;
    this.#asked = now;
    void this.load(this.#rows.view);
  }

  /** Brings the next page when there is one; calling it again while one is under way does nothing. */
  async loadMore() {
    if (this.#fetching || !this.#cursor) return;
    const rows = this.#rows;
    this.#fetching = true;
    try {
      const page = await api.incidents(filter(rows.view), order(rows.view), pageSize, this.#cursor, this.#abort?.signal);
      if (rows !== this.#rows) return;
      this.#cursor = page.next ?? "";
      rows.page(page.items, !!page.next);
      this.#count.seen(page.items);
      this.trouble = "";
      this.#show();
    } catch (err) {
      if (rows === this.#rows && !this.#abort?.signal.aborted) this.trouble = (err as Error).message;
    } finally {
      if (rows === this.#rows) this.#fetching = false;
    }
  }

  /** The rows under the hand stay where they are, whatever happens to their incidents. */
  hold(...ids: string[]) {
    this.#held = ids.filter(Boolean);
    if (this.#rows.hold(this.#held)) this.#show();
  }

  reload() {
    return this.load(this.#rows.view);
  }

  #apply(changes: Incident[]) {
    this.#soon?.take(changes);
    const fresh = this.#rows.apply(changes);
    let sure = true;
    for (const c of changes) sure = this.#count.apply(c) && sure;
    if (!sure) this.#recount();
    if (this.#count.value === 0) void this.#ask();
    if (fresh.length > 0) {
      const now = Date.now();
      const kept = [...this.arrived].filter(([, at]) => now - at < 10_000);
      this.arrived = new Map([...kept, ...fresh.map((id) => [id, now] as const)]);
    }
    this.#show();
  }

  #show() {
    this.items = this.#rows.items;
    this.more = this.#rows.more;
    this.open = this.#count.value;
  }

  /** Asks the server how many are open, a moment later and once for all that happens until then. */
  #recount() {
    if (this.#asking !== undefined) return;
    this.#asking = setTimeout(() => {
      this.#asking = undefined;
      void this.#ask();
    }, 1000);
  }

  /** Asks the server for the number of open incidents and since when it has been quiet. */
  async #ask() {
    try {
      const page = await api.incidents({}, "newest", 1);
      this.#count.reset(page.open);
      this.open = page.open;
      const latest = page.items[0];
      this.quietSince = latest ? parse(latest.end) || parse(latest.alarm) : Number.NaN;
    } catch {
      // The link says that the server is away; the next change asks again.
    }
  }
}

const order = (v: View) => (isArchive(v) ? "newest" : "queue");

const filter = (v: View): Filter => ({
  state: v.states,
  officer: v.officers,
  type: v.types,
  site: v.sites,
  overdue: v.overdue ? "true" : "",
  camera: v.cameras,
  zone: v.zones,
  kind: v.kinds,
  severity: v.severities,
  verdict: v.verdicts,
  label: v.labels,
  footage: v.footage,
  held: v.held,
  min_dwell: v.dwell > 0 ? String(v.dwell) : "",
  text: v.text,
  from: stamp(v.from),
  to: stamp(v.to),
});

/** A local date and time of the address bar as the server reads it. */
const stamp = (local: string) => (local && !Number.isNaN(Date.parse(local)) ? new Date(local).toISOString() : "");

export const queue = new Queue();
