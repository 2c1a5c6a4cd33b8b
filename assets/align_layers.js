/**
 * What the alignment overlay draws, from back to front: histology, ST spots, SM section, frame with handles,
 * scale bar and chips. Each part knows how to draw itself and nothing about gestures or history.
 */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const SVG = "http://www.w3.org/2000/svg";
  const MAX_SIDE_PX = 8192; // largest canvas side every current browser accepts
  const MAX_AREA_PX = 24e6; // about 100 MB of pixels
  const SPOT_FILL = 0.55; // Visium: 55 um spots every 100 um
  const RING_OFFSET_PX = 34;
  const RING_MARGIN_PX = 26; // the rotate handle stays this far inside the view
  const EDGE_HANDLES_FROM_PX = 64; // shorter sides show corners only
  const BAR_TARGET_PX = 120;
  const DEFAULT_RGB = [0, 122, 133]; // teal: stands out from the pinks of H&E

  /** Handle name -> place in the box, in halves: -1, 0 or 1. */
  const HANDLES = {
    n: [0, -1], e: [1, 0], s: [0, 1], w: [-1, 0],
    nw: [-1, -1], ne: [1, -1], se: [1, 1], sw: [-1, 1],
  };
  const CURSORS = ["ew-resize", "nwse-resize", "ns-resize", "nesw-resize"];

  function element(parent, tag, className, attributes) {
    const node = document.createElement(tag);
    node.className = className;
    for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
    parent.append(node);
    return node;
  }

  function shape(parent, tag, className, attributes) {
    const node = document.createElementNS(SVG, tag);
    node.setAttribute("class", className);
    for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
    parent.append(node);
    return node;
  }

  /** Smallest box around interleaved positions, as [x0, y0, x1, y1]; null without any. */
  function boxOf(xy, pad) {
    if (!xy || !xy.length) return null;
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < xy.length; i += 2) {
      box[0] = Math.min(box[0], xy[i]);
      box[1] = Math.min(box[1], xy[i + 1]);
      box[2] = Math.max(box[2], xy[i]);
      box[3] = Math.max(box[3], xy[i + 1]);
    }
    return [box[0] - pad, box[1] - pad, box[2] + pad, box[3] + pad];
  }

  function meanOf(xy) {
    let [x, y] = [0, 0];
    for (let i = 0; i < xy.length; i += 2) {
      x += xy[i];
      y += xy[i + 1];
    }
    return [(2 * x) / xy.length, (2 * y) / xy.length];
  }

  /** The H&E picture, placed by CSS; the browser keeps one decoded copy. */
  function createImage(parent, url, scale, { onLoad, onError }) {
    const image = element(parent, "img", "sm-align-image", { alt: "", draggable: "false" });
    image.addEventListener("load", onLoad);
    image.addEventListener("error", onError);
    image.src = url;
    return {
      box: () => (image.naturalWidth ? [0, 0, image.naturalWidth / scale, image.naturalHeight / scale] : null),
      place(view) {
        image.style.transform = api.affine.css(api.affine.multiply(view, api.affine.scaling(1 / scale, 1 / scale)));
      },
      hide() {
        image.hidden = true;
      },
    };
  }

  /** ST spots as rings of their true size; drawn anew for each view, visible ones only. */
  function createSpots(parent, xy, pitch) {
    const canvas = element(parent, "canvas", "sm-align-spots");
    const radius = (pitch * SPOT_FILL) / 2;
    let visible = true;
    return {
      setVisible(on) {
        visible = on;
        canvas.hidden = !on;
      },
      draw(view, width, height, density, color) {
        if (!visible) return;
        if (canvas.width !== Math.round(width * density) || canvas.height !== Math.round(height * density)) {
          canvas.width = Math.round(width * density);
          canvas.height = Math.round(height * density);
        }
        const context = canvas.getContext("2d");
        context.setTransform(density, 0, 0, density, 0, 0);
        context.clearRect(0, 0, width, height);
        const [zoom, dx, dy] = [view[0], view[2], view[5]];
        const r = radius * zoom;
        context.beginPath();
        for (let i = 0; i < xy.length; i += 2) {
          const [x, y] = [xy[i] * zoom + dx, xy[i + 1] * zoom + dy];
          if (x < -r || y < -r || x > width + r || y > height + r) continue;
          if (r < 1.5) {
            context.rect(x - 0.75, y - 0.75, 1.5, 1.5);
          } else {
            context.moveTo(x + r, y);
            context.arc(x, y, r, 0, 2 * Math.PI);
          }
        }
        context.lineWidth = 1;
        context.strokeStyle = context.fillStyle = color;
        if (r < 1.5) context.fill();
        else context.stroke();
      },
    };
  }

  /** SM pixels as squares, drawn once in the source frame and then moved by CSS alone. */
  function createSection(parent, xy, pitch) {
    const canvas = element(parent, "canvas", "sm-align-section");
    const n = xy.length / 2;
    const box = boxOf(xy, pitch);
    let drawn = xy; // positions shown, which a local warp moves a little
    let area = box; // around them
    let colors = Uint8Array.from(DEFAULT_RGB);
    let order = null; // pixels sorted by color: a fill style is set once per color
    let resolution = 0; // canvas pixels per source unit
    let size = 0.9; // of the pitch

    const colorAt = (i) => {
      const at = colors.length === 3 ? 0 : 3 * i;
      return (colors[at] << 16) | (colors[at + 1] << 8) | colors[at + 2];
    };

    function draw(wanted) {
      const [width, height] = [area[2] - area[0], area[3] - area[1]];
      resolution = Math.min(
        wanted, MAX_SIDE_PX / width, MAX_SIDE_PX / height, Math.sqrt(MAX_AREA_PX / (width * height)),
      );
      canvas.width = Math.ceil(width * resolution);
      canvas.height = Math.ceil(height * resolution);
      if (!order) order = Uint32Array.from({ length: n }, (_, i) => i).sort((i, j) => colorAt(i) - colorAt(j));
      const context = canvas.getContext("2d");
      const side = Math.max(1, size * pitch * resolution);
      let last = -1;
      for (const i of order) {
        const color = colorAt(i);
        if (color !== last) context.fillStyle = `#${color.toString(16).padStart(6, "0")}`;
        last = color;
        const [x, y] = [(drawn[2 * i] - area[0]) * resolution, (drawn[2 * i + 1] - area[1]) * resolution];
        context.fillRect(x - side / 2, y - side / 2, side, side);
      }
    }

    return {
      box,
      canvas,
      setColors(rgb) {
        if (rgb.length !== 3 && rgb.length !== 3 * n) {
          throw new RangeError(`${rgb.length} color bytes for ${n} pixels; 3 or ${3 * n} are needed.`);
        }
        colors = Uint8Array.from(rgb);
        order = null;
        if (resolution) draw(resolution);
      },
      setPositions(next) {
        if (next.length !== 2 * n) throw new RangeError(`${next.length / 2} positions for ${n} pixels.`);
        drawn = next;
        area = boxOf(next, pitch);
        if (resolution) draw(resolution);
      },
      setSize(fraction) {
        size = fraction;
        if (resolution) draw(resolution);
      },
      place(toScreen) {
        const own = api.affine.multiply(
          api.affine.translation(area[0], area[1]), api.affine.scaling(1 / resolution, 1 / resolution),
        );
        canvas.style.transform = api.affine.css(api.affine.multiply(toScreen, own));
      },
      /** Draw again if the picture on screen is visibly too coarse or much too fine. */
      sharpen(toScreen, density) {
        const wanted = Math.sqrt(Math.abs(api.affine.determinant(toScreen))) * density;
        const before = resolution;
        if (!before || Math.abs(Math.log(wanted / before)) > Math.log(1.25)) draw(wanted);
        return before !== resolution;
      },
    };
  }

  /** Outline (several rings for pieces and holes), box, eight handles, rotate handle and centroid of the section. */
  function createFrame(parent, outline, box, centroid) {
    const svg = shape(parent, "svg", "sm-align-frame", { "aria-hidden": "true" });
    const pathOf = (rings) => rings.map((ring) => `M${ring.map((p) => `${p[0]} ${p[1]}`).join("L")}Z`).join("");
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

  /** A round number: 1, 2 or 5 times a power of ten, at most `limit`. */
  function roundLength(limit) {
    const power = 10 ** Math.floor(Math.log10(limit));
    return ([5, 2, 1].find((step) => step * power <= limit * (1 + 1e-9)) || 1) * power;
  }

  /** Scale bar, orientation chip, gesture readout and the zoom buttons. */
  function createFurniture(parent, umPerPx, { onZoom, onFit }) {
    const bar = element(parent, "div", "sm-align-scale");
    bar.classList.toggle("sm-align-unknown", !umPerPx);
    if (!umPerPx) bar.title = "The pixel size is not known, so lengths are in pixels.";
    const label = element(bar, "span", "sm-align-scale-label");
    const line = element(bar, "span", "sm-align-scale-line");
    const chip = element(parent, "div", "sm-align-chip");
    const readout = element(parent, "div", "sm-align-readout");
    const note = element(parent, "div", "sm-align-note", { role: "status" });
    const buttons = element(parent, "div", "sm-align-buttons", { role: "group", "aria-label": "View" });
    const press = (text, name, action) => {
      const button = element(buttons, "button", "sm-align-button", { type: "button", "aria-label": name, title: name });
      button.textContent = text;
      button.addEventListener("click", action);
    };
    press("+", "Zoom in", () => onZoom(1.4));
    press("−", "Zoom out", () => onZoom(1 / 1.4));
    press("Fit", "Fit both sections in view (Z)", onFit);
    return {
      setZoom(zoom) {
        const unit = umPerPx || 1;
        const length = roundLength((BAR_TARGET_PX * unit) / zoom);
        label.textContent = api.words.lengthText(length, umPerPx);
        line.style.width = `${(length / unit) * zoom}px`;
      },
      setChip(text) {
        chip.textContent = text;
      },
      setNote(text) {
        note.textContent = text;
      },
      setReadout(text) {
        readout.textContent = text;
        readout.classList.toggle("sm-align-shown", Boolean(text));
      },
    };
  }

  api.layers = { element, boxOf, meanOf, createImage, createSpots, createSection, createFrame, createFurniture };
})();
