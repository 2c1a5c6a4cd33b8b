/**
 * Mouse, pen and touch on the overlay: decides which gesture a press starts, and follows it to its end.
 * The gesture's effect is computed by align_gestures.js; nothing here draws.
 */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const CLICK_PX = 2; // a shorter drag is a click and changes nothing

  /**
   * pose         {get() -> matrix, centroid, locked() -> false | "similarity" | "rigid"}
   * isPanning    () => whether the Space key is held
   * onStart      () => void, before a press is looked at
   * onMove       () => void, the pose or the view wants to be drawn again
   * onEnd        (gesture, matrix | null) => void; null when the gesture changed no pose or was given up
   */
  function createPointer(stage, { view, frame, pose, isPanning, onStart, onMove, onEnd }) {
    const { gestures } = api;
    const fingers = new Map(); // pointer id -> place on the stage, CSS px
    let gesture = null;

    function place(event) {
      const box = stage.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    }

    function isInside(at) {
      return frame.contains(api.affine.multiply(view.matrix(), pose.get()), at);
    }

    function panGesture(start) {
      const { zoom, x, y } = view.state();
      return { reason: "pan", follow: (at) => view.set(zoom, x + at[0] - start[0], y + at[1] - start[1]) };
    }

    /** Two fingers zoom and pan the view; the tissue point between them stays between them. */
    function pinchGesture() {
      const span = ([p, q]) => Math.hypot(p[0] - q[0], p[1] - q[1]) || 1;
      const middle = ([p, q]) => [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2];
      const pair = () => [...fingers.values()];
      const start = { zoom: view.state().zoom, span: span(pair()), full: view.toFull(middle(pair())) };
      return {
        reason: "pan",
        follow() {
          const zoom = (start.zoom * span(pair())) / start.span;
          const [x, y] = middle(pair());
          view.set(zoom, x - zoom * start.full[0], y - zoom * start.full[1]);
        },
      };
    }

    /** A drag that changes the pose; `matrix()` gives it for the newest place of the pointer. */
    function poseGesture(reason, start, compute) {
      const [before, from] = [pose.get(), view.toFull(start)];
      let newest = null;
      return {
        reason,
        before,
        isMoving: () => newest !== null,
        matrix: () => (newest ? compute(before, from, view.toFull(newest.at), newest.shift) : before),
        follow(at, event) {
          if (!newest && Math.hypot(at[0] - start[0], at[1] - start[1]) < CLICK_PX) return;
          newest = { at, shift: event.shiftKey };
          onMove();
        },
      };
    }

    function scaleGesture(name, start) {
      const [grip, anchor] = [frame.sourcePoint(name), frame.opposite(name)];
      return poseGesture("scale", start, (matrix, from, to, shift) => {
        const perAxis = !pose.locked() && (name.length === 1 || shift);
        return (perAxis ? gestures.free : gestures.uniform)(matrix, grip, anchor, from, to);
      });
    }

    function gestureFor(event, at) {
      const grip = event.target.closest("[data-handle]");
      const name = grip ? grip.dataset.handle : "";
      if (event.button === 1 || isPanning()) return panGesture(at);
      if (event.button === 2 || name === "ring") {
        const center = api.affine.apply(pose.get(), pose.centroid);
        return poseGesture("rotate", at, (matrix, from, to, snap) => gestures.rotate(matrix, center, from, to, snap));
      }
      if (name) return scaleGesture(name, at);
      return isInside(at) ? poseGesture("move", at, gestures.move) : panGesture(at);
    }

    function down(event) {
      if (fingers.size && (event.pointerType !== "touch" || fingers.size > 1)) return;
      event.preventDefault();
      stage.focus({ preventScroll: true });
      onStart();
      fingers.set(event.pointerId, place(event));
      stage.setPointerCapture(event.pointerId);
      if (fingers.size === 2) cancel();
      gesture = fingers.size === 2 ? pinchGesture() : gestureFor(event, place(event));
      stage.dataset.gesture = gesture.reason;
    }

    function move(event) {
      if (fingers.has(event.pointerId)) {
        fingers.set(event.pointerId, place(event));
        if (gesture) gesture.follow(place(event), event);
      } else {
        stage.dataset.hover = isInside(place(event)) && !isPanning() ? "inside" : "outside";
      }
    }

    function up(event) {
      if (!fingers.delete(event.pointerId) || !gesture) return;
      if (gesture.before) gesture.follow(place(event), event);
      finish(gesture.before && gesture.isMoving() ? gesture.matrix() : null);
    }

    function finish(matrix) {
      const done = gesture;
      gesture = null;
      delete stage.dataset.gesture;
      onEnd(done, matrix);
    }

    function cancel() {
      if (gesture) finish(null);
    }

    function wheel(event) {
      event.preventDefault();
      const unit = [1, 16, view.size()[1]][event.deltaMode]; // px, lines, pages
      view.zoomAt(Math.exp(-event.deltaY * unit * (event.ctrlKey ? 0.01 : 0.0015)), place(event));
    }

    return {
      cancel,
      /** The running drag that changes the pose, or null. */
      dragging: () => (gesture && gesture.before && gesture.isMoving() ? gesture : null),
      isBusy: () => gesture !== null,
      listeners: {
        pointerdown: down,
        pointermove: move,
        pointerup: up,
        pointercancel(event) {
          if (fingers.delete(event.pointerId)) cancel();
        },
        contextmenu: (event) => event.preventDefault(),
      },
      wheel,
    };
  }

  api.createPointer = createPointer;
})();
