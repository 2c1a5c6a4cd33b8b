/* Drawing by dragging: lasso, box, brush and freehand path. */
(function () {
  "use strict";
  const root = (window.SpatialMetaExplore = window.SpatialMetaExplore || {});
  const STEP_PX = 2; // between points of a line
  const LEAST_PX = 4; // a shorter drag was a click
  const USUAL_BRUSH = 1.6; // spot spacings, radius

  const stroke = {
    layer: null, mode: null, line: [], start: null, how: "", brush: null, at: null,

    use(mode) {
      this.mode = mode;
      this.line = [];
      if (this.layer) this.layer.remove();
      this.layer = null;
      if (!mode) return;
      this.layer = root.layer("explore-clicker");
      this.layer.addEventListener("pointerdown", (event) => this.down(event));
      this.layer.addEventListener("pointermove", (event) => this.move(event));
      this.layer.addEventListener("pointerup", (event) => this.up(event));
      this.layer.addEventListener("pointercancel", () => { this.line = []; this.redraw(); });
    },

    radius() {
      if (this.brush === null) this.brush = USUAL_BRUSH * root.state.scene.spacing;
      return this.brush;
    },

    resize(factor) {
      this.brush = this.radius() * factor;
      const size = root.state.scene.um_per_px;
      root.draw.say(`Brush ${Math.round(2 * this.brush * (size || 1))} ${size ? "µm" : "px"} wide.`);
      this.redraw();
    },

    local(event) {
      const box = this.layer.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    },

    down(event) {
      if (event.button) return;
      this.layer.setPointerCapture(event.pointerId);
      this.how = root.how(event);
      this.line = [this.local(event)];
      this.redraw();
    },

    move(event) {
      this.at = this.local(event);
      if (this.line.length) {
        const last = this.line[this.line.length - 1];
        if (this.mode === "box") this.line = [this.line[0], this.at];
        else if (Math.hypot(this.at[0] - last[0], this.at[1] - last[1]) >= STEP_PX) this.line.push(this.at);
      }
      this.redraw();
    },

    up(event) {
      if (!this.line.length) return;
      this.move(event);
      const line = this.line;
      this.line = [];
      this.redraw();
      const [xs, ys] = [0, 1].map((k) => line.map((place) => place[k]));
      const size = Math.max(...xs) - Math.min(...xs) + Math.max(...ys) - Math.min(...ys);
      if (this.mode !== "brush" && size < LEAST_PX) return;
      const points = (this.mode === "box" ? this.corners(line) : line).map((place) => root.view.toData(place));
      const path = `M${points.map((point) => point.join(",")).join("L")}`;
      if (this.mode === "brush") root.draw.keep({ type: "path", path }, { how: this.brushing(points[0]), brush: this.radius() });
      else if (this.mode === "path") root.draw.keep({ type: "path", path });
      else root.draw.keep({ type: "path", path: `${path}Z` }, { how: this.how });
    },

    corners(line) {
      const [[x0, y0], [x1, y1]] = [line[0], line[line.length - 1]];
      return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
    },

    // A brush that begins in the region chosen goes on painting it.
    brushing(point) {
      return this.how || (root.editor.holds(point) ? "add" : "");
    },

    redraw() {
      if (!this.layer) return;
      const line = this.mode === "box" && this.line.length ? this.corners(this.line) : this.line;
      const points = line.map((place) => place.join(",")).join(" ");
      const radius = this.mode === "brush" ? this.radius() * root.view.pxPerUnit() : 0;
      const made = [];
      if (this.mode === "brush") {
        made.push(root.svg("polyline", { points, class: "stroke-brush", "stroke-width": 2 * radius }));
        if (this.at) made.push(root.svg("circle", { cx: this.at[0], cy: this.at[1], r: radius, class: "clicker-cursor" }));
      } else if (line.length) {
        made.push(root.svg(this.mode === "path" ? "polyline" : "polygon", { points, class: "clicker-line" }));
      }
      this.layer.firstChild.replaceChildren(...made);
    },
  };

  root.stroke = stroke;
})();
