/** The frame of the SM section on the overlay: outline, box, handles, rotate handle, centroid. */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const RING_OFFSET_PX = 34;
  const RING_MARGIN_PX = 26; // the rotate handle stays this far inside the view
  const EDGE_HANDLES_FROM_PX = 64; // shorter sides show corners only

  /** Handle name -> place in the box, in halves: -1, 0 or 1. */
  const HANDLES = {
    n: [0, -1], e: [1, 0], s: [0, 1], w: [-1, 0],
    nw: [-1, -1], ne: [1, -1], se: [1, 1], sw: [-1, 1],
  };
  const CURSORS = ["ew-resize", "nwse-resize", "ns-resize", "nesw-resize"];

  /** Outline (several rings for pieces and holes), box, eight handles, rotate handle and centroid of the section. */
  function createFrame(parent, outline, box, centroid) {
    const { pathOf, shape } = api.layers;
    const svg = shape(parent, "svg", "sm-align-frame", { "aria-hidden": "true" });
    const lines = ["sm-align-outline-halo", "sm-align-outline"].map((name) =>
      shape(svg, "path", name, { d: pathOf(outline), "vector-effect": "non-scaling-stroke" }),
    );
    const edge = shape(svg, "polygon", "sm-align-box");
    const stem = shape(svg, "line", "sm-align-stem");
    const cross = shape(svg, "path", "sm-align-centroid", { d: "M-6 0H6M0 -6V6" });
    const knobs = {};
    for (const name of Object.keys(HANDLES)) {
      const group = (knobs[name] = shape(svg, "g", "sm-align-handle", { "data-handle": name }));
      shape(group, "rect", "sm-align-hit", { x: -13, y: -13, width: 26, height: 26 });
      const half = name.length === 2 ? 5.5 : 4.5;
      shape(group, "rect", "sm-align-knob", { x: -half, y: -half, width: 2 * half, height: 2 * half, rx: 1.5 });
    }
    const ring = shape(svg, "g", "sm-align-handle sm-align-ring", { "data-handle": "ring" });
    shape(ring, "circle", "sm-align-hit", { r: 16 });
    shape(ring, "circle", "sm-align-knob", { r: 9 });
    shape(ring, "path", "sm-align-turn", { d: "M-3.6 2.1A4.2 4.2 0 1 1 0.7 4.1M3.9 -4.6V-1.2H0.5" });

    const half = [(box[2] - box[0]) / 2, (box[3] - box[1]) / 2];
    const middle = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
    const sourcePoint = (name) => middle.map((value, i) => value + HANDLES[name][i] * half[i]);
    const move = (node, [x, y]) => node.setAttribute("transform", `translate(${x} ${y})`);

    function placeRing(top, center, width, height) {
      const away = [top[0] - center[0], top[1] - center[1]];
      const length = Math.hypot(away[0], away[1]) || 1;
      const reach = (length + RING_OFFSET_PX) / length;
      const clamp = (value, size) =>
        Math.max(RING_MARGIN_PX, Math.min(value, size - RING_MARGIN_PX));
      const x = clamp(center[0] + away[0] * reach, width);
      const y = clamp(center[1] + away[1] * reach, height);
      move(ring, [x, y]);
      for (const [name, value] of Object.entries({ x1: top[0], y1: top[1], x2: x, y2: y })) {
        stem.setAttribute(name, value);
      }
    }

    return {
      svg,
      setOutline(rings) {
        for (const line of lines) line.setAttribute("d", pathOf(rings));
      },
      sourcePoint,
      opposite: (name) => middle.map((value, i) => value - HANDLES[name][i] * half[i]),
      contains(toScreen, point) {
        const [x, y] = api.affine.apply(api.affine.invert(toScreen), point);
        return x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3];
      },
      place(toScreen, width, height, locked) {
        const at = Object.fromEntries(
          Object.keys(HANDLES).map((name) => [name, api.affine.apply(toScreen, sourcePoint(name))]),
        );
        for (const line of lines) line.setAttribute("transform", api.affine.css(toScreen));
        edge.setAttribute("points", ["nw", "ne", "se", "sw"].map((name) => at[name].join(",")).join(" "));
        const center = api.affine.apply(toScreen, middle);
        const sides = [
          Math.hypot(at.ne[0] - at.nw[0], at.ne[1] - at.nw[1]),
          Math.hypot(at.sw[0] - at.nw[0], at.sw[1] - at.nw[1]),
        ];
        for (const [name, knob] of Object.entries(knobs)) {
          const corner = name.length === 2;
          const roomy = corner || sides[HANDLES[name][0] === 0 ? 0 : 1] >= EDGE_HANDLES_FROM_PX;
          knob.style.display = locked === "rigid" || (!corner && (locked || !roomy)) ? "none" : "";
          const angle = Math.atan2(at[name][1] - center[1], at[name][0] - center[0]);
          knob.style.cursor = CURSORS[((Math.round((4 * angle) / Math.PI) % 4) + 4) % 4];
          move(knob, at[name]);
        }
        move(cross, api.affine.apply(toScreen, centroid));
        placeRing(at.n, center, width, height);
      },
    };
  }

  api.createFrame = createFrame;
})();
