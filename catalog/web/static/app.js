// Everything works without this; with it, lists follow what is typed, and keys go through them.
import { keys } from "./keys.js";
import { live } from "./live.js";
import { charts } from "./charts.js";
import { consoles } from "./console.js";
import { counting } from "./counting.js";
import { theme } from "./theme-toggle.js";
import { visits } from "./visits.js";

theme();
keys();
live();
consoles();
visits();
counting();
charts(document);

// A phone begins with the list, and opens what narrows it down.
if (matchMedia("(max-width: 62rem)").matches) {
  for (const each of document.querySelectorAll("[data-narrow]")) each.open = false;
}

// Where the menu is wider than the window, the page that is shown is to be seen in it.
const current = document.querySelector(".top nav [aria-current]");
const menu = current?.closest("ul");
if (menu) menu.scrollLeft = current.offsetLeft - (menu.clientWidth - current.offsetWidth) / 2;
