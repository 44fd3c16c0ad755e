// "Since my last visit": this browser remembers when it last looked at all changes; no server does.
const KEY = "changes seen at";

export function visits() {
  const link = document.querySelector("[data-since-visit]");
  if (!link) return;
  try {
    // Within one visit, however many pages it has, the last one stays the one before.
    const last = sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY);
    if (last && !Number.isNaN(Date.parse(last))) {
      link.href = `/changes?since=${encodeURIComponent(last)}`;
      link.title = last;
      link.hidden = false;
    }
    // The server's clock, not this machine's, says when: its changes are by that.
    const now = document.documentElement.dataset.now;
    if (last) sessionStorage.setItem(KEY, last);
    if (now && !location.search) localStorage.setItem(KEY, now);
  } catch { /* A browser that keeps nothing has no last visit. */ }
}
