// Takes parts of a page anew from the server: the same page, of which the marked parts are put in.
import { charts } from "./charts.js";

/** Fetch `address` and put its marked parts in place of those of this page. */
export async function swap(address, signal) {
  const answer = await fetch(address, { signal, headers: { Accept: "text/html" } });
  if (!(answer.headers.get("Content-Type") ?? "").startsWith("text/html")) {
    throw new Error(`${answer.status} ${answer.statusText}`);
  }
  const found = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-part]")) {
    const fresh = found.getElementById(part.id);
    if (!fresh) continue;
    const opened = [...part.querySelectorAll("details")].map((each) => each.open);
    part.replaceChildren(...document.adoptNode(fresh).childNodes);
    part.querySelectorAll("details").forEach((each, at) => { each.open = opened[at] ?? each.open; });
    charts(part);
  }
  document.title = found.title;
  return answer;
}

/** Say in the list that it could not be had. */
export function failed(error) {
  const results = document.getElementById("results");
  if (!results) return;
  const said = document.createElement("p");
  said.className = "asof";
  said.setAttribute("role", "alert");
  said.textContent = `The server did not answer (${error.message}). Is gpts-catalog serve still running?`;
  results.prepend(said);
}
