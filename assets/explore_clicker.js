/* Regions and trajectories by clicked points, or by a cursor that arrow keys move from spot to spot. */
(function () {
  "use strict";
  const root = (window.SpatialMetaExplore = window.SpatialMetaExplore || {});
  const CLOSE_PX = 10; // a click this near to the first corner closes the line
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const FAR = 5; // spots, with Shift

  // Between map coordinates (px, y down) and the canvas on screen.
  root.view = {
    toData([left, top]) {
      const { xaxis, yaxis } = root.tissue()._fullLayout;
      return [xaxis.p2d(left - xaxis._offset), yaxis.p2d(top - yaxis._offset)];
    },
    toScreen([x, y]) {
      const { xaxis, yaxis } = root.tissue()._fullLayout;
      return [xaxis.d2p(x) + xaxis._offset, yaxis.d2p(y) + yaxis._offset];
    },
    pxPerUnit() {
      const { xaxis } = root.tissue()._fullLayout;
      return xaxis._length / Math.abs(xaxis.range[1] - xaxis.range[0]);
    },
  };

  root.svg = function (tag, attributes) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
    return element;
  };

  // A layer over the map that takes the pointer; the wheel goes on zooming the map below.
  root.layer = function (className) {
    const layer = document.createElement("div");
    layer.className = className;
    layer.append(root.svg("svg", {}));
    root.canvas().append(layer);
    layer.addEventListener("wheel", (event) => {
      event.preventDefault();
      root.tissue().querySelector(".nsewdrag").dispatchEvent(new WheelEvent("wheel", event));
    }, { passive: false });
    return layer;
  };

  root.how = (event) => (event.shiftKey ? "add" : event.altKey ? "subtract" : "");

  const clicker = {
    layer: null, mode: null, points: [], pointer: null, cursor: null, how: "",

    use(mode) {
      this.points = [];
      this.mode = mode;
      this.cursor = null;
      if (this.layer) this.layer.remove();
      this.layer = null;
      if (!mode) return;
      this.layer = root.layer("explore-clicker");
      this.layer.addEventListener("click", (event) => this.click(event));
      this.layer.addEventListener("dblclick", () => this.finish());
      this.layer.addEventListener("pointermove", (event) => { this.pointer = this.local(event); this.redraw(); });
    },

    local(event) {
      const box = this.layer.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    },

    add(point, event) {
      if (!this.points.length) this.how = this.mode === "corners" ? root.how(event) : "";
      this.points.push(point);
    },

    click(event) {
      const at = this.local(event);
      const first = this.points.length > 2 && this.mode === "corners" ? root.view.toScreen(this.points[0]) : null;
      if (first && Math.hypot(at[0] - first[0], at[1] - first[1]) < CLOSE_PX) { this.finish(); return; }
      const last = this.points.length ? root.view.toScreen(this.points[this.points.length - 1]) : null;
      // the second click of a double click adds nothing
      if (!last || Math.hypot(at[0] - last[0], at[1] - last[1]) > 3) this.add(root.view.toData(at), event);
      this.cursor = null;
      this.redraw();
    },

    finish() {
      const closed = this.mode === "corners";
      const points = this.points;
      this.points = [];
      if (points.length >= (closed ? 3 : 2)) {
        const path = `M${points.map(([x, y]) => `${x},${y}`).join("L")}${closed ? "Z" : ""}`;
        root.draw.keep({ type: "path", path }, { how: this.how });
        root.draw.say(`${closed ? "Region" : "Trajectory"} of ${points.length} ${this.noun()} drawn.`);
      }
      this.redraw();
    },

    noun() {
      return this.mode === "corners" ? "corners" : "points";
    },

    key(event) {
      if (!this.mode || event.ctrlKey || event.metaKey) return false;
      if (STEPS[event.key] && !event.altKey) { this.step(STEPS[event.key], event.shiftKey ? FAR : 1); return true; }
      if (event.key === "Enter" && this.cursor !== null) { this.place(event); return true; }
      if (event.key === "Enter" && this.points.length) { this.finish(); return true; }
      if (event.key === "Escape" && this.points.length) { this.points = []; this.redraw(); return true; }
      if (event.key === "Backspace") { this.points.pop(); this.tell(); this.redraw(); return true; }
      return false;
    },

    // Move the cursor to the nearest spot that lies in a direction.
    step([dx, dy], times) {
      const { x, y } = root.tissue()._fullData[0];
      for (let k = 0; k < times; k += 1) {
        const from = this.cursor === null ? this.middle() : [x[this.cursor], y[this.cursor]];
        let best = null;
        let least = Infinity;
        for (let n = 0; n < x.length; n += 1) {
          const along = (x[n] - from[0]) * dx + (y[n] - from[1]) * dy;
          const across = Math.abs((x[n] - from[0]) * dy) + Math.abs((y[n] - from[1]) * dx);
          const cost = along + 2 * across;
          const ahead = this.cursor === null || (along > 1e-9 && across <= 1.8 * along);
          if (ahead && (this.cursor === null ? Math.abs(along) + across : cost) < least) {
            least = this.cursor === null ? Math.abs(along) + across : cost;
            best = n;
          }
        }
        if (best === null) break;
        this.cursor = best;
      }
      this.follow();
      this.tell();
      this.redraw();
    },

    middle() {
      const { xaxis, yaxis } = root.tissue()._fullLayout;
      return [(xaxis.range[0] + xaxis.range[1]) / 2, (yaxis.range[0] + yaxis.range[1]) / 2];
    },

    at() {
      const { x, y } = root.tissue()._fullData[0];
      return [x[this.cursor], y[this.cursor]];
    },

    // Keep the cursor in view.
    follow() {
      const [left, top] = root.view.toScreen(this.at());
      const { clientWidth, clientHeight } = this.layer;
      const shift = (value, size) => (value < 20 ? -0.3 : value > size - 20 ? 0.3 : 0);
      const [dx, dy] = [shift(left, clientWidth), shift(top, clientHeight)];
      if (dx || dy) root.pan(dx, -dy);
    },

    // Enter at the cursor: one more point, or the end where the last (or first) one is.
    place(event) {
      const here = this.at();
      const same = (point) => point && point[0] === here[0] && point[1] === here[1];
      const enough = this.points.length >= (this.mode === "corners" ? 3 : 2);
      if (enough && (same(this.points[this.points.length - 1]) || (this.mode === "corners" && same(this.points[0])))) {
        this.finish();
        return;
      }
      if (!same(this.points[this.points.length - 1])) this.add(here, event);
      this.tell();
      this.redraw();
    },

    tell() {
      const size = root.state.scene.um_per_px;
      const where = this.cursor === null ? [] : this.at();
      const [x, y] = where.map((value) => Math.round(value * (size || 1)).toLocaleString("en"));
      const unit = size ? "µm" : "px";
      const name = this.cursor === null ? "" : `Spot ${root.state.spots ? root.state.spots.names[this.cursor] : this.cursor}, x ${x} ${unit}, y ${y} ${unit}. `;
      root.draw.say(`${name}${this.points.length} ${this.noun()}. Enter adds one; Enter again on the last one ends.`);
    },

    redraw() {
      root.editor.redraw();
      if (!this.layer) return;
      const places = this.points.map((point) => root.view.toScreen(point));
      const cursor = this.cursor === null ? null : root.view.toScreen(this.at());
      const moving = cursor || this.pointer;
      const tail = moving && places.length ? [moving] : [];
      const text = [...places, ...tail].map((place) => place.join(",")).join(" ");
      const tag = this.mode === "corners" ? "polygon" : "polyline";
      const cross = cursor ? [
        root.svg("circle", { cx: cursor[0], cy: cursor[1], r: 9, class: "clicker-cursor" }),
        root.svg("path", { d: `M${cursor[0] - 15},${cursor[1]}h30M${cursor[0]},${cursor[1] - 15}v30`, class: "clicker-cursor" }),
      ] : [];
      this.layer.firstChild.replaceChildren(
        root.svg(tag, { points: text, class: "clicker-line" }),
        ...places.map(([cx, cy], k) => root.svg("circle", { cx, cy, r: k ? 4 : 6, class: "clicker-point" })),
        ...cross,
      );
    },
  };

  root.clicker = clicker;
})();
