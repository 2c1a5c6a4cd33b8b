/* What is known of one spot: the text by the pointer, and the card of a spot pinned by a click. */
(function () {
  "use strict";
  const root = (window.SpatialMetaExplore = window.SpatialMetaExplore || {});
  let pinned = null;

  function value(paint, numbers, index) {
    const { legend } = paint;
    const number = numbers[index];
    if (!Number.isFinite(number)) return `${legend.label}: ${legend.missing}`;
    const unit = legend.center === null ? root.scale.shownUnit(legend, root.state.view.log) : "";
    return `${legend.label}: ${root.scale.format(number)} ${unit}`.trim();
  }

  function clusterName(name) {
    return /^\d/.test(name) ? `Cluster ${name}` : name;
  }

  function texts(index) {
    const { spots, paint, second, numbers, secondNumbers, scene } = root.state;
    const found = [spots.names[index]];
    const cluster = spots.clusters && spots.clusters[index];
    if (spots.clusters) found.push(cluster < 0 ? "Left out of training" : clusterName(spots.cluster_names[cluster]));
    if (paint.legend.kind === "number") found.push(value(paint, numbers, index));
    if (second) found.push(value(second, secondNumbers, index));
    const n = spots.donors[index];
    const what = scene.pixels ? "ST spot" : "metabolite pixel";
    found.push(n ? `${n} ${what}${n === 1 ? "" : "s"}` : `No ${what}`);
    return found;
  }

  function lines(index) {
    return texts(index).map((text, k) => {
      const line = document.createElement(k ? "div" : "strong");
      line.textContent = text;
      return line;
    });
  }

  function card() {
    let box = document.querySelector(".explore-pin");
    if (!box) {
      box = document.createElement("aside");
      box.className = "explore-pin";
      box.setAttribute("aria-label", "Pinned spot");
      root.canvas().append(box);
    }
    return box;
  }

  // Draw the card and the mark in both maps again, as after a recolor or a zoom.
  function refresh() {
    const { scene, spots } = root.state;
    if (pinned !== null && (!spots || pinned >= spots.names.length)) pinned = null;
    [root.tissue(), root.umap()].forEach((gd) => {
      if (gd && scene && root.drawn(gd, scene)) root.mark(gd, "explore-pin-mark", pinned);
    });
    const box = card();
    box.hidden = pinned === null;
    if (pinned === null) { box.replaceChildren(); return; }
    const close = document.createElement("button");
    close.type = "button";
    close.className = "btn-sm-quiet btn-sm-small explore-unpin";
    close.textContent = "×";
    close.setAttribute("aria-label", "Unpin");
    box.replaceChildren(...lines(pinned), close);
  }

  // Pin a spot, or let it go when it is pinned already.
  function toggle(index) {
    pinned = pinned === index ? null : index;
    refresh();
    const name = pinned === null ? null : root.state.spots.names[pinned];
    window.dash_clientside.set_props("explore-pinned", { data: name === null ? null : { spot: name, index: pinned } });
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest(".explore-unpin") && pinned !== null) toggle(pinned);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && pinned !== null && event.target.closest && event.target.closest(".explore-pin")) toggle(pinned);
  });

  root.pin = { lines, refresh, toggle, clusterName };
})();
