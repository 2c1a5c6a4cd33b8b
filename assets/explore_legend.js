/* The legend under the tissue map: a color bar with its unit, or the categories as buttons. */
(function () {
  "use strict";
  const root = (window.SpatialMetaExplore = window.SpatialMetaExplore || {});

  const MOST_COUNTS = 8; // with more categories their sizes are in the tooltips and the table

  function node(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function swatch(color) {
    const made = node("span", "explore-swatch");
    made.style.background = color;
    return made;
  }

  function head(legend) {
    const box = node("div", "legend-head");
    box.append(node("strong", "", legend.label));
    const look = { Gene: "chip chip-st", Metabolite: "chip chip-sm" }[legend.group];
    if (look) box.append(node("span", look, legend.group.toLowerCase()));
    if (legend.layer && legend.layer !== "normalized") box.append(node("span", "chip", legend.layer));
    return box;
  }

  function missingMark(legend, missing) {
    if (!legend.n_missing) return [];
    const box = node("span", "legend-missing");
    box.append(swatch(missing), `${legend.missing} (${legend.n_missing.toLocaleString("en")})`);
    return [box];
  }

  function numbers(legend, painted, colors, missing) {
    return [head(legend), ...root.range.control(legend, painted, colors, missing), ...missingMark(legend, missing)];
  }

  function categories(legend, missing) {
    const list = node("div", "legend-categories");
    list.setAttribute("role", "group");
    list.setAttribute("aria-label", "Clusters; press one to show it alone");
    const total = legend.counts.reduce((sum, n) => sum + n, 0);
    legend.names.forEach((name, code) => {
      if (legend.hidden.includes(code)) return;
      const shown = root.state.shown;
      const button = node("button", "legend-category");
      button.type = "button";
      button.dataset.code = String(code);
      button.title = `${root.pin.clusterName(name)}: ${legend.counts[code].toLocaleString("en")} spots. Press to show it alone, again for all.`;
      button.setAttribute("aria-pressed", String(Boolean(shown && shown.has(code))));
      const share = `${legend.counts[code].toLocaleString("en")} · ${Math.round((100 * legend.counts[code]) / total)} %`;
      button.append(swatch(legend.colors[code]), node("span", "", name));
      if (legend.names.length <= MOST_COUNTS) button.append(node("span", "legend-count", share));
      list.append(button);
    });
    const note = legend.note ? [node("p", "card-note", legend.note)] : [];
    return [head(legend), ...missingMark(legend, missing), list, ...note];
  }

  function draw(legend, painted, colors, missing) {
    const box = document.getElementById("explore-legend");
    const focused = document.activeElement && document.activeElement.closest("#explore-legend [data-code], #explore-legend [data-end]");
    const again = focused && (focused.dataset.code ? `[data-code="${focused.dataset.code}"]` : `[data-end="${focused.dataset.end}"]`);
    box.replaceChildren(...(legend.kind === "number"
      ? numbers(legend, painted, colors, missing) : categories(legend, missing)));
    box.dataset.key = legend.key;
    if (again) box.querySelector(again)?.focus();
  }

  // One category alone, or with Shift more of them; the same again shows all.
  function toggle(code, more) {
    const { state } = root;
    const before = state.shown;
    if (more && before) {
      state.shown = new Set(before);
      state.shown.has(code) ? state.shown.delete(code) : state.shown.add(code);
      if (!state.shown.size) state.shown = null;
    } else {
      state.shown = before && before.size === 1 && before.has(code) ? null : new Set([code]);
    }
    root.repaint().then((painted) =>
      window.dash_clientside.set_props("explore-painted", { data: painted }));
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("#explore-legend .legend-category");
    if (button) toggle(Number(button.dataset.code), event.shiftKey);
  });
  document.addEventListener("keydown", (event) => {
    const button = event.target.closest && event.target.closest("#explore-legend .legend-category");
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!button || !step) return;
    event.preventDefault();
    const all = [...document.querySelectorAll("#explore-legend .legend-category")];
    const next = all[(all.indexOf(button) + step + all.length) % all.length];
    next.focus();
    root.state.shown = null;
    toggle(Number(next.dataset.code), false);
  });

  // One cluster alone, or null for all; the coloring has to be that of the clusters.
  function alone(code) {
    root.state.shown = code === null ? null : new Set([code]);
    root.repaint().then((painted) =>
      window.dash_clientside.set_props("explore-painted", { data: painted }));
  }

  root.legend = { draw, alone };
})();
