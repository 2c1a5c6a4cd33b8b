/* What Dash calls: coloring, drawings of the model, and the order for a figure file. */
(function () {
  "use strict";
  const root = (window.SpatialMetaExplore = window.SpatialMetaExplore || {});
  const MODES = ["explore", "regions", "trajectories"];
  const none = () => window.dash_clientside.no_update;

  async function paint(scene, color, layer, second, range, clip, log, scale, size, opacity, image, histology) {
    if (!scene || !color) return none();
    if (scene.no_denoised && layer === "denoised") { // of a run that is out of date now
      window.dash_clientside.set_props("explore-layer", { value: "normalized" });
      return none();
    }
    const view = {
      layer: layer || "normalized", second: second || null, range: range || null, clip: Boolean(clip), log: Boolean(log), scale, size: Number(size), opacity: Number(opacity),
      image: Boolean(image), imageOpacity: Number(histology),
    };
    return (await root.paint(scene, color, view)) || none();
  }

  async function overlay(model, scene, route, handled) {
    if (handled) root.draw.acknowledge(handled.ids);
    if (!scene || !route || !MODES.includes(route.page)) return none();
    if (!root.draw.fits(root.draw.current(), route.page)) root.draw.setTool("move");
    if (model) await root.drawModel(scene, model);
    return Date.now();
  }

  // Order a figure of the canvas as it is now.
  function picture(_svg, _pdf, _png, width, scene, painted) {
    const asked = window.dash_clientside.callback_context.triggered_id;
    const gd = root.tissue();
    if (!asked || !scene || !painted || !root.drawn(gd, scene)) return none();
    const { view } = root.state;
    return {
      kind: asked.replace("explore-", ""),
      width_mm: width,
      project: scene.project,
      diameter: scene.diameter,
      view: { x: gd._fullLayout.xaxis.range, y: gd._fullLayout.yaxis.range },
      painted,
      style: { size: view.size, opacity: view.opacity, image_opacity: view.image ? view.imageOpacity : 0 },
      at: Date.now(),
    };
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    spatialmeta_explore: { paint, overlay, picture },
  });
})();
