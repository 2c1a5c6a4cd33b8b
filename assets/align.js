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
 *   onChange     (matrix, reason) => void, once after each gesture, burst of keys, undo or redo
 *
 * The matrix is the only state of the pose and is always applied to the original SM positions. The view
 * (zoom and pan) is separate: the wheel never touches the data. The element also emits the event
 * "sm-align-view" with {opacity} when a key changes the opacity.
 *
 * Parts: align_pose.js (maths, history), align_view.js (zoom, pan), align_gestures.js (drags and keys),
 * align_pointer.js (mouse and touch), align_layers.js (drawing), align_words.js (text). They may load in any order.
 */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const UNDO_STEPS = 100;
  const BURST_MS = 600;
  const SHARPEN_MS = 140;
  const ANIMATION_MS = 420;

  function mount(host, options) {
    const { affine, gestures, layers } = api;
    const { umPerPx } = options;
    const centroid = layers.meanOf(options.smXY);
    const history = api.createHistory(UNDO_STEPS);
    const stopListening = new AbortController();
    const reducedMotion = window.matchMedia("(prefers-reduced-motion: reduce)");

    let matrix = affine.checked(options.matrix); // the pose; a drag replaces it when it ends
    let shown = matrix; // what is drawn: between poses during a drag or an animation
    let locked = false;
    let opacity = 0.6;
    let burst = null;
    let spaceHeld = false;
    let imageFailed = false;
    let viewDirty = true;
    let frameRequest = 0;
    let sharpenTimer = 0;
    let animation = null;
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
        "X and Y flip, Z fits the view, Control Z undoes.",
    });
    const live = layers.element(root, "div", "sm-align-live", { "aria-live": "polite" });
    const image = options.imageUrl
      ? layers.createImage(stage, options.imageUrl, options.imageScale, { onLoad: showImage, onError: missImage })
      : null;
    const spots = layers.createSpots(stage, options.stXY, options.stPitch);
    const section = layers.createSection(stage, options.smXY, options.smPitch);
    const rings = options.outline.length && !Array.isArray(options.outline[0][0]) ? [options.outline] : options.outline;
    const frame = layers.createFrame(stage, rings, section.box, centroid);
    const furniture = layers.createFurniture(root, umPerPx, {
      onZoom: (factor) => view.zoomAt(factor, view.size().map((side) => side / 2)),
      onFit: fit,
    });
    const pointer = api.createPointer(stage, {
      view,
      frame,
      pose: { get: () => matrix, centroid, locked: () => locked },
      isPanning: () => spaceHeld,
      onStart() {
        flushBurst();
        place(matrix);
      },
      onMove: requestFrame,
      onEnd: endGesture,
    });

    // ---- view ------------------------------------------------------------------------------------------

    const toScreen = (pose) => affine.multiply(view.matrix(), pose);

    /** Everything worth seeing: the given bounds, or picture and ST spots; always the SM section too. */
    function contentBox() {
      const corners = ["nw", "ne", "se", "sw"].map((name) => affine.apply(matrix, frame.sourcePoint(name)));
      const backdrop = options.bounds
        ? [options.bounds]
        : [image && !imageFailed && image.box(), layers.boxOf(options.stXY, options.stPitch)];
      return layers.boxOf([...backdrop.filter(Boolean), ...corners].flat(), 0);
    }

    function fit() {
      if (view.isVisible()) view.fit(contentBox());
    }

    function resize() {
      const first = !view.isVisible();
      view.resize(stage.clientWidth, stage.clientHeight);
      if (first) fit();
    }

    function showImage() {
      if (!history.canUndo() && !pointer.isBusy()) fit();
      requestFrame();
    }

    function missImage() {
      imageFailed = true;
      image.hide();
      spots.setVisible(true);
      furniture.setNote("The tissue image could not be loaded. The ST spots are shown instead.");
      nameOrientation();
      viewDirty = true;
      requestFrame();
    }

    function nameOrientation() {
      furniture.setChip(image && !imageFailed ? "as in H&E" : "as in the ST file");
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
      if (drag) furniture.setReadout(api.words.changeText(drag.reason, drag.before, drag.matrix(), centroid, umPerPx));
      shown = drag ? drag.matrix() : animation ? animatedPose(now) : matrix;
      const density = window.devicePixelRatio || 1;
      if (viewDirty) {
        if (image) image.place(view.matrix());
        spots.draw(view.matrix(), width, height, density, getComputedStyle(stage).color);
        furniture.setZoom(view.state().zoom);
        viewDirty = false;
      }
      const pose = toScreen(shown);
      if (!section.canvas.style.transform) section.sharpen(pose, density);
      section.place(pose);
      frame.place(pose, width, height, locked);
      clearTimeout(sharpenTimer);
      sharpenTimer = setTimeout(() => section.sharpen(toScreen(shown), density) && requestFrame(), SHARPEN_MS);
    }

    function animatedPose(now) {
      const { from, start } = (animation = { ...animation, start: animation.start || now });
      const t = Math.min(1, (now - start) / ANIMATION_MS);
      if (t < 1) requestFrame();
      else animation = null;
      return animation ? affine.interpolate(from, matrix, 1 - (1 - t) ** 3, centroid) : matrix;
    }

    // ---- pose ------------------------------------------------------------------------------------------

    function announce() {
      live.textContent = api.words.poseSentence(matrix, centroid, umPerPx);
    }

    /** Take a new pose at once; `commit` makes it a step of the history and reports it. */
    function place(next) {
      matrix = next;
      animation = null;
      requestFrame();
    }

    function commit(before, reason) {
      if (affine.equal(matrix, before)) return;
      history.push(before);
      announce();
      options.onChange([...matrix], reason);
    }

    function nudged(change) {
      return gestures.nudge(matrix, affine.apply(matrix, centroid), centroid, change);
    }

    function nudge(change) {
      flushBurst();
      const before = matrix;
      place(affine.checked(nudged(change)));
      commit(before, "nudge");
    }

    function endGesture(gesture, next) {
      furniture.setReadout("");
      requestFrame();
      if (!next) return;
      place(next);
      commit(gesture.before, gesture.reason);
    }

    function stepHistory(direction) {
      if (pointer.isBusy()) return;
      flushBurst();
      const next = history[direction](matrix);
      if (!next) return;
      place(next);
      announce();
      options.onChange([...matrix], direction);
    }

    function setMatrix(next, { animate = false, record = true } = {}) {
      const target = affine.checked(next);
      pointer.cancel();
      flushBurst();
      if (affine.equal(target, matrix)) return;
      if (record) history.push(matrix);
      const from = shown;
      place(target);
      if (animate && !reducedMotion.matches) animation = { from, start: 0 };
      announce();
    }

    // ---- keys ------------------------------------------------------------------------------------------

    function stepOpacity(change) {
      setOpacity(opacity + change);
      host.dispatchEvent(new CustomEvent("sm-align-view", { bubbles: true, detail: { opacity } }));
    }

    const VIEW_KEYS = {
      z: fit,
      ",": () => stepOpacity(-0.05),
      ".": () => stepOpacity(0.05),
      c: () => stage.classList.add("sm-align-blink"),
      escape: () => pointer.cancel(),
      " ": () => {
        spaceHeld = true;
        stage.dataset.hover = "outside";
      },
    };

    function flushBurst() {
      if (!burst) return;
      const { before, reason, timer } = burst;
      clearTimeout(timer);
      burst = null;
      commit(before, reason);
    }

    /** Presses of the same key in quick succession are one step of the history. */
    function poseKey(event, { reason, change }) {
      if (pointer.isBusy() || (reason === "scale" && locked === "rigid")) return;
      const key = `${gestures.keyName(event)} ${event.shiftKey} ${event.altKey}`;
      if (burst && burst.key !== key) flushBurst();
      if (!burst) burst = { key, before: matrix, reason, timer: 0 };
      clearTimeout(burst.timer);
      burst.timer = setTimeout(flushBurst, BURST_MS);
      place(nudged(change));
    }

    /** What a key does, as a function to call; null for a key that is not ours. */
    function keyAction(event) {
      const key = gestures.keyName(event);
      if (event.ctrlKey || event.metaKey) {
        if (key === "y") return () => stepHistory("redo");
        return key === "z" ? () => stepHistory(event.shiftKey ? "redo" : "undo") : null;
      }
      if (VIEW_KEYS[key]) return VIEW_KEYS[key];
      const step = gestures.keyChange(event, options.stPitch);
      return step && (() => poseKey(event, step));
    }

    function keyDown(event) {
      const action = keyAction(event);
      if (!action) return;
      event.preventDefault();
      event.stopPropagation();
      action();
    }

    function keyUp(event) {
      const key = gestures.keyName(event);
      if (key === " ") spaceHeld = false;
      if (key === "c") stage.classList.remove("sm-align-blink");
    }

    function leave() {
      spaceHeld = false;
      stage.classList.remove("sm-align-blink");
      flushBurst();
    }

    // ---- appearance ------------------------------------------------------------------------------------

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
    listen(stage, { ...pointer.listeners, keydown: keyDown, keyup: keyUp, blur: leave });
    listen(stage, { wheel: pointer.wheel }, { passive: false });
    const observer = new ResizeObserver(resize);
    observer.observe(stage);

    if (options.smColor) section.setColors(options.smColor);
    spots.setVisible(!image);
    setOpacity(opacity);
    nameOrientation();
    announce();
    resize();

    return {
      setMatrix,
      getMatrix: () => [...matrix],
      getView: view.state,
      undo: () => stepHistory("undo"),
      redo: () => stepHistory("redo"),
      /** Whether the user is in the middle of a gesture or a burst of keys: the pose is not settled. */
      isBusy: () => burst !== null || pointer.isBusy(),
      canUndo: () => history.canUndo() || burst !== null,
      canRedo: () => history.canRedo(),
      nudge,
      setOpacity,
      setPointSize: (fraction) => section.setSize(fraction),
      setSpotsVisible(on) {
        spots.setVisible(on);
        viewDirty = true;
        requestFrame();
      },
      /** Draw SM pixels and outline rings elsewhere in their own frame, for a local warp; the pose stays. */
      setSection(xy, outlineRings) {
        section.setPositions(xy);
        frame.setOutline(outlineRings);
        requestFrame();
      },
      setTint(rgb) {
        section.setColors(rgb);
        requestFrame();
      },
      setLocked,
      fit,
      destroy() {
        flushBurst();
        stopListening.abort();
        observer.disconnect();
        cancelAnimationFrame(frameRequest);
        clearTimeout(sharpenTimer);
        root.remove();
      },
    };
  }

  api.mount = mount;
})();
