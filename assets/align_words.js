/** The pose in words and numbers for people: for screen readers, and beside the pointer during a drag. */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const VERBS = { move: "Move", rotate: "Rotate", scale: "Scale" };

  /** A length in its own unit: px where the pixel size is unknown. `length` is in um, or px. */
  function lengthText(length, umPerPx) {
    const plain = (value) => Number(value.toPrecision(6));
    if (!umPerPx) return `${plain(length)} px`;
    return length >= 1000 ? `${plain(length / 1000)} mm` : `${plain(length)} µm`;
  }

  function signed(value, digits) {
    return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;
  }

  /** The whole pose as one sentence. */
  function poseSentence(matrix, centroid, umPerPx) {
    const { angleDeg, scaleX, scaleY, flipped } = api.readout(matrix);
    const [x, y] = api.affine
      .apply(matrix, centroid)
      .map((value) => lengthText(Math.round(value * (umPerPx || 1)), umPerPx));
    return (
      `Rotated ${angleDeg.toFixed(1)} degrees, scale ${scaleX.toPrecision(3)} by ${scaleY.toPrecision(3)}` +
      `${flipped ? ", flipped" : ""}, center at ${x} across and ${y} down.`
    );
  }

  /** What a drag has done so far. */
  function changeText(reason, before, after, centroid, umPerPx) {
    const [p, q] = [api.readout(before), api.readout(after)];
    const [from, to] = [before, after].map((matrix) => api.affine.apply(matrix, centroid));
    const values = {
      move: () => `${to.map((v, i) => signed((v - from[i]) * (umPerPx || 1), 0)).join(", ")} ${umPerPx ? "µm" : "px"}`,
      rotate: () => `${signed(((q.angleDeg - p.angleDeg + 540) % 360) - 180, 1)}°`,
      scale: () => {
        const [fx, fy] = [q.scaleX / p.scaleX, q.scaleY / p.scaleY];
        return Math.abs(fx / fy - 1) < 1e-9 ? `× ${fx.toFixed(3)}` : `× ${fx.toFixed(3)}, × ${fy.toFixed(3)}`;
      },
    };
    return `${VERBS[reason]} ${values[reason]()}`;
  }

  api.words = { lengthText, poseSentence, changeText };
})();
