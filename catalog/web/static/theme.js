// Before anything is painted: the colours that were chosen here, and that scripts run.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("with-js");
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  } catch { /* A browser that keeps nothing shows the colours of its system. */ }
})();
