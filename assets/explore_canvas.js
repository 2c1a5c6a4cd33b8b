/* The tissue map and the UMAP: colors, spot size by zoom, scale bar, hover, drawings of the model. */
(function () {
  "use strict";
  const root = (window.SpatialMetaExplore = window.SpatialMetaExplore || {});
  const SMALLEST = 2; // screen px
  const LARGEST = 60;
  const CACHED = 12; // colorings kept
  const state = {
    scene: null, view: null, paint: null, shown: null, spots: null, model: { shapes: [], annotations: [] },
    second: null, markerSize: 0, cache: new Map(), ticket: 0,
  };
  root.state = state;

  const tissue = () => document.querySelector("#explore-tissue .js-plotly-plot");
  const umap = () => document.querySelector("#explore-umap .js-plotly-plot");
  const canvas = () => document.getElementById("explore-canvas");

  function scales() {
    return Object.fromEntries(canvas().dataset.scales.split(";").map((each) => {
      const [name, colors] = each.split("=");
      return [name, colors.split("|")];
    }));
  }

  // Whether a graph shows this scene already: figures arrive and are drawn in their own time.
  function drawn(gd, scene) {
    if (!gd || !gd._fullLayout || !gd.layout.meta || !gd.data.length) return false;
    return gd.layout.meta.scene === (gd === umap() ? scene.umap : scene.map);
  }

  async function whenDrawn(find, scene) {
    for (let wait = 0; wait < 400; wait += 1) {
      if (drawn(find(), scene)) return find();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return null;
  }

  async function fetched(url, read) {
    const key = url;
    if (!state.cache.has(key)) {
      const response = await fetch(url);
      if (!response.ok) throw new Error(await response.text());
      state.cache.set(key, await read(response));
      if (state.cache.size > CACHED) state.cache.delete(state.cache.keys().next().value);
    }
    return state.cache.get(key);
  }

  const coloring = (scene, key) =>
    fetched(scene.paint + encodeURIComponent(key), async (r) => root.scale.decode(await r.arrayBuffer()));

  // The color key of a feature in a layer of values; others are the same in all.
  const LAYERS = { raw: "raw/", normalized: "feature/", denoised: "denoised/" };
  const inLayer = (key, layer) => (key.startsWith(LAYERS.normalized) ? key.replace(LAYERS.normalized, LAYERS[layer]) : key);

  // Color both maps. `view`: layer, second, range, clip, log, scale, size, opacity, image, imageOpacity.
  async function paint(scene, color, view) {
    const ticket = ++state.ticket;
    const key = inLayer(color, view.layer);
    const blends = view.second && color.startsWith(LAYERS.normalized);
    const [found, second] = await Promise.all([
      coloring(scene, key), blends ? coloring(scene, inLayer(view.second, view.layer)) : null]);
    const spots = await fetched(scene.spots, (r) => r.json());
    const gd = await whenDrawn(tissue, scene);
    if (scene.clustered) await whenDrawn(umap, scene);
    if (!gd || ticket !== state.ticket) return null;
    await root.webgl.prepare(gd);
    await root.webgl.prepare(umap());
    if (!state.paint || state.paint.legend.key !== key) state.shown = null;
    Object.assign(state, { scene, view, spots, paint: found, second, color });
    bind(gd, umap);
    bind(umap(), tissue);
    return repaint();
  }

  async function repaint() {
    const { paint: { legend, values }, view, scene, shown } = state;
    const missing = canvas().dataset.missing;
    const range = root.range.of(legend);
    const limits = root.scale.limits(legend, view.clip, view.log, range);
    const numbers = legend.kind === "number" ? root.scale.shownValues(values, legend, view.log) : values;
    const map = legend.center === null ? view.scale : "diverging";
    const second = state.second && blended(numbers, limits, missing);
    const marker = second ? second.marker : legend.kind === "number"
      ? root.scale.numberMarker(numbers, limits, scales()[map], missing)
      : root.scale.categoryMarker(values, legend, shown, missing);
    state.numbers = numbers;
    const restyle = {
      "marker.color": [marker.color], "marker.colorscale": [marker.colorscale],
      "marker.cmin": [marker.cmin], "marker.cmax": [marker.cmax],
    };
    const gd = tissue();
    state.markerSize = markerSize(gd);
    const own = { ...restyle, "marker.opacity": [view.opacity], "marker.size": [state.markerSize] };
    const picture = scene.has_image
      ? { "images[0].visible": view.image, "images[0].opacity": view.imageOpacity } : {};
    await window.Plotly.update(gd, own, picture);
    if (drawn(umap(), scene)) await window.Plotly.update(umap(), restyle, { annotations: scene.labels });
    const painted = {
      key: legend.key, limits, log: view.log, scale: map, shown: shown ? [...shown] : null, range: range || null,
      second: second ? { key: state.second.legend.key, limits: second.limits } : null,
    };
    if (second) root.blend.draw(legend, limits, state.second.legend, second.limits, missing);
    else root.legend.draw(legend, painted, scales()[map], missing);
    scaleBar(gd);
    root.pin.refresh();
    root.small.refresh();
    return painted;
  }

  // Colors, ends and values of a blend with the second feature.
  function blended(numbers, limits, missing) {
    const { legend, values } = state.second;
    const ends = root.scale.limits(legend, state.view.clip, state.view.log, null);
    state.secondNumbers = root.scale.shownValues(values, legend, state.view.log);
    const parts = [[numbers, limits], [state.secondNumbers, ends]].map(([v, l]) => root.scale.shares(v, l));
    const marker = { ...root.scale.blendMarker(...parts, missing), colorscale: null, cmin: null, cmax: null };
    return { marker, limits: ends };
  }

  // Marker size that covers a spot's true area at this zoom, times the user's factor.
  function markerSize(gd) {
    const size = state.scene.diameter * pxPerUnit(gd) * state.view.size;
    return Math.min(Math.max(size, SMALLEST), LARGEST);
  }

  function pxPerUnit(gd) {
    const axis = gd._fullLayout.xaxis;
    return axis._length / Math.abs(axis.range[1] - axis.range[0]);
  }

  function viewChanged(gd) {
    if (!state.scene || !drawn(gd, state.scene)) return;
    scaleBar(gd);
    if (root.clicker) root.clicker.redraw();
    root.pin.refresh();
    root.small.refresh();
    const size = markerSize(gd);
    if (Math.abs(size / state.markerSize - 1) > 0.02) {
      state.markerSize = size;
      window.Plotly.restyle(gd, { "marker.size": [size] });
    }
  }

  function scaleBar(gd) {
    const bar = canvas().querySelector(".explore-bar");
    const perUm = state.scene.um_per_px === null ? null : pxPerUnit(gd) / state.scene.um_per_px;
    const most = gd._fullLayout.xaxis._length * 0.22;
    const length = root.scale.roundLength(most / (perUm || pxPerUnit(gd)));
    bar.style.width = `${length * (perUm || pxPerUnit(gd))}px`;
    bar.classList.toggle("explore-px", perUm === null);
    const label = perUm === null ? `${length} px` : length >= 1000 ? `${length / 1000} mm` : `${+length.toPrecision(3)} µm`;
    bar.textContent = label;
  }

  // Hover: a text by the spot, and a ring around the same spot in the other map.
  function bind(gd, findOther) {
    if (!gd || gd.dataset.explore) return;
    gd.dataset.explore = "bound";
    gd.on("plotly_hover", (event) => point(gd, findOther(), event.points[0].pointNumber));
    gd.on("plotly_unhover", () => point(gd, findOther(), null));
    gd.on("plotly_click", (event) => root.pin.toggle(event.points[0].pointNumber));
    gd.on("plotly_relayout", (change) => {
      if (gd !== tissue()) return;
      root.draw.report(gd, change);
      viewChanged(gd);
    });
    if (gd !== tissue()) return;
    new ResizeObserver(() => requestAnimationFrame(() => viewChanged(gd))).observe(gd);
  }

  function place(gd, index) {
    const { xaxis, yaxis } = gd._fullLayout;
    const { x, y } = gd._fullData[0];
    const at = { left: xaxis.l2p(x[index]) + xaxis._offset, top: yaxis.l2p(y[index]) + yaxis._offset };
    const inside = at.left >= 0 && at.top >= 0 && at.left <= gd.clientWidth && at.top <= gd.clientHeight;
    return Number.isFinite(at.left) && Number.isFinite(at.top) && inside ? at : null;
  }

  function mark(gd, name, index) {
    const box = gd.parentElement;
    let node = box.querySelector(`:scope > .${name}`);
    const at = index === null ? null : place(gd, index);
    if (!at) { if (node) node.hidden = true; return null; }
    if (!node) {
      node = document.createElement("div");
      node.className = name;
      box.append(node);
    }
    node.hidden = false;
    Object.assign(node.style, { left: `${at.left}px`, top: `${at.top}px` });
    node.classList.toggle("to-left", at.left > gd.clientWidth * 0.5);
    node.classList.toggle("to-top", at.top > gd.clientHeight * 0.75);
    return node;
  }

  function point(gd, other, index) {
    const tip = mark(gd, "explore-tip", index);
    mark(gd, "explore-ring", index);
    if (other && drawn(other, state.scene)) mark(other, "explore-ring", index);
    if (!tip) return;
    tip.replaceChildren(...root.pin.lines(index));
  }

  // Draw the regions and trajectories of the model; whatever else is on the map goes.
  async function drawModel(scene, model) {
    state.model = model;
    const gd = await whenDrawn(tissue, scene);
    if (!gd) return;
    root.editor.show(model);
    await window.Plotly.relayout(gd, { shapes: model.shapes, annotations: model.annotations, selections: [] });
  }

  function setRange(x, y) {
    window.Plotly.relayout(tissue(), { "xaxis.range": x, "yaxis.range": y });
  }

  function zoom(factor) {
    const { xaxis, yaxis } = tissue()._fullLayout;
    setRange(...[xaxis.range, yaxis.range].map(([a, b]) => {
      const middle = (a + b) / 2;
      return [middle + (a - middle) / factor, middle + (b - middle) / factor];
    }));
  }

  function pan(dx, dy) {
    const { xaxis, yaxis } = tissue()._fullLayout;
    const shift = ([a, b], share) => [a + (b - a) * share, b + (b - a) * share];
    setRange(shift(xaxis.range, dx), shift(yaxis.range, -dy));
  }

  function fit() {
    if (state.scene) setRange([...state.scene.view.x], [...state.scene.view.y]);
  }

  Object.assign(root, {
    tissue, umap, canvas, paint, repaint, drawModel, zoom, pan, fit, drawn, mark, place, scales, coloring, LAYERS,
  });
})();
