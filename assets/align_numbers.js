/** The pose in number boxes: shown, and typed. */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const page = (api.page = api.page || {});
  const BOXES = ["align-angle", "align-scale-x", "align-scale-y", "align-shift-x", "align-shift-y"];

  const typed = new Set(); // ids of boxes edited by the user since they last counted

  /** The pose as the boxes show it; rounded so that typing one box leaves the others as they are. */
  function numbers() {
    const matrix = page.handle.getMatrix();
    const { angleDeg, scaleX, scaleY } = api.readout(matrix);
    const center = api.affine.apply(matrix, page.centroid).map((value) => value * (page.scene.um_per_px || 1));
    const scale = (value) => Number(value.toPrecision(5));
    return [Number(angleDeg.toFixed(2)) + 0, scale(scaleX), scale(scaleY), ...center.map((v) => Number(v.toFixed(1)))];
  }

  function showNumbers() {
    numbers().forEach((value, i) => page.set(BOXES[i], { value }));
    const { flipped } = api.readout(page.handle.getMatrix());
    page.set("align-flipped", { children: flipped ? "yes" : "no" });
    const rigid = page.lock() === "rigid";
    page.set("align-scale-x", { disabled: rigid });
    page.set("align-scale-y", { disabled: rigid });
    page.set("align-undo", { disabled: !page.handle.canUndo() });
    page.set("align-redo", { disabled: !page.handle.canRedo() });
    page.markThumbs();
  }

  /**
   * Whether a box holds what the user typed. Numbers shown here come back as if they were typed, some of them
   * late, when the pose has moved on: the browser's own event tells the two apart.
   */
  function wasTyped(id, value) {
    const isOurs = !typed.has(id) || Number(document.getElementById(id).value) !== value;
    if (!isOurs) typed.delete(id);
    return !isOurs;
  }

  /** A number was typed: turn and scale around the section's center, or move it. */
  function type(...values) {
    if (!page.handle) return page.noUpdate();
    const shown = numbers();
    const box = BOXES.findIndex((id, i) => page.triggered() === id && wasTyped(id, values[i]));
    if (box < 0 || values[box] === shown[box]) return page.noUpdate();
    const value = values[box];
    const isScale = box === 1 || box === 2;
    if (!Number.isFinite(value) || (isScale && value <= 0)) {
      showNumbers();
      return page.noUpdate();
    }
    page.handle.nudge(nudgeOf(box, value, shown[box]));
    return page.noUpdate();
  }

  function nudgeOf(box, value, before) {
    if (box === 0) return { rotateDeg: value - before };
    if (box > 2) return { [box === 3 ? "moveX" : "moveY"]: (value - before) / (page.scene.um_per_px || 1) };
    const factor = value / before;
    if (page.lock() === "similarity") return { scaleX: factor, scaleY: factor };
    return { [box === 1 ? "scaleX" : "scaleY"]: factor };
  }

  document.addEventListener("input", ({ target }) => BOXES.includes(target.id) && typed.add(target.id));

  Object.assign(page, { showNumbers, type });
})();
