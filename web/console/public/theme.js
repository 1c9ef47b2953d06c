// Runs before the first paint, so that a dark room is never lit by a white page.
try {
  const theme = localStorage.getItem("vedette.theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is off: the system's preference decides.
}
