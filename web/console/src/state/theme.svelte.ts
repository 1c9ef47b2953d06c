export type Choice = "system" | "dark" | "light";

const key = "vedette.theme";

/** Dark or light: the system's choice until somebody decides otherwise on this machine. */
class Theme {
  choice = $state<Choice>(read());

  next() {
    const order: Choice[] = ["system", "dark", "light"];
    this.set(order[(order.indexOf(this.choice) + 1) % order.length]!);
  }

  set(choice: Choice) {
    this.choice = choice;
    try {
      if (choice === "system") localStorage.removeItem(key);
      else localStorage.setItem(key, choice);
    } catch {
      // Storage is off: the choice lasts as long as the page.
    }
    if (choice === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
  }
}

function read(): Choice {
  const set = document.documentElement.dataset.theme;
  return set === "dark" || set === "light" ? set : "system";
}

export const theme = new Theme();
