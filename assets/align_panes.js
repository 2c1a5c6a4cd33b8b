/**
 * The side panes: the MSI section alone, as it was measured, and the histology alone. Small live views with a
 * zoom of their own; until they are zoomed by hand they follow the overlay.
 */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const PADDING_PX = 14;
  const FOLLOW_FROM = 1.02; // the overlay must be zoomed in by more than this

  /**
   * name     "msi" or "he"
   * frame    the frame the pane shows, "sm" or "st"
   * title    what it shows, for people
   * box      () => [x0, y0, x1, y1] of its content, in its frame
   * draw     (view matrix, size, density) => void
   */
  function createPane(host, { name, frame, title, box, draw }) {
    const { element } = api.layers;
    const root = element(host, "div", "sm-align sm-align-pane");
    const stage = element(root, "div", "sm-align-stage", {
      tabindex: "0", role: "application", "aria-label": `${title}. Plus and minus zoom, Z fits.`,
    });
    const chip = element(root, "div", "sm-align-chip");
    chip.textContent = title;
    const buttons = element(root, "div", "sm-align-buttons", { role: "group", "aria-label": `View of: ${title}` });
    let follows = true;
    let request = 0;
    let drag = null;
    const view = api.createView(requestFrame, PADDING_PX);
    const hooks = api.createHooks(name, stage, frame, { [frame]: view.matrix });

    function requestFrame() {
      if (!request) request = requestAnimationFrame(render);
    }

    function render() {
      request = 0;
      if (!view.isVisible()) return;
      draw(view.matrix(), view.size(), window.devicePixelRatio || 1);
      hooks.redraw();
    }

    function fit() {
      follows = true;
      if (view.isVisible() && box()) view.fit(box());
    }

    function zoom(factor, at) {
      follows = false;
      view.zoomAt(factor, at || view.size().map((side) => side / 2));
    }

    function press(text, label, action) {
      const button = element(buttons, "button", "sm-align-button", { type: "button", "aria-label": label, title: label });
      button.textContent = text;
      button.addEventListener("click", action);
    }
    press("+", "Zoom in", () => zoom(1.4));
    press("−", "Zoom out", () => zoom(1 / 1.4));
    press("Fit", "Fit in view and follow the overlay again (Z)", fit);

    const place = (event) => {
      const bounds = stage.getBoundingClientRect();
      return [event.clientX - bounds.left, event.clientY - bounds.top];
    };
    stage.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      stage.focus({ preventScroll: true });
      stage.setPointerCapture(event.pointerId);
      drag = { from: place(event), ...view.state() };
    });
    stage.addEventListener("pointermove", (event) => {
      if (!drag) return;
      const at = place(event);
      if (Math.hypot(at[0] - drag.from[0], at[1] - drag.from[1]) < 3) return;
      follows = false;
      view.set(drag.zoom, drag.x + at[0] - drag.from[0], drag.y + at[1] - drag.from[1]);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      stage.addEventListener(end, () => {
        drag = null;
      });
    }
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      const unit = [1, 16, view.size()[1]][event.deltaMode]; // px, lines, pages
      zoom(Math.exp(-event.deltaY * unit * (event.ctrlKey ? 0.01 : 0.0015)), place(event));
    }, { passive: false });
    stage.addEventListener("keydown", (event) => {
      const action = { "+": () => zoom(1.4), "=": () => zoom(1.4), "-": () => zoom(1 / 1.4), z: fit }[event.key];
      if (!action || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation();
      action();
    });
    const observer = new ResizeObserver(() => {
      view.resize(stage.clientWidth, stage.clientHeight);
      if (follows) fit();
    });
    observer.observe(stage);

    return {
      stage,
      root,
      hooks,
      redraw: requestFrame,
      fit,
      /** Show the same place as the overlay, as much larger than fitted as it does. */
      follow(ratio, center) {
        if (!follows || !view.isVisible() || !box()) return;
        view.fit(box());
        if (ratio <= FOLLOW_FROM) return;
        const zoomed = view.state().zoom * ratio;
        const [width, height] = view.size();
        view.set(zoomed, width / 2 - zoomed * center[0], height / 2 - zoomed * center[1]);
      },
      destroy() {
        observer.disconnect();
        cancelAnimationFrame(request);
        root.remove();
      },
    };
  }

  /**
   * Both panes beside a mounted overlay.
   *
   * hosts     {msi, he}: elements to fill
   * options   those of the overlay, see align.js
   * overlay   its handle
   */
  function createPanes(hosts, options, overlay) {
    const { affine, layers } = api;
    const rings = layers.ringsOf(options.outline);

    const msi = createPane(hosts.msi, {
      name: "msi", frame: "sm", title: "Metabolites alone",
      box: () => section.box,
      draw(view, _size, density) {
        section.sharpen(view, density);
        section.place(view);
        for (const line of lines) line.setAttribute("transform", affine.css(view));
      },
    });
    const section = layers.createSection(msi.stage, options.smXY, options.smPitch);
    const svg = layers.shape(msi.stage, "svg", "sm-align-frame", { "aria-hidden": "true" });
    const lines = ["sm-align-outline-halo", "sm-align-outline"].map((name) =>
      layers.shape(svg, "path", name, { d: layers.pathOf(rings), "vector-effect": "non-scaling-stroke" }),
    );
    if (options.smColor) section.setColors(options.smColor);

    const he = createPane(hosts.he, {
      name: "he", frame: "st", title: options.imageUrl ? "Histology alone" : "ST spots alone",
      box: () => layers.boxOf(backdrop.boxes().flat(), 0),
      draw(view, size, density) {
        backdrop.place(view, size, density);
      },
    });
    const backdrop = api.createBackdrop(he.stage, options, { onLoad: he.fit, onMissing: () => setSpots(true) });
    const toggle = layers.element(he.root, "button", "sm-align-button sm-align-toggle", {
      type: "button", "aria-pressed": backdrop.spotsOn(), title: "Show the ST spots",
    });
    toggle.textContent = "ST spots";
    toggle.addEventListener("click", () => setSpots(!backdrop.spotsOn()));

    function setSpots(on) {
      toggle.setAttribute("aria-pressed", on);
      backdrop.setSpots(on);
      he.redraw();
    }

    const stop = overlay.onView(({ ratio, center, pose }) => {
      he.follow(ratio, center);
      msi.follow(ratio, affine.apply(affine.invert(pose), center));
    });
    Object.assign(msi.hooks.pane, {
      section,
      setOutline(next) {
        for (const line of lines) line.setAttribute("d", layers.pathOf(next));
      },
    });

    return {
      msi: msi.hooks.pane,
      he: he.hooks.pane,
      setTint: (rgb) => section.setColors(rgb),
      setPointSize: (fraction) => section.setSize(fraction),
      destroy() {
        stop();
        msi.destroy();
        he.destroy();
      },
    };
  }

  api.createPanes = createPanes;
})();
