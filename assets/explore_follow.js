/* A line across the trajectory on the tissue while the pointer is on its chart. */
(function () {
  "use strict";
  const root = (window.SpatialMetaExplore = window.SpatialMetaExplore || {});

  // the gradient chart is drawn anew for every path: listen once per element
  function follow() {
    const gd = document.querySelector("#explore-gradient .js-plotly-plot");
    if (!gd || !gd.on || gd.dataset.followed) return;
    gd.dataset.followed = "yes";
    gd.on("plotly_hover", (event) => { if (gd.layout.meta && gd.layout.meta.path) root.editor.cross(Number(event.points[0].x)); });
    gd.on("plotly_unhover", () => root.editor.cross(null));
  }
  document.addEventListener("pointerover", (event) => {
    if (event.target.closest && event.target.closest("#explore-gradient")) follow();
  });
})();
