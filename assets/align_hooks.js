/**
 * What other parts of the page may do with a pane: turn events into coordinates, learn of clicks, draw on top.
 *
 * pane
 *   name          "msi", "overlay" or "he"
 *   stage         its element
 *   matrix(name)  the map from a frame, "sm" or "st", to the stage's own px; null where the pane has no such frame
 *   toData(event) [x, y] in the pane's own frame: SM units in "msi", full-resolution ST px in the others
 *   toScreen(xy)  the other way, px of the stage
 *   onClick(fn)   fn([x, y], event) for every click that was no drag; returns a function that ends it
 *   addLayer(draw)  an SVG over the stage; draw(svg, pane) runs after every change of view or pose. Returns
 *                 {svg, redraw, remove}. Parts of it with `pointer-events: all` get events before the gestures do
 */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const CLICK_PX = 4;

  /** `own` is the pane's own frame; `matrices` maps names of frames to functions that give the map. */
  function createHooks(name, stage, own, matrices) {
    const layers = new Set();
    const listeners = new Set();
    let pressed = null;

    function place(event) {
      const box = stage.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    }

    stage.addEventListener("pointerdown", (event) => {
      pressed = event.button === 0 && event.isPrimary ? place(event) : null;
    });
    stage.addEventListener("pointerup", (event) => {
      if (!pressed) return;
      const at = place(event);
      const isClick = Math.hypot(at[0] - pressed[0], at[1] - pressed[1]) < CLICK_PX;
      pressed = null;
      if (isClick) for (const listener of [...listeners]) listener(pane.toData(event), event);
    });

    const pane = {
      name,
      stage,
      matrix: (frame) => (matrices[frame] ? matrices[frame]() : null),
      toData: (event) => api.affine.apply(api.affine.invert(matrices[own]()), place(event)),
      toScreen: (xy) => api.affine.apply(matrices[own](), xy),
      onClick(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      addLayer(draw) {
        const svg = api.layers.shape(stage, "svg", "sm-align-frame sm-align-marks");
        const layer = {
          svg,
          redraw: () => draw(svg, pane),
          remove() {
            layers.delete(layer);
            svg.remove();
          },
        };
        layers.add(layer);
        layer.redraw();
        return layer;
      },
    };
    /** For the owner of the pane, after it has drawn. */
    const redraw = () => layers.forEach((layer) => layer.redraw());
    return { pane, redraw };
  }

  api.createHooks = createHooks;
})();
