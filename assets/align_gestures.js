/**
 * What each drag and each key does to the pose: pure functions from a starting matrix to a new one.
 * Points are full-resolution ST pixels unless they are called source points.
 */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const SMALLEST_FACTOR = 0.02; // a handle dragged past its anchor stops here; it never mirrors
  const SNAP_DEG = 15;

  function move(start, from, to) {
    return api.affine.multiply(api.affine.translation(to[0] - from[0], to[1] - from[1]), start);
  }

  function turn(start, center, degrees) {
    return api.affine.multiply(api.affine.about(center, api.affine.rotation(degrees)), start);
  }

  /** Follow the pointer around the centroid; with `snap`, in steps of 15 degrees. */
  function rotate(start, center, from, to, snap) {
    const angle = (p) => Math.atan2(p[1] - center[1], p[0] - center[0]);
    let degrees = ((angle(to) - angle(from)) * 180) / Math.PI;
    degrees = ((((degrees + 180) % 360) + 360) % 360) - 180;
    return turn(start, center, snap ? Math.round(degrees / SNAP_DEG) * SNAP_DEG : degrees);
  }

  /** Scale along the section's own axes, around a source point. */
  function scaleSource(start, anchor, fx, fy) {
    return api.affine.multiply(start, api.affine.about(anchor, api.affine.scaling(fx, fy)));
  }

  /** One factor for both axes: how far the handle went along the line from the opposite corner. */
  function uniform(start, handle, anchor, from, to) {
    const [h, a] = [api.affine.apply(start, handle), api.affine.apply(start, anchor)];
    const arm = [h[0] - a[0], h[1] - a[1]];
    const along = (to[0] - from[0]) * arm[0] + (to[1] - from[1]) * arm[1];
    const factor = Math.max(SMALLEST_FACTOR, 1 + along / (arm[0] ** 2 + arm[1] ** 2));
    return scaleSource(start, anchor, factor, factor);
  }

  /** A factor per axis; an edge handle has only one axis to change. */
  function free(start, handle, anchor, from, to) {
    const back = api.affine.invert(start);
    const [p, q] = [api.affine.apply(back, from), api.affine.apply(back, to)];
    const factor = (axis) => {
      const arm = handle[axis] - anchor[axis];
      return arm === 0 ? 1 : Math.max(SMALLEST_FACTOR, 1 + (q[axis] - p[axis]) / arm);
    };
    return scaleSource(start, anchor, factor(0), factor(1));
  }

  /**
   * One step {moveX, moveY, rotateDeg, scaleX, scaleY, flip: "x" | "y"} around `center`; absent entries
   * change nothing. Scaling is along the section's own axes, everything else along the image's.
   */
  function nudge(start, center, sourceCenter, change) {
    const { moveX = 0, moveY = 0, rotateDeg = 0, scaleX = 1, scaleY = 1, flip = "" } = change;
    let matrix = start;
    if (scaleX !== 1 || scaleY !== 1) matrix = scaleSource(matrix, sourceCenter, scaleX, scaleY);
    if (rotateDeg) matrix = turn(matrix, center, rotateDeg);
    if (flip) {
      const mirror = flip === "x" ? api.affine.scaling(-1, 1) : api.affine.scaling(1, -1);
      matrix = api.affine.multiply(api.affine.about(center, mirror), matrix);
    }
    return api.affine.multiply(api.affine.translation(moveX, moveY), matrix);
  }

  const ARROWS = { arrowleft: [-1, 0], arrowright: [1, 0], arrowup: [0, -1], arrowdown: [0, 1] };
  const GROW = { "+": 1.01, "=": 1.01, "-": 1 / 1.01, _: 1 / 1.01 };

  /** The key as printed on it; Alt types other letters on some keyboards. */
  function keyName(event) {
    if (event.altKey && event.code.startsWith("Key")) return event.code.slice(3).toLowerCase();
    return event.key.toLowerCase();
  }

  /** The nudge a key asks for, as {reason, change}; null for any other key. */
  function keyChange(event, stPitch) {
    const key = keyName(event);
    if (ARROWS[key]) {
      const step = stPitch * (event.shiftKey ? 10 : event.altKey ? 0.1 : 1);
      return { reason: "move", change: { moveX: ARROWS[key][0] * step, moveY: ARROWS[key][1] * step } };
    }
    if (key === "q" || key === "e") {
      const step = event.shiftKey ? SNAP_DEG : event.altKey ? 0.1 : 1;
      return { reason: "rotate", change: { rotateDeg: key === "q" ? -step : step } };
    }
    if (GROW[key]) return { reason: "scale", change: { scaleX: GROW[key], scaleY: GROW[key] } };
    if (key === "x" || key === "y") return { reason: "flip", change: { flip: key } };
    return null;
  }

  api.gestures = { move, rotate, uniform, free, nudge, keyName, keyChange };
})();
