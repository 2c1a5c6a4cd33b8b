/**
 * What the alignment screen draws, from back to front: histology, ST spots, SM section; the frame with its
 * handles is in align_frame.js, scale bar and chips in align_furniture.js. Each part knows how to draw itself
 * and nothing about gestures or history.
 */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const SVG = "http://www.w3.org/2000/svg";
  const MAX_SIDE_PX = 8192; // largest canvas side every current browser accepts
  const MAX_AREA_PX = 24e6; // about 100 MB of pixels
  const SPOT_FILL = 0.55; // Visium: 55 um spots every 100 um
  const DIM_ALPHA = 0.18; // pixels left out of the tissue
  const DEFAULT_RGB = [0, 122, 133]; // teal: stands out from the pinks of H&E

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

  /** One ring or several, as several. */
  function ringsOf(outline) {
    return outline.length && !Array.isArray(outline[0][0]) ? [outline] : outline;
  }

  /** Closed rings as the data of an SVG path. */
  function pathOf(rings) {
    return rings.map((ring) => `M${ring.map((p) => `${p[0]} ${p[1]}`).join("L")}Z`).join("");
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
      paint(context, view) {
        context.setTransform(...api.affine.cssOrder(view));
        context.drawImage(image, 0, 0, image.naturalWidth / scale, image.naturalHeight / scale);
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
    let kept = null; // 1 per pixel, 0 for one drawn dim; null for none dim

    const isDim = (i) => kept !== null && !kept[i];
    const colorAt = (i) => {
      const at = colors.length === 3 ? 0 : 3 * i;
      return (colors[at] << 16) | (colors[at + 1] << 8) | colors[at + 2];
    };
    /** Dim pixels first, then by color. */
    const rank = (i) => (isDim(i) ? -1 - colorAt(i) : colorAt(i));

    function redraw() {
      if (resolution) draw(resolution);
    }

    function draw(wanted) {
      const [width, height] = [area[2] - area[0], area[3] - area[1]];
      resolution = Math.min(
        wanted, MAX_SIDE_PX / width, MAX_SIDE_PX / height, Math.sqrt(MAX_AREA_PX / (width * height)),
      );
      canvas.width = Math.ceil(width * resolution);
      canvas.height = Math.ceil(height * resolution);
      if (!order) order = Uint32Array.from({ length: n }, (_, i) => i).sort((i, j) => rank(i) - rank(j));
      const context = canvas.getContext("2d");
      const side = Math.max(1, size * pitch * resolution);
      let last = -1;
      for (const i of order) {
        const color = colorAt(i);
        if (color !== last) context.fillStyle = `#${color.toString(16).padStart(6, "0")}`;
        last = color;
        context.globalAlpha = isDim(i) ? DIM_ALPHA : 1;
        const [x, y] = [(drawn[2 * i] - area[0]) * resolution, (drawn[2 * i + 1] - area[1]) * resolution];
        context.fillRect(x - side / 2, y - side / 2, side, side);
      }
    }

    /** From canvas pixels to the screen. */
    function own(toScreen) {
      const { affine } = api;
      const fromCanvas = affine.multiply(
        affine.translation(area[0], area[1]), affine.scaling(1 / resolution, 1 / resolution),
      );
      return affine.multiply(toScreen, fromCanvas);
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
        redraw();
      },
      /** Draw pixels with 0 in `mask` dim; null draws all alike. */
      setDim(mask) {
        if (mask && mask.length !== n) throw new RangeError(`${mask.length} marks for ${n} pixels.`);
        kept = mask;
        order = null;
        redraw();
      },
      setPositions(next) {
        if (next.length !== 2 * n) throw new RangeError(`${next.length / 2} positions for ${n} pixels.`);
        drawn = next;
        area = boxOf(next, pitch);
        redraw();
      },
      setSize(fraction) {
        size = fraction;
        redraw();
      },
      place(toScreen) {
        canvas.style.transform = api.affine.css(own(toScreen));
      },
      /** Draw into another canvas, where `place` would have put it. */
      paint(context, toScreen) {
        if (!resolution) draw(Math.sqrt(Math.abs(api.affine.determinant(toScreen))));
        context.setTransform(...api.affine.cssOrder(own(toScreen)));
        context.drawImage(canvas, 0, 0);
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

  /** The deformed grid of a local warp, lines in full-resolution px; none until `setLines`. */
  function createGrid(parent) {
    const svg = shape(parent, "svg", "sm-align-frame sm-align-grid", { "aria-hidden": "true" });
    const lines = ["sm-align-grid-halo", "sm-align-grid-line"].map((name) =>
      shape(svg, "path", name, { "vector-effect": "non-scaling-stroke" }),
    );
    return {
      setLines(polylines) {
        const d = polylines.map((line) => `M${line.map((p) => `${p[0]} ${p[1]}`).join("L")}`).join("");
        for (const line of lines) line.setAttribute("d", d);
      },
      place(view) {
        for (const line of lines) line.setAttribute("transform", api.affine.css(view));
      },
    };
  }

  api.layers = {
    element, shape, boxOf, meanOf, ringsOf, pathOf, createImage, createSpots, createSection, createGrid,
  };
})();
