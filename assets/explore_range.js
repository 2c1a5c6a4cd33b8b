/* The ends of the color scale as a control: drag or type them, take percentiles, keep them while the coloring changes. */
(function () {
  "use strict";
  const root = (window.SpatialMetaExplore = window.SpatialMetaExplore || {});
  const STEP = 0.02; // of the bar, for an arrow key

  // Ends set by hand that hold for a coloring, as values come; null for the automatic ones. A locked range holds for
  // every feature whose values are of the same kind.
  function of(legend) {
    const range = root.state.view && root.state.view.range;
    if (!range || legend.kind !== "number") return null;
    const holds = range.key === legend.key || (range.locked && range.unit === legend.units[0]);
    return holds ? range.ends : null;
  }

  function send(ends, locked) {
    const { legend } = root.state.paint;
    const data = ends && { key: legend.key, unit: legend.units[0], ends, locked };
    window.dash_clientside.set_props("explore-range", { data });
  }

  const isLocked = () => Boolean(root.state.view.range && root.state.view.range.locked);

  // Set one end, given on the scale that is shown; the other stays.
  function setEnd(which, shown, painted) {
    const { legend } = root.state.paint;
    const ends = painted.limits.map((value) => root.scale.stored(value, legend, painted.log));
    ends[which] = root.scale.stored(shown, legend, painted.log);
    const fits = Number.isFinite(ends[0]) && ends[1] > ends[0];
    if (fits) send(ends, isLocked());
    return fits;
  }

  function handle(which, bar, painted, track) {
    const [from, to] = track;
    const grip = document.createElement("button");
    grip.type = "button";
    grip.className = "legend-grip";
    grip.setAttribute("role", "slider");
    grip.setAttribute("aria-label", which ? "Upper end of the color scale" : "Lower end of the color scale");
    grip.setAttribute("aria-valuenow", String(painted.limits[which]));
    grip.setAttribute("aria-valuetext", root.scale.format(painted.limits[which]));
    grip.dataset.end = String(which);
    const share = (value) => (100 * (value - from)) / (to - from);
    grip.style.left = `${Math.min(Math.max(share(painted.limits[which]), 0), 100)}%`;
    const at = (event) => {
      const box = bar.getBoundingClientRect();
      return from + (to - from) * Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    };
    grip.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      grip.focus();
      grip.setPointerCapture(event.pointerId);
      const move = (each) => { grip.style.left = `${share(at(each))}%`; };
      grip.addEventListener("pointermove", move);
      grip.addEventListener("pointerup", (each) => {
        grip.removeEventListener("pointermove", move);
        setEnd(which, at(each), painted);
      }, { once: true });
    });
    grip.addEventListener("keydown", (event) => {
      const by = { ArrowRight: STEP, ArrowUp: STEP, ArrowLeft: -STEP, ArrowDown: -STEP }[event.key];
      if (!by) return;
      event.preventDefault();
      setEnd(which, painted.limits[which] + by * (to - from), painted);
    });
    return grip;
  }

  function box(which, painted) {
    const input = document.createElement("input");
    input.type = "text";
    input.inputMode = "decimal";
    input.className = "legend-number";
    input.value = root.scale.format(painted.limits[which]).replace("−", "-");
    input.setAttribute("aria-label", which ? "Highest value of the scale" : "Lowest value of the scale");
    input.addEventListener("change", () => {
      const value = Number(input.value.replace(",", "."));
      const taken = Number.isFinite(value) && input.value.trim() && setEnd(which, value, painted);
      if (!taken) input.value = root.scale.format(painted.limits[which]);
    });
    return input;
  }

  function press(label, title, on, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn-sm-secondary btn-sm-small";
    button.textContent = label;
    button.title = title;
    button.setAttribute("aria-pressed", String(on));
    button.addEventListener("click", act);
    return button;
  }

  // Buttons beside the bar.
  function buttons(legend, painted) {
    const { view } = root.state;
    const set = (id, value) => window.dash_clientside.set_props(id, { value });
    const automatic = (clip) => () => { send(null, false); set("explore-clip", clip); };
    const made = [
      press("1–99 %", "From the 1st to the 99th percentile", view.clip && !painted.range, automatic(true)),
      press("Full", "From the lowest to the highest value", !view.clip && !painted.range, automatic(false)),
    ];
    if (root.scale.canLog(legend)) made.push(press("log", "Logarithmic or linear scale", view.log, () => set("explore-log", !view.log)));
    if (legend.center === null) {
      const ends = painted.limits.map((value) => root.scale.stored(value, legend, painted.log));
      made.push(press("Lock", "Keep these ends for other features and layers", isLocked(), () => send(isLocked() ? null : ends, !isLocked())));
      made.push(scales(view));
    }
    return made;
  }

  function scales(view) {
    const select = document.createElement("select");
    select.className = "legend-map";
    select.setAttribute("aria-label", "Color map");
    [...document.querySelectorAll("#explore-scale option")].forEach(({ value, textContent }) =>
      select.append(new Option(textContent, value, false, value === view.scale)));
    select.addEventListener("change", () => window.dash_clientside.set_props("explore-scale", { value: select.value }));
    return select;
  }

  // What the bar spans: the full range, widened to what was set by hand.
  function track(legend, painted) {
    const [low, high] = root.scale.limits(legend, false, painted.log, null);
    return [Math.min(low, painted.limits[0]), Math.max(high, painted.limits[1])];
  }

  // The bar with its gradient between the ends, two grips, boxes for numbers, and buttons.
  function control(legend, painted, colors, missing) {
    const bar = document.createElement("div");
    bar.className = "legend-bar";
    const [from, to] = track(legend, painted);
    const [low, high] = painted.limits.map((value) => (100 * (value - from)) / (to - from));
    const stops = colors.map((color, k) => `${color} ${low + ((high - low) * k) / (colors.length - 1)}%`);
    bar.style.background = `linear-gradient(to right, ${stops.join(",")}), ${missing}`;
    bar.append(...[0, 1].map((which) => handle(which, bar, painted, [from, to])));
    const unit = document.createElement("span");
    unit.className = "legend-unit";
    unit.textContent = root.scale.shownUnit(legend, painted.log);
    const made = document.createElement("div");
    made.className = "legend-scale";
    made.append(box(0, painted), bar, box(1, painted));
    const row = document.createElement("div");
    row.className = "legend-buttons";
    row.append(unit, ...buttons(legend, painted));
    return [made, row];
  }

  root.range = { of, control };
})();
