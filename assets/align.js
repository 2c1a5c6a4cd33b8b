/**
 * The alignment overlay: place the SM section on the ST section by mouse, touch or keyboard.
 *
 *   const handle = window.SpatialMetaAlign.mount(element, options);
 *
 * options
 *   imageUrl     address of the H&E picture, or null
 *   imageScale   picture pixels per full-resolution ST pixel
 *   stXY         ST spots, full-resolution px, Float32Array [x0, y0, x1, y1, ...]
 *   smXY         SM pixels in their own frame, Float32Array [x0, y0, ...]
 *   smColor      Uint8Array RGB per SM pixel, or null for one color
 *   outline      [[x, y], ...] around the SM section, SM frame; or several such rings
 *   stPitch      distance between ST spots, full-resolution px
 *   smPitch      distance between SM pixels, SM frame
 *   umPerPx      micrometers per full-resolution px, or null when unknown
 *   bounds       [x0, y0, x1, y1] to show at first, full-resolution px; null for picture and spots
 *   matrix       [a, b, tx, c, d, ty], SM frame to full-resolution px
 *   marks        what was set by hand beside the pose, a plain JSON object; see align_state.js
 *   onChange     (matrix, reason, marks) => void, once after each gesture, burst of keys, undo or redo
 *
 * The matrix is the only state of the pose and is always applied to the original SM positions. The view
 * (zoom and pan) is separate: the wheel never touches the data. The element emits the events
 * "sm-align-view" with {opacity} when a key changes the opacity, "sm-align-marks" with {marks}, and
 * "sm-align-image" when the picture has arrived.
 *
 * Parts, in any order of loading: align_state.js (pose, history), align_pose.js (maths), align_view.js (zoom,
 * pan), align_gestures.js, align_pointer.js and align_keys.js (input), align_layers.js, align_backdrop.js,
 * align_frame.js and align_furniture.js (drawing), align_compare.js (swipe, blink, checkerboard),
 * align_hooks.js (for others), align_words.js (text).
 */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const SHARPEN_MS = 140;

  function mount(host, options) {
    const { affine, layers } = api;
    const { umPerPx } = options;
    const centroid = layers.meanOf(options.smXY);
    const stopListening = new AbortController();
    const watchers = new Set();

    let locked = false;
    let opacity = 0.6;
    let spaceHeld = false;
    let viewDirty = true;
    let frameRequest = 0;
    let sharpenTimer = 0;
    const view = api.createView(() => {
      viewDirty = true;
      requestFrame();
    });

    const root = layers.element(host, "div", "sm-align");
    const stage = layers.element(root, "div", "sm-align-stage", {
      tabindex: "0",
      role: "application",
      "aria-label":
        "Alignment of the metabolomics section. Arrow keys move, Q and E rotate, plus and minus scale, " +
        "X and Y flip, comma and period change the opacity, hold C to compare, Z fits the view, Control Z undoes.",
    });
    const live = layers.element(root, "div", "sm-align-live", { "aria-live": "polite" });
    const backdrop = api.createBackdrop(stage, options, { onLoad: showImage, onMissing: missImage });
    const mask = layers.element(stage, "div", "sm-align-mask");
    const section = layers.createSection(mask, options.smXY, options.smPitch);
    const grid = layers.createGrid(stage);
    const frame = api.createFrame(stage, layers.ringsOf(options.outline), section.box, centroid);
    const furniture = api.createFurniture(root, umPerPx, {
      onZoom: (factor) => view.zoomAt(factor, view.size().map((side) => side / 2)),
      onFit: fit,
    });
    const compare = api.createCompare(root, stage, mask);
    const state = api.createState(
      { matrix: options.matrix, marks: options.marks || {} },
      {
        pivot: centroid,
        onDraw: requestFrame,
        onMarks: (marks) => emit("sm-align-marks", { marks }),
        onStep: ({ matrix, marks }, reason) => options.onChange(matrix, reason, marks),
        onSay: announce,
      },
    );
    const pointer = api.createPointer(stage, {
      view,
      frame,
      pose: { get: state.matrix, centroid, locked: () => locked },
      isPanning: () => spaceHeld,
      onStart() {
        state.flush();
        state.place(state.matrix());
      },
      onMove: requestFrame,
      onEnd: endGesture,
    });
    const keys = api.createKeys({
      state,
      stPitch: options.stPitch,
      isBusy: pointer.isBusy,
      locked: () => locked,
      view: { fit, cancel: pointer.cancel, opacity: stepOpacity, blink: compare.hold, pan: holdSpace },
    });
    const toScreen = (pose) => affine.multiply(view.matrix(), pose);
    const hooks = api.createHooks("overlay", stage, "st", {
      st: view.matrix,
      sm: () => toScreen(state.shown()),
    });
    Object.assign(hooks.pane, { section, backdrop, setOutline: frame.setOutline });

    // ---- view ------------------------------------------------------------------------------------------

    /** Everything worth seeing: the given bounds, or picture and ST spots; always the SM section too. */
    function contentBox() {
      const corners = ["nw", "ne", "se", "sw"].map((name) => affine.apply(state.matrix(), frame.sourcePoint(name)));
      return layers.boxOf([...backdrop.boxes(), ...corners].flat(), 0);
    }

    function fit() {
      if (view.isVisible()) view.fit(contentBox());
    }

    function resize() {
      const first = !view.isVisible();
      view.resize(stage.clientWidth, stage.clientHeight);
      if (first || view.isFitted()) fit();
    }

    function showImage() {
      if (!state.canUndo() && !pointer.isBusy()) fit();
      requestFrame();
      emit("sm-align-image", {});
    }

    function missImage() {
      furniture.setNote("The tissue image could not be loaded. The ST spots are shown instead.");
      furniture.setChip("as in the ST file");
      viewDirty = true;
      requestFrame();
    }

    function holdSpace(on) {
      if (on) stage.dataset.hover = "outside";
      spaceHeld = on;
    }

    // ---- drawing: at most once per animation frame -----------------------------------------------------

    function requestFrame() {
      if (!frameRequest) frameRequest = requestAnimationFrame(render);
    }

    function render(now) {
      frameRequest = 0;
      if (!view.isVisible()) return;
      const [width, height] = view.size();
      const drag = pointer.dragging();
      const dragged = drag && drag.matrix();
      if (drag) furniture.setReadout(api.words.changeText(drag.reason, drag.before, dragged, centroid, umPerPx));
      const shown = state.frame(now, dragged);
      const density = window.devicePixelRatio || 1;
      if (viewDirty) {
        backdrop.place(view.matrix(), view.size(), density);
        grid.place(view.matrix());
        furniture.setZoom(view.state().zoom);
        tellView(shown);
        viewDirty = false;
      }
      const pose = toScreen(shown);
      if (!section.canvas.style.transform) section.sharpen(pose, density);
      section.place(pose);
      frame.place(pose, width, height, locked);
      hooks.redraw();
      clearTimeout(sharpenTimer);
      sharpenTimer = setTimeout(() => section.sharpen(toScreen(state.shown()), density) && requestFrame(), SHARPEN_MS);
    }

    function tellView(pose) {
      const center = view.toFull(view.size().map((side) => side / 2));
      for (const watcher of watchers) watcher({ ratio: view.state().zoom / view.fitZoom(), center, pose });
    }

    // ---- pose ------------------------------------------------------------------------------------------

    function announce() {
      live.textContent = api.words.poseSentence(state.matrix(), centroid, umPerPx);
    }

    function endGesture(gesture, next) {
      furniture.setReadout("");
      requestFrame();
      if (next) state.dragged(gesture.before, next, gesture.reason);
    }

    function set(next, how) {
      pointer.cancel();
      state.set(next, how);
    }

    // ---- appearance ------------------------------------------------------------------------------------

    function emit(name, detail) {
      host.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
    }

    function stepOpacity(change) {
      setOpacity(opacity + change);
      emit("sm-align-view", { opacity });
    }

    function setOpacity(value) {
      opacity = Math.min(1, Math.max(0, Math.round(value * 100) / 100));
      section.canvas.style.opacity = opacity;
    }

    function setLocked(mode) {
      if (![false, true, "similarity", "rigid"].includes(mode)) {
        throw new RangeError(`Locked is false, "similarity" or "rigid", not ${mode}.`);
      }
      locked = mode === true ? "similarity" : mode;
      requestFrame();
    }

    // ---- wiring ----------------------------------------------------------------------------------------

    const listen = (target, events, extra) => {
      for (const [name, listener] of Object.entries(events)) {
        target.addEventListener(name, listener, { signal: stopListening.signal, ...extra });
      }
    };
    listen(stage, { ...pointer.listeners, ...keys.listeners });
    listen(stage, { wheel: pointer.wheel }, { passive: false });
    const observer = new ResizeObserver(resize);
    observer.observe(stage);

    if (options.smColor) section.setColors(options.smColor);
    setOpacity(opacity);
    furniture.setChip(backdrop.hasImage() ? "as in H&E" : "as in the ST file");
    announce();
    resize();

    return {
      pane: hooks.pane,
      setMatrix: (matrix, how) => set({ matrix }, how),
      /** Take {matrix, marks} without reporting it; see createState. */
      setState: set,
      /** The same as one reported step. */
      step(next, reason) {
        pointer.cancel();
        state.step(next, reason);
      },
      getMatrix: () => [...state.matrix()],
      getMarks: state.marks,
      setMarks: (marks, reason) => state.step({ marks }, reason),
      getView: view.state,
      /** `watcher` gets {ratio, center, pose} after each change of the view; returns a function that ends it. */
      onView(watcher) {
        watchers.add(watcher);
        viewDirty = true;
        requestFrame();
        return () => watchers.delete(watcher);
      },
      undo: () => keys.walk("undo"),
      redo: () => keys.walk("redo"),
      /** Whether the user is in the middle of a gesture or a burst of keys: the pose is not settled. */
      isBusy: () => state.isBursting() || pointer.isBusy(),
      canUndo: state.canUndo,
      canRedo: state.canRedo,
      nudge: state.nudge,
      setOpacity,
      setPointSize: section.setSize,
      setSpotsVisible(on) {
        backdrop.setSpots(on);
        viewDirty = true;
        requestFrame();
      },
      /** Draw SM pixels and outline rings elsewhere in their own frame, for a local warp; the pose stays. */
      setSection(xy, outlineRings) {
        section.setPositions(xy);
        frame.setOutline(outlineRings);
        requestFrame();
      },
      /** Lines of a deformed grid, full-resolution px; none hides it. */
      setGrid: grid.setLines,
      setTint: section.setColors,
      setLocked,
      fit,
      destroy() {
        state.flush();
        stopListening.abort();
        observer.disconnect();
        cancelAnimationFrame(frameRequest);
        clearTimeout(sharpenTimer);
        compare.destroy();
        root.remove();
      },
    };
  }

  api.mount = mount;
})();
