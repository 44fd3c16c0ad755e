// Keys: / to search, j and k through a list, g and a letter to a page. Never while somebody types.
const PAGES = { o: "/", g: "/gpts", a: "/authors", c: "/changes", t: "/trends", r: "/runs", s: "/sql" };

export function keys() {
  const help = document.getElementById("keys");
  document.querySelector("[data-keys]")?.addEventListener("click", () => help.showModal());
  let going = 0;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input, select, textarea, [contenteditable]")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (help.open) return;
    if (going && performance.now() - going < 1500) {
      going = 0;
      if (PAGES[event.key]) {
        event.preventDefault();
        location.assign(PAGES[event.key]);
        return;
      }
    }
    const act = {
      "/": () => (document.querySelector("main [data-search]") ?? document.getElementById("find")).focus(),
      "?": () => help.showModal(),
      g: () => { going = performance.now(); },
      j: () => step(1),
      k: () => step(-1),
      n: () => document.querySelector("[data-next]")?.click(),
      p: () => history.back(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

function step(by) {
  const items = [...document.querySelectorAll("[data-list] [data-item]")];
  if (!items.length) return;
  const at = items.findIndex((each) => each.classList.contains("here"));
  const next = items[Math.min(items.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
  items[at]?.classList.remove("here");
  next.classList.add("here");
  next.scrollIntoView({ block: "nearest" });
  next.querySelector("[data-open]")?.focus({ preventScroll: true });
}
