/* Drawing on the tissue map: tools, shortcuts, clicking points, and the queue of finished drawings. */
(function () {
  "use strict";
  const root = (window.SpatialMetaExplore = window.SpatialMetaExplore || {});
  const PENDING = "pending"; // name of a drawing that waits for the server
  const CLOSE_PX = 10; // a click this near to the first corner closes the line
  const DRAG_MODES = {
    move: "pan", lasso: "lasso", box: "select", freehand: "drawclosedpath", path: "drawopenpath",
    corners: "pan", points: "pan",
  };
  const HINTS = {
    move: "", lasso: "Drag around spots.", box: "Drag a rectangle.", freehand: "Drag a closed line.",
    path: "Drag from start to end.",
    corners: "Click corners. Enter or the first corner closes, Backspace takes one back, Esc drops it.",
    points: "Click points from start to end. Enter or a double click ends, Backspace takes one back, Esc drops it.",
  };
  const KEYS = { m: "move", l: "lasso", r: "box", d: "freehand", v: "path" };
  let tool = "move";
  let queue = [];

  function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  // queue -------------------------------------------------------------------------------------

  function push(data, names) {
    queue.push({ id: newId(), names, data });
    window.dash_clientside.set_props("explore-reports", { data: [...queue] });
  }

  function acknowledge(ids) {
    queue = queue.filter((report) => !ids.includes(report.id));
  }

  function shapeName(shape) {
    return shape.name || "";
  }

  // Called with every change plotly reports; keeps what is a drawing.
  function report(gd, change) {
    const names = (gd.layout.shapes || []).map(shapeName);
    const edit = Object.keys(change).find((key) => /^shapes\[\d+\]\.path$/.test(key));
    if (edit) {
      push({ [edit]: change[edit] }, names);
    } else if (Array.isArray(change.selections) && change.selections.length) {
      keep(gd, change.selections[change.selections.length - 1], "selections");
    } else if (Array.isArray(change.shapes)) {
      const fresh = change.shapes.filter((shape) => shape.type && !shapeName(shape));
      if (fresh.length) keep(gd, fresh[fresh.length - 1], "shapes");
    }
  }

  // Queue a new drawing and leave its outline on the map until the model's takes its place.
  function keep(gd, { type, path, x0, x1, y0, y1 }, kind) {
    const line = type === "rect" ? { type, x0, x1, y0, y1 } : { type: "path", path };
    push({ [kind]: [line] }, []);
    const pending = { ...line, name: PENDING, line: { color: "#0b5c8a", width: 2, dash: "dot" }, editable: false };
    setTimeout(() => {
      window.Plotly.relayout(gd, { selections: [], shapes: [...root.state.model.shapes, pending] });
      window.Plotly.restyle(gd, { selectedpoints: [null] });
    }, 0);
    setTimeout(() => {
      const left = (gd.layout.shapes || []).some((shape) => shape.name === PENDING);
      if (left) window.Plotly.relayout(gd, { shapes: root.state.model.shapes });
    }, 6000);
  }

  // tools -------------------------------------------------------------------------------------

  function buttons() {
    return [...document.querySelectorAll("[data-explore-tool]")];
  }

  function fits(name, page) {
    const button = buttons().find((each) => each.dataset.exploreTool === name);
    return Boolean(button && button.dataset.mode.split(" ").includes(page));
  }

  function setTool(name) {
    const page = document.body.dataset.page;
    tool = fits(name, page) ? name : "move";
    buttons().forEach((button) =>
      button.setAttribute("aria-pressed", String(button.dataset.exploreTool === tool)));
    const hint = document.querySelector(".explore-hint");
    if (hint) hint.textContent = HINTS[tool];
    const gd = root.tissue();
    if (gd && gd._fullLayout && gd._fullLayout.dragmode !== DRAG_MODES[tool]) {
      window.Plotly.relayout(gd, { dragmode: DRAG_MODES[tool] });
    }
    root.clicker.use(tool === "corners" || tool === "points" ? tool : null);
  }

  function shortcut(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const key = event.key.toLowerCase();
    const page = document.body.dataset.page;
    const name = key === "p" ? (page === "regions" ? "corners" : "points") : KEYS[key];
    if (name) { if (fits(name, page)) setTool(name); return fits(name, page); }
    const acts = {
      z: root.fit, "+": () => root.zoom(1.5), "=": () => root.zoom(1.5), "-": () => root.zoom(1 / 1.5),
      arrowleft: () => root.pan(-0.1, 0), arrowright: () => root.pan(0.1, 0),
      arrowup: () => root.pan(0, 0.1), arrowdown: () => root.pan(0, -0.1),
      h: () => document.getElementById("explore-image")?.click(),
      escape: () => setTool("move"),
    };
    if (!acts[key]) return false;
    acts[key]();
    return true;
  }

  // clicking points ---------------------------------------------------------------------------

  const clicker = {
    layer: null, svg: null, mode: null, points: [], pointer: null,

    use(mode) {
      this.points = [];
      this.mode = mode;
      if (this.layer) this.layer.remove();
      this.layer = null;
      if (!mode) return;
      this.layer = document.createElement("div");
      this.layer.className = "explore-clicker";
      this.svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      this.layer.append(this.svg);
      root.canvas().append(this.layer);
      this.layer.addEventListener("click", (event) => this.click(event));
      this.layer.addEventListener("dblclick", () => this.finish());
      this.layer.addEventListener("pointermove", (event) => { this.pointer = this.local(event); this.redraw(); });
      // the wheel goes on zooming the map below
      this.layer.addEventListener("wheel", (event) => {
        event.preventDefault();
        root.tissue().querySelector(".nsewdrag").dispatchEvent(new WheelEvent("wheel", event));
      }, { passive: false });
    },

    local(event) {
      const box = this.layer.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    },

    toData([left, top]) {
      const { xaxis, yaxis } = root.tissue()._fullLayout;
      return [xaxis.p2d(left - xaxis._offset), yaxis.p2d(top - yaxis._offset)];
    },

    toScreen([x, y]) {
      const { xaxis, yaxis } = root.tissue()._fullLayout;
      return [xaxis.d2p(x) + xaxis._offset, yaxis.d2p(y) + yaxis._offset];
    },

    click(event) {
      const at = this.local(event);
      const first = this.points.length > 2 && this.mode === "corners" ? this.toScreen(this.points[0]) : null;
      if (first && Math.hypot(at[0] - first[0], at[1] - first[1]) < CLOSE_PX) { this.finish(); return; }
      const last = this.points.length ? this.toScreen(this.points[this.points.length - 1]) : null;
      // the second click of a double click adds nothing
      if (!last || Math.hypot(at[0] - last[0], at[1] - last[1]) > 3) this.points.push(this.toData(at));
      this.redraw();
    },

    finish() {
      const closed = this.mode === "corners";
      const points = this.points;
      this.points = [];
      if (points.length >= (closed ? 3 : 2)) {
        const path = `M${points.map(([x, y]) => `${x},${y}`).join("L")}${closed ? "Z" : ""}`;
        keep(root.tissue(), { type: "path", path }, "shapes");
      }
      this.redraw();
    },

    key(event) {
      if (!this.mode) return false;
      if (event.key === "Enter" && this.points.length) { this.finish(); return true; }
      if (event.key === "Escape" && this.points.length) { this.points = []; this.redraw(); return true; }
      if (event.key === "Backspace") { this.points.pop(); this.redraw(); return true; }
      return false;
    },

    redraw() {
      if (!this.layer) return;
      const places = this.points.map((point) => this.toScreen(point));
      const tail = this.pointer && places.length ? [this.pointer] : [];
      const make = (tag, attributes) => {
        const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
        Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
        return element;
      };
      const text = [...places, ...tail].map((place) => place.join(",")).join(" ");
      const tag = this.mode === "corners" ? "polygon" : "polyline";
      this.svg.replaceChildren(
        make(tag, { points: text, class: "clicker-line" }),
        ...places.map(([cx, cy], k) => make("circle", { cx, cy, r: k ? 4 : 6, class: "clicker-point" })),
      );
    },
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-explore-tool]");
    if (button) { setTool(button.dataset.exploreTool); root.canvas().focus({ preventScroll: true }); }
    const view = event.target.closest("[data-explore-view]");
    if (view && root.tissue()) ({ in: () => root.zoom(1.5), out: () => root.zoom(1 / 1.5), fit: root.fit })[view.dataset.exploreView]();
  });
  document.addEventListener("pointerdown", (event) => {
    const box = event.target.closest && event.target.closest("#explore-canvas");
    if (box) box.focus({ preventScroll: true });
  }, true);
  document.addEventListener("keydown", (event) => {
    if (!event.target.closest || !event.target.closest("#explore-canvas") || !root.state.scene) return;
    if (clicker.key(event) || shortcut(event)) { event.preventDefault(); event.stopPropagation(); }
  });

  root.clicker = clicker;
  root.draw = { report, acknowledge, setTool, current: () => tool, fits };
})();
