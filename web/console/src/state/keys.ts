/** What a key does on the page that is shown. Returning false lets the browser have it. */
export type Keymap = Record<string, (e: KeyboardEvent) => void | boolean>;

const maps: Keymap[] = [];

/** Adds a map until the returned function is called; the latest one is asked first. */
export function bind(map: Keymap): () => void {
  maps.push(map);
  return () => {
    const i = maps.indexOf(map);
    if (i >= 0) maps.splice(i, 1);
  };
}

export function startKeys() {
  addEventListener("keydown", (e) => {
    if (e.defaultPrevented || e.metaKey || e.ctrlKey || e.altKey || e.isComposing) return;
    if (document.querySelector("dialog[open]")) return;
    const target = e.target as HTMLElement;
    if (isText(target) && e.key !== "Escape") return;
    // A control that is in focus keeps the keys that work it.
    if ((e.key === " " || e.key === "Enter") && target.closest("button, summary, select, [role=switch]")) return;
    for (let i = maps.length - 1; i >= 0; i--) {
      const act = maps[i]![e.key];
      if (!act) continue;
      if (act(e) !== false) {
        e.preventDefault();
        return;
      }
    }
  });
}

function isText(el: HTMLElement): boolean {
  if (el.isContentEditable || el instanceof HTMLTextAreaElement || el instanceof HTMLSelectElement) return true;
  return el instanceof HTMLInputElement && !["checkbox", "radio", "range", "button", "submit"].includes(el.type);
}
