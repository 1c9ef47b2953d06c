/** Where the console stands. The address bar is the state, so every view can be sent to a colleague. */
export type Route =
  | { page: "queue" }
  | { page: "incident"; id: string }
  | { page: "cameras" }
  | { page: "camera"; id: string }
  | { page: "precision" }
  | { page: "reports" }
  | { page: "logbook" }
  | { page: "handover" }
  | { page: "series"; id: string }
  | { page: "recall" }
  | { page: "custody" }
  | { page: "people" }
  | { page: "account" }
  | { page: "notifications" }
  | { page: "lost" };

export function match(path: string): Route {
  const parts = path.split("/").filter(Boolean).map(decode);
  const [first, second] = parts;
  if (parts.length === 0) return { page: "queue" };
  if (first === "incidents" && parts.length === 2 && second) return { page: "incident", id: second };
  if (first === "cameras" && parts.length === 1) return { page: "cameras" };
  if (first === "cameras" && parts.length === 2 && second) return { page: "camera", id: second };
  if (first === "precision" && parts.length === 1) return { page: "precision" };
  if (parts.length === 1 && (first === "reports" || first === "logbook" || first === "handover")) return { page: first };
  if (first === "series" && parts.length <= 2) return { page: "series", id: second ?? "" };
  if (first === "recall" && parts.length === 1) return { page: "recall" };
  if (first === "custody" && parts.length === 1) return { page: "custody" };
  if (parts.length === 1 && (first === "people" || first === "account" || first === "notifications")) return { page: first };
  return { page: "lost" };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const incidentPath = (id: string) => `/incidents/${encodeURIComponent(id)}`;
export const cameraPath = (id: string) => `/cameras/${encodeURIComponent(id)}`;

class Router {
  path = $state(location.pathname);
  search = $state(location.search);
  route = $derived(match(this.path));
  /** The queue as it was left, filters and all. */
  #queue = $state("/");

  start() {
    addEventListener("popstate", () => this.#read());
    // Plain links work as links: open in a new tab, copy, middle click.
    addEventListener("click", (e) => {
      if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
      const link = (e.target as Element | null)?.closest("a");
      if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
      if (link.pathname.startsWith("/api/")) return;
      e.preventDefault();
      this.go(link.pathname + link.search);
    });
  }

  get queue(): string {
    return this.#queue;
  }

  go(to: string, replace = false) {
    if (to === location.pathname + location.search) return;
    history[replace ? "replaceState" : "pushState"](null, "", to);
    this.#read();
    if (!replace) document.getElementById("main")?.scrollTo(0, 0);
  }

  #read() {
    this.path = location.pathname;
    this.search = location.search;
    if (this.path === "/") this.#queue = this.path + this.search;
  }
}

export const router = new Router();
