/* The list of clusters: arrow keys walk it and show one cluster after the other. Points of its chart color the map. */
(function () {
  "use strict";
  const root = (window.SpatialMetaExplore = window.SpatialMetaExplore || {});
  const CLUSTERS = "spot/cluster";
  const rows = () => [...document.querySelectorAll(".cluster-row")];

  function show(code) {
    if (root.state.paint && root.state.paint.legend.key === CLUSTERS) root.legend.alone(code);
    else window.dash_clientside.set_props("explore-color", { data: CLUSTERS });
  }

  function walk(row, step) {
    const all = rows();
    const next = all[(all.indexOf(row) + step + all.length) % all.length];
    next.focus();
    show(Number(next.dataset.code));
  }

  document.addEventListener("keydown", (event) => {
    const row = event.target.classList && event.target.classList.contains("cluster-row") ? event.target : null;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (row && step) { event.preventDefault(); walk(row, step); }
    else if (row && event.key === "Enter") show(Number(row.dataset.code));
    else if (row && event.key === "Escape") show(null);
  });
  document.addEventListener("click", (event) => {
    const row = event.target.closest(".cluster-row");
    if (row && !event.target.closest("button, input, label")) { row.focus(); show(Number(row.dataset.code)); }
  });

  // A point of the chart of markers colors the map by its feature.
  function bindChart() {
    const gd = document.querySelector("#explore-top .js-plotly-plot");
    if (!gd || !gd.on || gd.dataset.explore) return;
    gd.dataset.explore = "bound";
    gd.on("plotly_click", (event) => {
      const known = event.points[0] && event.points[0].customdata;
      if (known) window.dash_clientside.set_props("explore-color", { data: `feature/${known[0]}` });
    });
  }
  document.addEventListener("pointerover", (event) => { if (event.target.closest("#explore-top")) bindChart(); });
})();
