/**
 * Keys on the overlay: what each one does. The stage owns them only while it has the focus.
 */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const OPACITY_STEP = 0.05;

  /**
   * state     from createState
   * stPitch   distance between ST spots, full-resolution px
   * isBusy    () => whether a drag is under way
   * locked    () => false | "similarity" | "rigid"
   * view      {fit, cancel, opacity(change), blink(on), pan(on)}
   */
  function createKeys({ state, stPitch, isBusy, locked, view }) {
    const { gestures } = api;

    const VIEW_KEYS = {
      z: view.fit,
      ",": () => view.opacity(-OPACITY_STEP),
      ".": () => view.opacity(OPACITY_STEP),
      c: () => view.blink(true),
      escape: view.cancel,
      " ": () => view.pan(true),
    };
    const HELD_KEYS = { c: () => view.blink(false), " ": () => view.pan(false) };

    function walk(direction) {
      if (!isBusy()) state.walk(direction);
    }

    function poseKey(event, step) {
      if (isBusy() || (step.reason === "scale" && locked() === "rigid")) return;
      state.press(`${gestures.keyName(event)} ${event.shiftKey} ${event.altKey}`, step);
    }

    /** What a key does, as a function to call; null for a key that is not ours. */
    function action(event) {
      const key = gestures.keyName(event);
      if (event.ctrlKey || event.metaKey) {
        if (key === "y") return () => walk("redo");
        return key === "z" ? () => walk(event.shiftKey ? "redo" : "undo") : null;
      }
      if (VIEW_KEYS[key]) return VIEW_KEYS[key];
      const step = gestures.keyChange(event, stPitch);
      return step && (() => poseKey(event, step));
    }

    return {
      walk,
      listeners: {
        keydown(event) {
          const found = action(event);
          if (!found) return;
          event.preventDefault();
          event.stopPropagation();
          found();
        },
        keyup(event) {
          const release = HELD_KEYS[gestures.keyName(event)];
          if (release) release();
        },
        blur() {
          for (const release of Object.values(HELD_KEYS)) release();
          state.flush();
        },
      },
    };
  }

  api.createKeys = createKeys;
})();
