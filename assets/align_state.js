/**
 * The state of the work by hand: the pose and the marks beside it, with undo, redo, bursts of keys and
 * animation. Draws nothing and listens to nothing.
 *
 * A state is {matrix, marks}; `marks` is one plain JSON object (landmarks, outline settings, ...) that is
 * never changed in place. Every step of the history is a whole state.
 */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const UNDO_STEPS = 100;
  const BURST_MS = 600;
  const ANIMATION_MS = 420;

  /** JSON with sorted names: marks come back from the server in another order. */
  function canonical(value) {
    const isObject = (part) => part !== null && typeof part === "object" && !Array.isArray(part);
    const sorted = (part) => Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
    return JSON.stringify(value, (_name, part) => (isObject(part) ? sorted(part) : part));
  }

  const sameMarks = (first, second) => first === second || canonical(first) === canonical(second);

  /**
   * first     the state to begin with
   * pivot     source point that moves straight during an animation
   * onDraw    () => void, something has to be drawn anew
   * onMarks   (marks) => void, other marks are in force
   * onStep    ({matrix, marks}, reason) => void, once after each gesture, burst, undo or redo
   * onSay     () => void, a new pose is settled
   */
  function createState(first, { pivot, onDraw, onMarks, onStep, onSay }) {
    const { affine, gestures } = api;
    const history = api.createHistory(UNDO_STEPS);
    const reducedMotion = window.matchMedia("(prefers-reduced-motion: reduce)");
    let matrix = affine.checked(first.matrix);
    let marks = first.marks;
    let shown = matrix; // what is drawn: between poses during an animation
    let burst = null;
    let animation = null;

    const now = () => ({ matrix, marks });

    function take(next) {
      matrix = next.matrix;
      animation = null;
      if (!sameMarks(marks, next.marks)) {
        marks = next.marks;
        onMarks(marks);
      }
      onDraw();
    }

    /** Take a new pose at once; it becomes a step only with `commit`. */
    const place = (next) => take({ matrix: next, marks });

    function commit(before, reason) {
      if (affine.equal(matrix, before.matrix) && sameMarks(marks, before.marks)) return;
      history.push(before);
      onSay();
      onStep({ matrix: [...matrix], marks }, reason);
    }

    function flush() {
      if (!burst) return;
      const { before, reason, timer } = burst;
      clearTimeout(timer);
      burst = null;
      commit(before, reason);
    }

    const nudged = (change) => gestures.nudge(matrix, affine.apply(matrix, pivot), pivot, change);

    return {
      now,
      matrix: () => matrix,
      marks: () => marks,
      shown: () => shown,
      place,
      flush,
      isBursting: () => burst !== null,
      canUndo: () => history.canUndo() || burst !== null,
      canRedo: () => history.canRedo(),

      /** One reported step to `next`, which may lack the pose or the marks. */
      step(next, reason) {
        flush();
        const before = now();
        const target = { ...before, ...next };
        take({ matrix: affine.checked(target.matrix), marks: target.marks });
        commit(before, reason);
      },

      nudge(change) {
        flush();
        const before = now();
        place(affine.checked(nudged(change)));
        commit(before, "nudge");
      },

      /** Presses of the same key in quick succession are one step of the history. */
      press(key, { reason, change }) {
        if (burst && burst.key !== key) flush();
        if (!burst) burst = { key, before: now(), reason, timer: 0 };
        clearTimeout(burst.timer);
        burst.timer = setTimeout(flush, BURST_MS);
        place(nudged(change));
      },

      /** A drag has ended at `next`. */
      dragged(before, next, reason) {
        place(next);
        commit({ matrix: before, marks }, reason);
      },

      walk(direction) {
        flush();
        const next = history[direction](now());
        if (!next) return;
        take(next);
        onSay();
        onStep({ matrix: [...matrix], marks }, direction);
      },

      /** Take a state from elsewhere, unreported; with `record`, undo leads back. */
      set(next, { animate = false, record = true } = {}) {
        const target = { ...now(), ...next };
        target.matrix = affine.checked(target.matrix);
        flush();
        if (affine.equal(target.matrix, matrix) && sameMarks(target.marks, marks)) return;
        if (record) history.push(now());
        const from = shown;
        take(target);
        if (animate && !reducedMotion.matches) animation = { from, start: 0 };
        onSay();
      },

      /** The pose to draw at a time; `dragged` goes before everything else. */
      frame(time, dragged) {
        if (dragged) return (shown = dragged);
        if (!animation) return (shown = matrix);
        animation = { ...animation, start: animation.start || time };
        const t = Math.min(1, (time - animation.start) / ANIMATION_MS);
        const { from } = animation;
        if (t < 1) onDraw();
        else animation = null;
        return (shown = animation ? affine.interpolate(from, matrix, 1 - (1 - t) ** 3, pivot) : matrix);
      },
    };
  }

  api.createState = createState;
})();
