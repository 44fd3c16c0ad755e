// Forms that follow what is typed and chosen; every state becomes the page's address.
import { failed, swap } from "./swap.js";

const PAUSE = 140;

export function live() {
  // What stands in a form does not come back with an address by itself. A mere #part is no other.
  const here = () => location.pathname + location.search;
  let shown = here();
  document.addEventListener("swapped", () => { shown = here(); });
  addEventListener("popstate", () => { if (here() !== shown) location.reload(); });
  for (const form of document.querySelectorAll("form[data-live]")) follow(form);
}

function addressOf(form) {
  const pairs = [...new FormData(form)].filter(([, value]) => value !== "");
  const kept = pairs.filter(([key, value]) => !(key === "view" && value === "list"));
  const query = new URLSearchParams(kept);
  // The order that suits is chosen by the server until somebody chooses another.
  const sort = form.querySelector("select[name=sort]");
  if (sort && !sort.dataset.chosen && !new URLSearchParams(location.search).has("sort")) query.delete("sort");
  const text = query.toString();
  return form.getAttribute("action") + (text ? `?${text}` : "");
}

function follow(form) {
  let under = null;
  let timer = 0;
  const parts = form.querySelectorAll("[data-part]").length ? form : document;

  async function go(address, { replace = false } = {}) {
    under?.abort();
    under = new AbortController();
    const mine = under;
    const busy = parts.querySelectorAll("[data-part]");
    for (const each of busy) each.classList.add("loading");
    document.getElementById("results")?.setAttribute("aria-busy", "true");
    try {
      await swap(address, mine.signal);
      history[replace ? "replaceState" : "pushState"](null, "", address);
      document.dispatchEvent(new Event("swapped"));
    } catch (error) {
      if (error.name === "AbortError") return;
      failed(error);
    } finally {
      if (mine === under) {
        for (const each of busy) each.classList.remove("loading");
        document.getElementById("results")?.removeAttribute("aria-busy");
      }
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    go(addressOf(form));
  });
  form.addEventListener("input", (event) => {
    if (!event.target.matches("[data-search]")) return;
    clearTimeout(timer);
    timer = setTimeout(() => go(addressOf(form), { replace: true }), PAUSE);
  });
  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-search]")) return;
    if (event.target.name === "sort") event.target.dataset.chosen = "yes";
    clearTimeout(timer);
    go(addressOf(form));
  });
  form.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-swap], a[data-next], a[data-first]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (link.matches("[data-swap]")) location.assign(link.href);
    else go(link.getAttribute("href")).then(() => form.scrollIntoView());
  });
}
