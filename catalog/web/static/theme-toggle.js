// Three choices: as the system has it, light, dark. Kept in this browser alone.
const NAMES = ["auto", "light", "dark"];

export function theme() {
  const button = document.querySelector("[data-theme-toggle]");
  const root = document.documentElement;
  const name = button.querySelector("[data-theme-name]");
  const show = () => { name.textContent = root.dataset.theme ?? "auto"; };
  button.hidden = false;
  show();
  button.addEventListener("click", () => {
    const next = NAMES[(NAMES.indexOf(root.dataset.theme ?? "auto") + 1) % NAMES.length];
    if (next === "auto") delete root.dataset.theme;
    else root.dataset.theme = next;
    try { localStorage.setItem("theme", next); } catch { /* It holds for this page, then. */ }
    show();
  });
}
