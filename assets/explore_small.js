/* Layers side by side: small maps drawn by hand, in step with the zoom of the tissue and with the pinned spot. */
(function () {
  "use strict";
  const root = (window.SpatialMetaExplore = window.SpatialMetaExplore || {});
  const NAMES = { raw: "Raw", normalized: "Normalized", denoised: "Denoised" };
  let wanted = 0;

  const box = () => document.getElementById("explore-compare-layers");

  function layersOf(color, scene) {
    if (!color || !color.startsWith(root.LAYERS.normalized)) return [];
    const all = scene.no_denoised ? ["raw", "normalized"] : ["normalized", "denoised"];
    return all.map((layer) => [layer, color.replace(root.LAYERS.normalized, root.LAYERS[layer])]);
  }

  // One canvas of a layer; the ends of the scale are its own, as on the large map.
  function draw(canvas, { legend, values }) {
    const gd = root.tissue();
    const { xaxis, yaxis } = gd._fullLayout;
    const { x, y } = gd._fullData[0];
    const { view, scene } = root.state;
    const ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const [x0, x1] = xaxis.range;
    const [y1, y0] = yaxis.range;
    const height = Math.min(width * 1.2, Math.max(width * Math.abs((y1 - y0) / (x1 - x0)), 60));
    const zoom = Math.min(width / Math.abs(x1 - x0), height / Math.abs(y1 - y0));
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const numbers = root.scale.shownValues(values, legend, view.log);
    const limits = root.scale.limits(legend, view.clip, view.log, root.range.of(legend));
    const map = root.scales()[legend.center === null ? view.scale : "diverging"];
    const colors = root.scale.cssColors(numbers, limits, map, root.canvas().dataset.missing);
    const radius = Math.max((scene.diameter * zoom * view.size) / 2, 0.6);
    const [top, left] = [Math.min(y0, y1), Math.min(x0, x1)];
    colors.forEach((color, k) => {
      const [cx, cy] = [(x[k] - left) * zoom, (y[k] - top) * zoom];
      if (cx < -radius || cy < -radius || cx > width + radius || cy > height + radius) return;
      pen.fillStyle = color;
      pen.beginPath();
      pen.arc(cx, cy, radius, 0, 6.2832);
      pen.fill();
    });
    return limits;
  }

  async function refresh() {
    const place = box();
    const { scene, color } = root.state;
    if (!place || !place.offsetParent || !scene) return;
    const ticket = ++wanted;
    const layers = layersOf(color, scene);
    const found = await Promise.all(layers.map(([, key]) => root.coloring(scene, key)));
    if (ticket !== wanted || !root.drawn(root.tissue(), scene)) return;
    const missing = (each) => each.legend.n_missing === each.values.length;
    const figures = [];
    found.forEach((each, k) => {
      if (missing(each)) return;
      const figure = document.createElement("figure");
      const canvas = document.createElement("canvas");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `${each.legend.label}, ${layers[k][0]} values on the tissue`);
      figure.append(canvas, document.createElement("figcaption"));
      figures.push([figure, canvas, each, layers[k][0]]);
    });
    place.replaceChildren(...figures.map(([figure]) => figure));
    figures.forEach(([figure, canvas, each, layer]) => {
      const ends = draw(canvas, each).map(root.scale.format).join(" to ");
      const unit = root.scale.shownUnit(each.legend, root.state.view.log);
      figure.querySelector("figcaption").textContent = `${NAMES[layer]}: ${ends}, ${unit}`;
    });
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("#explore-tabs")) setTimeout(refresh, 50); // the tab has to be laid out first
  });

  root.small = { refresh };
})();
