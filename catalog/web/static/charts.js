// Shows under the pointer what the nearest point of a drawing says; the table below says all.
export function charts(root) {
  for (const figure of root.querySelectorAll("[data-chart]")) read(figure);
}

function read(figure) {
  const area = figure.querySelector(".plot-area");
  const out = figure.querySelector(".readout");
  const points = [...area.querySelectorAll(".dots, .bar")].filter((each) => each.querySelector("desc"));
  if (!points.length) return;
  let hot = null;

  function leave() {
    hot?.classList.remove("hot");
    hot = null;
    out.hidden = true;
  }
  area.addEventListener("pointerleave", leave);
  area.addEventListener("pointermove", (event) => {
    let best = null;
    let least = Infinity;
    for (const each of points) {
      const shape = each.querySelector("circle, rect").getBoundingClientRect();
      const x = Math.max(shape.left - event.clientX, 0, event.clientX - shape.right);
      const y = Math.max(shape.top - event.clientY, 0, event.clientY - shape.bottom);
      const far = x * 4 + y;
      if (far < least) { least = far; best = { each, shape }; }
    }
    if (best.each !== hot) {
      hot?.classList.remove("hot");
      hot = best.each;
      hot.classList.add("hot");
      out.textContent = hot.querySelector("desc").textContent;
      out.hidden = false;
    }
    const box = area.getBoundingClientRect();
    const left = best.shape.left + best.shape.width / 2 - box.left - out.offsetWidth / 2;
    const top = best.shape.top - box.top - out.offsetHeight - 8;
    out.style.left = `${Math.max(0, Math.min(box.width - out.offsetWidth, left))}px`;
    out.style.top = `${Math.max(-out.offsetHeight, top)}px`;
  });
}
