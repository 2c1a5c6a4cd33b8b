/* Corners of the object being edited, the width of its swath, nudging, and the mark that follows the chart. */
(function () {
  "use strict";
  const root = (window.SpatialMetaExplore = window.SpatialMetaExplore || {});
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const NUDGE = 0.25; // spot spacings; with Shift four times as far
  const WAIT_MS = 500; // after the last of several key presses
  const DELETE = ["Delete", "Backspace"];

  const editor = {
    layer: null, model: null, item: null, drag: null, timer: null, waiting: null, moved: [0, 0], mark: null,

    // Called with every new model.
    show(model) {
      this.model = model;
      document.querySelectorAll(".explore-unit").forEach((unit) => {
        unit.textContent = model.um_per_px ? "µm" : "px";
        unit.classList.toggle("explore-px", !model.um_per_px);
      });
      const before = this.item && this.item.id;
      const focus = this.focused();
      this.item = model.edited && { ...model.edited, rings: model.edited.rings.map((ring) => ring.map((point) => [...point])) };
      this.drag = null;
      this.moved = [0, 0];
      if (this.item && this.item.id !== before) {
        root.draw.setTool("move");
        root.draw.say("Drag a corner to move it, + to add one, double-click or Delete to take it out. Arrow keys move the whole; Tab goes to the corners. E ends.");
      } else if (!this.item && before) {
        root.draw.say(root.draw.hints[root.draw.current()]);
      }
      this.redraw();
      if (this.item && this.item.id === before) this.focus(focus);
    },

    focused() {
      const handle = document.activeElement && document.activeElement.closest("[data-edit-handle]");
      return handle ? handle.dataset.editHandle : null;
    },

    focus(name) {
      if (name) this.layer?.querySelector(`[data-edit-handle="${name}"]`)?.focus({ preventScroll: true });
    },

    // Whether a place lies in the region chosen (even-odd, as the server counts for one polygon).
    holds([x, y]) {
      const chosen = this.model && this.model.selected && this.model.selected.region;
      const shape = chosen && this.model.shapes.find((each) => each.name === chosen);
      if (!shape) return false;
      let inside = false;
      shape.path.split("M").filter(Boolean).forEach((text) => {
        const ring = text.replace("Z", "").split("L").map((pair) => pair.split(",").map(Number));
        ring.forEach(([x0, y0], k) => {
          const [x1, y1] = ring[(k + 1) % ring.length];
          if ((y0 > y) !== (y1 > y) && x < x0 + ((y - y0) / (y1 - y0)) * (x1 - x0)) inside = !inside;
        });
      });
      return inside;
    },

    closed() {
      return this.item.kind === "region";
    },

    // Report the lines as they are now.
    commit() {
      this.waiting = null;
      const end = this.closed() ? "Z" : "";
      const path = this.item.rings.map((ring) => `M${ring.map((point) => point.join(",")).join("L")}${end}`).join("");
      root.draw.push({ "shapes[0].path": path }, [this.item.id]);
    },

    later(act) {
      clearTimeout(this.timer);
      this.waiting = act;
      this.timer = setTimeout(() => this.flush(), WAIT_MS);
    },

    // Report now what waits: a click that follows is then answered in one go with it.
    flush() {
      clearTimeout(this.timer);
      const act = this.waiting;
      this.waiting = null;
      if (act) act();
    },

    key(event) {
      if (!this.item || event.ctrlKey || event.metaKey || event.altKey) return false;
      const name = this.focused();
      const corner = name && name.startsWith("corner") ? name.split(" ").slice(1).map(Number) : null;
      if (STEPS[event.key] && name !== "width") {
        const by = STEPS[event.key].map((each) => each * NUDGE * (event.shiftKey ? 4 : 1) * this.model.spacing);
        if (corner) this.moveCorner(corner, by); else this.nudge(by);
        return true;
      }
      if (name === "width" && ["ArrowUp", "ArrowRight", "ArrowDown", "ArrowLeft"].includes(event.key)) {
        const grow = event.key === "ArrowUp" || event.key === "ArrowRight" ? 1.1 : 1 / 1.1;
        this.item.half *= grow;
        this.redraw();
        this.focus("width");
        this.sayWidth();
        this.later(() => this.commitWidth());
        return true;
      }
      if (corner && DELETE.includes(event.key)) { this.remove(corner); return true; }
      if (name && name.startsWith("middle") && (event.key === "Enter" || event.key === " ")) {
        this.insert(name.split(" ").slice(1).map(Number));
        this.commit();
        return true;
      }
      if (event.key === "Escape" || event.key === "e") {
        this.flush();
        document.querySelector(`.explore-do-edit[aria-pressed="true"]`)?.click();
        return true;
      }
      return false;
    },

    moveCorner([r, k], [dx, dy]) {
      const point = this.item.rings[r][k];
      point[0] += dx;
      point[1] += dy;
      this.redraw();
      this.focus(`corner ${r} ${k}`);
      this.later(() => this.commit());
    },

    nudge([dx, dy]) {
      this.moved = [this.moved[0] + dx, this.moved[1] + dy];
      this.item.rings.forEach((ring) => ring.forEach((point) => { point[0] += dx; point[1] += dy; }));
      this.redraw();
      const { id } = this.item;
      this.later(() => {
        const by = this.moved;
        this.moved = [0, 0];
        root.draw.push({ move: { item: id, by } }, []);
      });
    },

    insert([r, k]) {
      const ring = this.item.rings[r];
      const next = ring[(k + 1) % ring.length];
      ring.splice(k + 1, 0, [(ring[k][0] + next[0]) / 2, (ring[k][1] + next[1]) / 2]);
    },

    remove([r, k]) {
      const ring = this.item.rings[r];
      if (ring.length <= (this.closed() ? 3 : 2)) {
        root.draw.say(this.closed() ? "A region needs three corners." : "A trajectory needs two points.");
        return;
      }
      ring.splice(k, 1);
      this.commit();
      this.redraw();
      this.focus(`corner ${r} ${Math.max(0, k - 1)}`);
    },

    commitWidth() {
      this.waiting = null;
      root.draw.push({ width: { item: this.item.id, px: 2 * this.item.half } }, []);
    },

    sayWidth() {
      const size = this.model.um_per_px;
      root.draw.say(`Width ${Math.round(2 * this.item.half * (size || 1)).toLocaleString("en")} ${size ? "µm" : "px"}`);
    },

    // Where the width handle sits: beside the middle of the path.
    middle(ring) {
      const lengths = ring.slice(1).map((point, k) => Math.hypot(point[0] - ring[k][0], point[1] - ring[k][1]));
      return this.along(ring, lengths.reduce((sum, n) => sum + n, 0) / 2);
    },

    // Point and direction at a distance (px) along a path.
    along(ring, distance) {
      let left = distance;
      for (let k = 1; k < ring.length; k += 1) {
        const [dx, dy] = [ring[k][0] - ring[k - 1][0], ring[k][1] - ring[k - 1][1]];
        const length = Math.hypot(dx, dy);
        if (length && (left <= length || k === ring.length - 1)) {
          const share = Math.min(Math.max(left / length, 0), 1);
          return { at: [ring[k - 1][0] + share * dx, ring[k - 1][1] + share * dy], side: [-dy / length, dx / length] };
        }
        left -= length;
      }
      return { at: ring[0], side: [0, 1] };
    },

    handle(name, [cx, cy], look, label, r) {
      const made = root.svg("circle", {
        cx, cy, r, class: `edit-handle ${look}`, "data-edit-handle": name, tabindex: 0, role: "button", "aria-label": label,
      });
      made.addEventListener("pointerdown", (event) => this.down(event, name));
      return made;
    },

    handles() {
      const made = [];
      const { rings } = this.item;
      rings.forEach((ring, r) => {
        const places = ring.map((point) => root.view.toScreen(point));
        const text = places.map((place) => place.join(",")).join(" ");
        made.push(root.svg(this.closed() ? "polygon" : "polyline", { points: text, class: "edit-line" }));
        const last = this.closed() ? places.length : places.length - 1;
        places.slice(0, last).forEach(([x, y], k) => {
          const [nx, ny] = places[(k + 1) % places.length];
          if (Math.hypot(nx - x, ny - y) > 28) {
            made.push(this.handle(`middle ${r} ${k}`, [(x + nx) / 2, (y + ny) / 2], "edit-middle", `Add a corner after corner ${k + 1}`, 4));
          }
        });
        places.forEach((place, k) =>
          made.push(this.handle(`corner ${r} ${k}`, place, "edit-corner", `Corner ${k + 1} of ${places.length}`, 6)));
      });
      if (this.item.half !== null) {
        const { at, side } = this.middle(rings[0]);
        const ends = [-1, 1].map((sign) => root.view.toScreen([0, 1].map((k) => at[k] + sign * this.item.half * side[k])));
        made.push(root.svg("polyline", { points: ends.map((end) => end.join(",")).join(" "), class: "edit-width-line" }));
        made.push(this.handle("width", ends[1], "edit-width", "Width of the swath; arrow keys change it", 7));
      }
      return made;
    },

    down(event, name) {
      if (event.button) return;
      event.stopPropagation();
      const [kind, r, k] = name.split(" ");
      if (event.detail === 2 && kind === "corner") { this.remove([Number(r), Number(k)]); return; }
      let held = [Number(r), Number(k)];
      if (kind === "middle") { this.insert(held); held = [held[0], held[1] + 1]; }
      this.drag = { kind, held, moved: kind === "middle" };
      const move = (each) => this.move(each);
      const up = () => {
        window.removeEventListener("pointermove", move);
        window.removeEventListener("pointerup", up);
        this.up();
      };
      window.addEventListener("pointermove", move);
      window.addEventListener("pointerup", up);
      event.target.focus({ preventScroll: true });
    },

    move(event) {
      if (!this.drag) return;
      const box = this.layer.getBoundingClientRect();
      const point = root.view.toData([event.clientX - box.left, event.clientY - box.top]);
      this.drag.moved = true;
      if (this.drag.kind === "width") {
        const { at, side } = this.middle(this.item.rings[0]);
        const away = Math.abs((point[0] - at[0]) * side[0] + (point[1] - at[1]) * side[1]);
        this.item.half = Math.max(away, 0.05 * this.model.spacing);
        this.sayWidth();
      } else {
        const [r, k] = this.drag.held;
        this.item.rings[r][k] = point;
      }
      this.redraw();
    },

    up() {
      const done = this.drag;
      this.drag = null;
      if (!done || !done.moved) return;
      if (done.kind === "width") this.commitWidth(); else this.commit();
    },

    // A line across the path at a distance from its start, while the pointer is on the chart.
    cross(distance) {
      this.mark = distance;
      this.redraw();
    },

    crossLine() {
      const path = this.model && this.model.path;
      if (this.mark === null || !path) return [];
      const { at, side } = this.along(path.rings[0], this.mark / (this.model.um_per_px || 1));
      const reach = Math.max(path.half, 0.6 * this.model.spacing);
      const ends = [-1, 1].map((sign) => root.view.toScreen([0, 1].map((k) => at[k] + sign * reach * side[k])));
      const points = ends.map((end) => end.join(",")).join(" ");
      return [root.svg("polyline", { points, class: "path-mark-halo" }), root.svg("polyline", { points, class: "path-mark" })];
    },

    redraw() {
      const gd = root.tissue && root.tissue();
      if (!gd || !gd._fullLayout || !root.canvas()) return;
      const wanted = this.item || this.mark !== null;
      if (!wanted) { if (this.layer) this.layer.remove(); this.layer = null; return; }
      if (!this.layer || !this.layer.isConnected) {
        this.layer = document.createElement("div");
        this.layer.className = "explore-editor";
        this.layer.append(root.svg("svg", {}));
        root.canvas().append(this.layer);
      }
      this.layer.firstChild.replaceChildren(...(this.item ? this.handles() : []), ...this.crossLine());
    },
  };

  root.editor = editor;
})();
