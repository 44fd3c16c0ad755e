// A page that says that something is still being counted looks again by itself, unless somebody types.
const PAUSE = 2000;

export function counting() {
  if (!document.querySelector("[data-counting]")) return;
  setTimeout(() => {
    const busy = document.activeElement?.matches("input, select, textarea, summary, button");
    if (busy || document.hidden) counting();
    else location.reload();
  }, PAUSE);
}
