// The console: runs a query without leaving the page, and can stop it: to hang up ends it.
import { failed, swap } from "./swap.js";

export function consoles() {
  for (const form of document.querySelectorAll("[data-console]")) attend(form);
}

function attend(form) {
  const stop = form.querySelector("[data-stop]");
  const run = form.querySelector("[data-run]");
  const said = form.querySelector("[data-running]");
  let under = null;

  async function go() {
    under?.abort();
    const mine = new AbortController();
    under = mine;
    const address = `${form.getAttribute("action")}?${new URLSearchParams(new FormData(form))}`;
    stop.hidden = false;
    said.textContent = "running …";
    try {
      await swap(address, mine.signal);
      history.pushState(null, "", address);
      document.dispatchEvent(new Event("swapped"));
      said.textContent = "";
    } catch (error) {
      said.textContent = error.name === "AbortError" ? "stopped" : "";
      if (error.name !== "AbortError") failed(error);
    } finally {
      if (under === mine) {
        stop.hidden = true;
        under = null;
      }
    }
  }

  form.addEventListener("submit", (event) => { event.preventDefault(); go(); });
  stop.addEventListener("click", () => { under?.abort(); run.focus(); });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); go(); }
    if (event.key === "Escape" && under) under.abort();
  });
}
