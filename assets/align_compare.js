/**
 * Ways to compare the SM section with the histology below it: a bar to swipe, blinking, a checkerboard.
 * They only hide parts of the section; pose and view stay.
 */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const BLINK_MS = 700; // well below three flashes a second
  const STEP_PERCENT = 2;
  const CHECKER_PX = { low: 12, high: 240, first: 56 };

  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

  /**
   * parent   element that holds the buttons and the swipe bar, as large as the stage
   * stage    gets a class while the section is blinked away
   * mask     element around the section's canvas, as large as the stage
   */
  function createCompare(parent, stage, mask) {
    const { element } = api.layers;
    const reducedMotion = window.matchMedia("(prefers-reduced-motion: reduce)");
    let mode = ""; // "", "swipe" or "checker"
    let percent = 50; // of the width that shows the section
    let square = CHECKER_PX.first;
    let held = false;
    let blinking = 0; // timer, or -1 while hidden for good

    const group = element(parent, "div", "sm-align-compare", { role: "group", "aria-label": "Compare" });
    const toggle = (text, name, action) => {
      const button = element(group, "button", "sm-align-button", {
        type: "button", "aria-label": name, title: name, "aria-pressed": "false",
      });
      button.textContent = text;
      button.addEventListener("click", action);
      return button;
    };
    const buttons = {
      swipe: toggle("Swipe", "Swipe: metabolites left of a bar, histology right of it", () => setMode("swipe")),
      blink: toggle("Blink", "Blink the metabolites on and off (hold C)", toggleBlink),
      checker: toggle("Checker", "Checkerboard of metabolites and histology", () => setMode("checker")),
    };
    const field = element(group, "label", "sm-align-field");
    const label = element(field, "span", "");
    const box = element(field, "input", "", { type: "number", step: "any" });
    const unit = element(field, "span", "");
    const bar = element(parent, "div", "sm-align-swipe", {
      role: "slider", tabindex: "0", "aria-label": "Swipe bar", "aria-valuemin": "0", "aria-valuemax": "100",
    });
    element(bar, "span", "sm-align-grip");

    function show() {
      buttons.swipe.setAttribute("aria-pressed", mode === "swipe");
      buttons.checker.setAttribute("aria-pressed", mode === "checker");
      buttons.blink.setAttribute("aria-pressed", blinking !== 0);
      bar.hidden = mode !== "swipe";
      field.hidden = !mode;
      mask.style.clipPath = mode === "swipe" ? `inset(0 ${100 - percent}% 0 0)` : "";
      const tile = `${2 * square}px`;
      const board = `conic-gradient(#000 25%, transparent 0 50%, #000 0 75%, transparent 0) 0 0 / ${tile} ${tile}`;
      mask.style.mask = mode === "checker" ? board : "";
      bar.style.left = `${percent}%`;
      bar.setAttribute("aria-valuenow", Math.round(percent));
      bar.setAttribute("aria-valuetext", `${Math.round(percent)} percent of the width shows metabolites`);
      if (document.activeElement !== box) box.value = mode === "swipe" ? Math.round(percent) : square;
      label.textContent = mode === "swipe" ? "at" : "squares";
      unit.textContent = mode === "swipe" ? "%" : "px";
      box.setAttribute("aria-label", mode === "swipe" ? "Place of the swipe bar, percent" : "Side of a square, pixels");
    }

    function setMode(next) {
      mode = mode === next ? "" : next;
      show();
    }

    function setPercent(value) {
      percent = clamp(value, 0, 100);
      show();
    }

    /** Where motion is not wanted, the button hides and shows instead of blinking. */
    function toggleBlink() {
      const starts = blinking === 0;
      if (blinking > 0) clearInterval(blinking);
      blinking = 0;
      if (starts && reducedMotion.matches) blinking = -1;
      if (starts && blinking === 0) blinking = setInterval(() => stage.classList.toggle("sm-align-blink"), BLINK_MS);
      hide(starts || held);
      show();
    }

    function hide(on) {
      stage.classList.toggle("sm-align-blink", on);
    }

    bar.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      event.stopPropagation();
      bar.focus({ preventScroll: true });
      bar.setPointerCapture(event.pointerId);
    });
    bar.addEventListener("pointermove", (event) => {
      if (!bar.hasPointerCapture(event.pointerId)) return;
      const { left, width } = parent.getBoundingClientRect();
      setPercent((100 * (event.clientX - left)) / width);
    });
    bar.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
      const end = { Home: 0, End: 100 }[event.key];
      if (by === undefined && end === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      setPercent(end === undefined ? percent + by * STEP_PERCENT * (event.shiftKey ? 5 : 1) : end);
    });
    box.addEventListener("change", () => {
      const value = Number(box.value);
      if (Number.isFinite(value) && box.value !== "") {
        if (mode === "swipe") percent = clamp(value, 0, 100);
        else square = clamp(value, CHECKER_PX.low, CHECKER_PX.high);
      }
      box.value = mode === "swipe" ? Math.round(percent) : square;
      show();
    });
    show();

    return {
      /** The section is hidden as long as a key is held. */
      hold(on) {
        if (held === on) return;
        held = on;
        if (blinking === 0) hide(on);
      },
      destroy() {
        if (blinking > 0) clearInterval(blinking);
      },
    };
  }

  api.createCompare = createCompare;
})();
