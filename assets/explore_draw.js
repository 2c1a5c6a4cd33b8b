/* Drawing on the tissue map: the queue of finished drawings, the tools and their shortcuts. */
(function () {
  "use strict";
  const root = (window.SpatialMetaExplore = window.SpatialMetaExplore || {});
  const PENDING = "pending"; // name of a drawing that waits for the server
  const GIVE_UP_MS = 6000; // then its outline goes: the server refused it, and has said why
  const COMBINE = " Hold Shift to add to the region chosen, Alt to take away.";
  const HINTS = {
    move: "",
    lasso: `Drag around spots.${COMBINE}`,
    box: `Drag a rectangle.${COMBINE}`,
    brush: "Paint over spots; begin inside the region chosen to add to it, hold Alt to take away. [ and ] change the size.",
    path: "Drag from start to end.",
    corners: "Click corners, or move with the arrow keys and press Enter. Enter on the last one closes; Backspace takes one back, Esc drops it.",
    points: "Click points from start to end, or move with the arrow keys and press Enter. Enter on the last one ends; Backspace takes one back, Esc drops it.",
  };
  const KEYS = { m: "move", l: "lasso", r: "box", b: "brush", v: "path" };
  const CLICKED = ["corners", "points"];
  let tool = "move";
  let queue = [];

  function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  // queue -------------------------------------------------------------------------------------

  function push(data, names, how) {
    queue.push({ id: newId(), names, data, how: how || "" });
    window.dash_clientside.set_props("explore-reports", { data: [...queue] });
  }

  function acknowledge(ids) {
    queue = queue.filter((report) => !ids.includes(report.id));
  }

  // Queue a new drawing and leave its outline on the map until the model's takes its place.
  function keep(line, { how = "", brush = 0 } = {}) {
    const gd = root.tissue();
    push(brush ? { brush: { path: line.path, radius: brush } } : { shapes: [line] }, [], how);
    const width = brush ? Math.max(2, 2 * brush * root.view.pxPerUnit()) : 2;
    const look = { color: brush ? "rgba(11,92,138,0.35)" : "#0b5c8a", width, dash: brush ? "solid" : "dot" };
    const pending = { ...line, name: PENDING, line: look, editable: false };
    window.Plotly.relayout(gd, { shapes: [...root.state.model.shapes, pending] });
    setTimeout(() => {
      const left = (gd.layout.shapes || []).some((shape) => shape.name === PENDING);
      if (left) window.Plotly.relayout(gd, { shapes: root.state.model.shapes });
    }, GIVE_UP_MS);
  }

  // tools -------------------------------------------------------------------------------------

  function buttons() {
    return [...document.querySelectorAll("[data-explore-tool]")];
  }

  function fits(name, page) {
    const button = buttons().find((each) => each.dataset.exploreTool === name);
    return Boolean(button && button.dataset.mode.split(" ").includes(page));
  }

  // Say something above the map; it is read out, too.
  function say(text) {
    const hint = document.querySelector(".explore-hint");
    if (hint) hint.textContent = text;
  }

  function setTool(name) {
    tool = fits(name, document.body.dataset.page) ? name : "move";
    buttons().forEach((button) =>
      button.setAttribute("aria-pressed", String(button.dataset.exploreTool === tool)));
    say(HINTS[tool]);
    root.clicker.use(CLICKED.includes(tool) ? tool : null);
    root.stroke.use(tool === "move" || CLICKED.includes(tool) ? null : tool);
  }

  // Press a button of the object chosen in the list of this page.
  function press(action) {
    const button = [...document.querySelectorAll(`.explore-list li.selected .explore-do-${action}`)]
      .find((each) => each.offsetParent);
    if (button) button.click();
    return Boolean(button);
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
      e: () => press("edit"), delete: () => press("delete"),
      "[": () => root.stroke.resize(1 / 1.25), "]": () => root.stroke.resize(1.25),
      escape: () => setTool("move"),
    };
    if (!acts[key]) return false;
    acts[key]();
    return true;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-explore-tool]");
    if (button) { setTool(button.dataset.exploreTool); root.canvas().focus({ preventScroll: true }); }
    const view = event.target.closest("[data-explore-view]");
    if (view && root.tissue()) ({ in: () => root.zoom(1.5), out: () => root.zoom(1 / 1.5), fit: root.fit })[view.dataset.exploreView]();
  });
  document.addEventListener("pointerdown", (event) => {
    const box = event.target.closest && event.target.closest("#explore-canvas");
    if (box && !event.target.closest("[data-edit-handle]")) box.focus({ preventScroll: true });
  }, true);
  document.addEventListener("keydown", (event) => {
    if (!event.target.closest || !event.target.closest("#explore-canvas") || !root.state.scene) return;
    if (root.clicker.key(event) || root.editor.key(event) || shortcut(event)) {
      event.preventDefault();
      event.stopPropagation();
    }
  });

  // plotly's own reports hold no drawings: all are made in layers above it
  root.draw = { report() {}, push, keep, acknowledge, setTool, say, current: () => tool, fits, hints: HINTS };
})();
