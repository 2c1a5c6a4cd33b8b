/**
 * The marks of landmarks on one pane: drawn, dragged, and moved with the keys. What they stand for belongs to
 * align_landmarks.js.
 */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const STEP_PX = 2; // of the screen, so that a larger zoom is more exact
  const FAR = 10; // with Shift
  const CLICK_PX = 4;
  const NAMES = { sm: "metabolites", st: "H&E" };
  const FORMS = { sm: "M-7 0A7 7 0 1 1 7 0A7 7 0 1 1 -7 0Z", st: "M-7 -7H7V7H-7Z" };

  /** Where a key moves a point of the screen, or null for any other key. */
  function stepped([x, y], { key, shiftKey }) {
    const arrow = ARROWS[key];
    const step = STEP_PX * (shiftKey ? FAR : 1);
    return arrow ? [x + arrow[0] * step, y + arrow[1] * step] : null;
  }

  function stageAt(stage, event) {
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  const isNear = (first, second) => Math.hypot(first[0] - second[0], first[1] - second[1]) < CLICK_PX;

  /**
   * pane    from createHooks
   * model   count() => number of pairs
   *         place(index, kind) => [x, y] of a mark, in the frame of its kind, "sm" or "st"
   *         half() => {sm: [x, y]}, {st: [x, y]} or {}: the pair half set
   *         bent(xy, back) => where a local warp draws a place of the SM section, or what it draws there
   *         cross() => [x, y] on the stage where the crosshair is, or null
   *         color(index) => CSS color
   *         move(index, kind, xy, how) => void; how is "drag" or "key"
   *         settle() => void, a move has ended; drop() => void, it is given up
   *         isMoving() => whether one is under way
   *         remove(index) => void
   *         click([x, y]) => void, a press on the stage where there is no mark
   */
  function createMarks(pane, model) {
    const { affine, layers } = api;
    const { stage } = pane;
    const nodes = new Map();
    let [links, crosshair] = [null, null];
    const layer = pane.addLayer(draw);
    links = layers.shape(layer.svg, "path", "sm-mark-links");
    crosshair = layers.shape(layer.svg, "path", "sm-mark-cross", { d: "M-14 0H-4M4 0H14M0 -14V-4M0 4V14" });

    const isBent = (kind) => kind === "sm" && pane.name === "overlay";
    const drawn = (kind, xy) => affine.apply(pane.matrix(kind), isBent(kind) ? model.bent(xy) : xy);
    const toScreen = (index, kind) => drawn(kind, model.place(index, kind));

    function toFrame(kind, at) {
      const xy = affine.apply(affine.invert(pane.matrix(kind)), at);
      return isBent(kind) ? model.bent(xy, true) : xy;
    }

    /** What is shown: key -> {index, kind, xy, isHalf}. */
    function wanted() {
      const found = new Map();
      for (const kind of ["sm", "st"]) {
        if (!pane.matrix(kind)) continue;
        for (let index = 0; index < model.count(); index += 1) {
          found.set(`${index} ${kind}`, { index, kind, xy: model.place(index, kind) });
        }
        const half = model.half()[kind];
        if (half) found.set(`half ${kind}`, { index: model.count(), kind, xy: half, isHalf: true });
      }
      return found;
    }

    function makeNode(svg, { index, kind, isHalf }) {
      const node = layers.shape(svg, "g", `sm-mark sm-mark-${kind}${isHalf ? " sm-mark-half" : ""}`);
      Object.assign(node.dataset, { index, kind });
      layers.shape(node, "circle", "sm-mark-hit", { r: 13 });
      layers.shape(node, "path", "sm-mark-form", { d: FORMS[kind] });
      layers.shape(node, "path", "sm-mark-dot", { d: "M-3 0H3M0 -3V3" });
      layers.shape(node, "text", "sm-mark-number", { x: kind === "sm" ? -10 : 10, y: -8 });
      if (isHalf) return node;
      node.setAttribute("tabindex", "0");
      node.setAttribute("role", "button");
      node.addEventListener("pointerdown", (event) => drag(node, index, kind, event));
      node.addEventListener("keydown", (event) => press(index, kind, event));
      node.addEventListener("blur", model.settle);
      return node;
    }

    function draw(svg) {
      if (!crosshair) return; // the layer is just being made
      const found = wanted();
      for (const [key, node] of nodes) {
        if (found.has(key)) continue;
        nodes.delete(key);
        node.remove();
      }
      for (const [key, each] of found) {
        if (!nodes.has(key)) nodes.set(key, makeNode(svg, each));
        const node = nodes.get(key);
        const [x, y] = drawn(each.kind, each.xy);
        node.setAttribute("transform", `translate(${x} ${y})`);
        node.setAttribute("aria-label", `Landmark ${each.index + 1} on the ${NAMES[each.kind]}`);
        node.style.setProperty("--mark", model.color(each.index));
        node.lastChild.textContent = each.index + 1;
      }
      links.setAttribute("d", linkPath());
      const cross = model.cross();
      crosshair.style.display = cross ? "" : "none";
      if (cross) crosshair.setAttribute("transform", `translate(${cross[0]} ${cross[1]})`);
    }

    /** In the overlay a line shows how far the two places of a pair are apart. */
    function linkPath() {
      if (!pane.matrix("sm") || !pane.matrix("st")) return "";
      const line = (index) => `M${toScreen(index, "sm").join(" ")}L${toScreen(index, "st").join(" ")}`;
      return Array.from({ length: model.count() }, (_, index) => line(index)).join("");
    }

    function drag(node, index, kind, event) {
      if (event.button !== 0) return;
      event.stopPropagation();
      event.preventDefault();
      model.settle();
      const [from, start] = [stageAt(stage, event), toScreen(index, kind)];
      node.focus({ preventScroll: true });
      node.setPointerCapture(event.pointerId);
      const listeners = {
        pointermove(next) {
          next.stopPropagation();
          const at = stageAt(stage, next);
          if (!model.isMoving() && isNear(at, from)) return;
          model.move(index, kind, toFrame(kind, [start[0] + at[0] - from[0], start[1] + at[1] - from[1]]), "drag");
        },
        pointerup: (next) => end(next, model.settle),
        pointercancel: (next) => end(next, model.drop),
      };
      function end(next, finish) {
        next.stopPropagation();
        for (const [name, listener] of Object.entries(listeners)) node.removeEventListener(name, listener);
        finish();
      }
      for (const [name, listener] of Object.entries(listeners)) node.addEventListener(name, listener);
    }

    function press(index, kind, event) {
      if (event.ctrlKey || event.metaKey) {
        model.settle(); // so that undo takes back what is on its way
        return;
      }
      const next = stepped(toScreen(index, kind), event);
      if (next) model.move(index, kind, toFrame(kind, next), "key");
      else if (event.key === "Delete" || event.key === "Backspace") remove(index);
      else return;
      event.preventDefault();
      event.stopPropagation();
    }

    function remove(index) {
      stage.focus({ preventScroll: true });
      model.remove(index);
    }

    /** Presses on the overlay mark places instead of moving the section; Space and the middle button still pan. */
    function cover() {
      const sheet = layers.shape(layer.svg, "rect", "sm-mark-sheet", { width: "100%", height: "100%" });
      let isPanning = false;
      let pressed = null;
      for (const name of ["keydown", "keyup"]) {
        const hold = ({ key }) => {
          if (key === " ") isPanning = name === "keydown";
        };
        stage.addEventListener(name, hold, { capture: true });
      }
      sheet.addEventListener("pointerdown", (event) => {
        if (event.button === 1 || isPanning) return;
        event.stopPropagation();
        event.preventDefault();
        stage.focus({ preventScroll: true });
        pressed = event.button === 0 ? stageAt(stage, event) : null;
      });
      sheet.addEventListener("pointerup", (event) => {
        const at = stageAt(stage, event);
        if (pressed && isNear(at, pressed)) model.click(at);
        pressed = null;
      });
    }

    if (pane.name === "overlay") cover();
    else pane.onClick((_xy, event) => model.click(stageAt(stage, event)));
    return { redraw: layer.redraw, toFrame };
  }

  api.createMarks = createMarks;
  api.stepped = stepped;
})();
