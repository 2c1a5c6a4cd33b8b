/** What the overlay shows and how: colors, layers, moves allowed by hand, steps and panes of the page. */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const page = (api.page = api.page || {});
  const GRID = "grid";
  const UNCERTAINTY = "sd";
  const RIGID = "rigid";
  const MOVES = [{ value: "free", label: "Freely" }, { value: "similarity", label: "Scale evenly" }];
  const ONLY_RIGID = [{ value: RIGID, label: "Move and turn only" }];
  const shown = { layers: [], hand: "free", grid: "", sd: "" };

  /** Prepare the page's controls for a scene that was just mounted. */
  function prepare(scene) {
    // Dash's sliders have no name of their own for screen readers
    for (const [id, name] of [["align-opacity", "Opacity"], ["align-size", "Point size"]]) {
      const slider = document.querySelector(`#${id} [role="slider"]`);
      if (slider) slider.setAttribute("aria-label", name);
    }
    const typed = document.querySelector("#align-opacity input");
    if (typed) typed.setAttribute("aria-label", "Opacity, 0 to 1");
    Object.assign(shown, { grid: "", sd: "" });
    page.scene.colors = page.bytes(scene.tint.rgb);
    explain(scene.tint);
    shown.layers = !scene.image || scene.target === "spots" ? ["spots"] : ["image"];
    page.set("align-layers", { value: shown.layers });
    page.set("align-unit", { children: scene.um_per_px ? "µm" : "px (pixel size unknown)" });
    page.showLayers();
    page.showNumbers();
  }

  // ---- layers --------------------------------------------------------------------------------------------

  const layerOptions = (result) => [
    { value: "image", label: "Histology", disabled: !page.scene.image },
    { value: "spots", label: "ST spots" },
    { value: GRID, label: "Warp grid", disabled: !(result && result.warp) },
    { value: UNCERTAINTY, label: "Uncertainty", disabled: !(result && result.sd) },
  ];

  function showLayers() {
    if (!page.handle) return;
    page.set("align-layers", { options: layerOptions(page.result) });
    drawGrid(page.result && shown.layers.includes(GRID) ? page.result.warp : "");
    drawUncertainty(page.result && shown.layers.includes(UNCERTAINTY) ? page.result.sd : "");
  }

  async function drawGrid(name) {
    if (name === shown.grid) return;
    shown.grid = name;
    const handle = page.handle;
    if (!name) {
      handle.setGrid([]);
      return;
    }
    const found = await page.get(`grid/${name}`).catch(page.complain);
    if (found && name === shown.grid && handle === page.handle) handle.setGrid(found.lines);
  }

  /** Color the section by the standard deviation of its place, or by what was chosen. */
  async function drawUncertainty(name) {
    if (name === shown.sd) return;
    shown.sd = name;
    if (!name) {
      tint(page.scene.colors);
      explain(page.scene.tint);
      return;
    }
    const [handle, found] = [page.handle, await page.get(`uncertainty/${name}`).catch(page.complain)];
    if (!found || name !== shown.sd || handle !== page.handle) return;
    tint(page.bytes(found.rgb));
    explain(found);
  }

  function tint(rgb) {
    page.handle.setTint(rgb);
    page.panes.setTint(rgb);
    page.drawThumbs();
  }

  function appear(opacity, size, layers, hand) {
    if (!page.handle) return page.noUpdate();
    if (hand !== RIGID) shown.hand = hand || "free";
    shown.layers = layers || [];
    page.handle.setOpacity(opacity);
    page.handle.setPointSize(size);
    page.panes.setPointSize(size);
    page.handle.setLocked(page.lock() === "free" ? false : page.lock());
    page.handle.setSpotsVisible(shown.layers.includes("spots"));
    document.getElementById("align-overlay").classList.toggle("align-no-image", !shown.layers.includes("image"));
    showLayers();
    page.showNumbers();
    return page.noUpdate();
  }

  async function color(by) {
    if (!page.handle || !by || by === page.tint) return page.noUpdate();
    page.tint = by;
    const [handle, found] = [page.handle, await page.get(`tint?by=${encodeURIComponent(by)}`).catch(page.complain)];
    if (!found || by !== page.tint || handle !== page.handle) return page.noUpdate();
    Object.assign(page.scene, { tint: found, colors: page.bytes(found.rgb) });
    if (shown.sd) {
      page.set("align-layers", { value: shown.layers.filter((layer) => layer !== UNCERTAINTY) });
    } else {
      tint(page.scene.colors);
      explain(found);
    }
    return page.noUpdate();
  }

  /** What the colors mean, below the list of choices. */
  function explain({ label, low, high }) {
    const part = (className, children) => ({
      type: "Span",
      namespace: "dash_html_components",
      props: { className, children },
    });
    const ends = low ? [part("", low), part("align-ramp", ""), part("", high)] : [];
    page.set("align-tint-note", { children: [part("align-tint-label", label), part("align-tint-ends", ends)] });
  }

  // ---- same section --------------------------------------------------------------------------------------

  /** Which moves are allowed by hand: "free", "similarity" or "rigid". */
  const lock = () => (page.handle && page.handle.getMarks().same_section ? RIGID : shown.hand);

  /** The switch was set: both sections are one, so nothing but moves and turns. */
  function same(value) {
    if (!page.handle) return page.noUpdate();
    const [on, { same_section: was, ...others }] = [(value || []).length > 0, page.handle.getMarks()];
    if (on !== Boolean(was)) page.apply({ marks: on ? { ...others, same_section: true } : others, reason: "same section" });
    return page.noUpdate();
  }

  /** Other marks are in force. */
  function tellMarks() {
    const marks = page.handle.getMarks();
    document.dispatchEvent(new CustomEvent("sm-align-marks", { detail: { marks } }));
  }

  document.addEventListener("sm-align-marks", () => {
    if (!page.handle) return;
    const rigid = lock() === RIGID;
    page.set("align-same", { value: rigid ? ["same"] : [] });
    page.set("align-lock", { value: lock(), options: rigid ? ONLY_RIGID : MOVES, disabled: rigid });
    page.set("align-scratch", { disabled: rigid });
    page.handle.setLocked(lock() === "free" ? false : lock());
  });

  // keys in the overlay change the opacity too
  document.addEventListener("sm-align-view", (event) => page.set("align-opacity", { value: event.detail.opacity }));

  // ---- steps and panes -----------------------------------------------------------------------------------

  /** Which of the step buttons was pressed: hidden or not for each panel, pressed or not for each button. */
  function step(...clicks) {
    const names = clicks.map((_, i) => ["rough", "landmarks", "automatic", "warp"][i]);
    const found = names.findIndex((name) => page.triggered() === `align-step-${name}`);
    const chosen = found < 0 ? 0 : found;
    page.drawThumbs();
    const marks = names.map((_, i) => String(i === chosen));
    return [...names.map((_, i) => i !== chosen), ...marks, `align-grid align-on-${names[chosen]}`];
  }

  function panesShown(clicks) {
    const on = (clicks || 0) % 2 === (window.matchMedia("(max-width: 1250px)").matches ? 1 : 0);
    return [on ? "align-panes" : "align-panes align-panes-closed", String(on)];
  }

  Object.assign(page, { prepare, showLayers, appear, color, lock, same, tellMarks, step, panesShown });
})();
