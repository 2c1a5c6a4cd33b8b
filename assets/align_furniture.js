/** What lies on the overlay beside the tissue: scale bar, orientation chip, readout, zoom buttons. */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const BAR_TARGET_PX = 120;

  /** A round number: 1, 2 or 5 times a power of ten, at most `limit`. */
  function roundLength(limit) {
    const power = 10 ** Math.floor(Math.log10(limit));
    return ([5, 2, 1].find((step) => step * power <= limit * (1 + 1e-9)) || 1) * power;
  }

  /** Scale bar, orientation chip, gesture readout and the zoom buttons. */
  function createFurniture(parent, umPerPx, { onZoom, onFit }) {
    const { element } = api.layers;
    const bar = element(parent, "div", "sm-align-scale");
    bar.classList.toggle("sm-align-unknown", !umPerPx);
    if (!umPerPx) bar.title = "The pixel size is not known, so lengths are in pixels.";
    const label = element(bar, "span", "sm-align-scale-label");
    const line = element(bar, "span", "sm-align-scale-line");
    const chip = element(parent, "div", "sm-align-chip");
    const readout = element(parent, "div", "sm-align-readout");
    const note = element(parent, "div", "sm-align-note", { role: "status" });
    const buttons = element(parent, "div", "sm-align-buttons", { role: "group", "aria-label": "View" });
    const press = (text, name, action) => {
      const button = element(buttons, "button", "sm-align-button", { type: "button", "aria-label": name, title: name });
      button.textContent = text;
      button.addEventListener("click", action);
    };
    press("+", "Zoom in", () => onZoom(1.4));
    press("−", "Zoom out", () => onZoom(1 / 1.4));
    press("Fit", "Fit both sections in view (Z)", onFit);
    return {
      setZoom(zoom) {
        const unit = umPerPx || 1;
        const length = roundLength((BAR_TARGET_PX * unit) / zoom);
        label.textContent = api.words.lengthText(length, umPerPx);
        line.style.width = `${(length / unit) * zoom}px`;
      },
      setChip(text) {
        chip.textContent = text;
      },
      setNote(text) {
        note.textContent = text;
      },
      setReadout(text) {
        readout.textContent = text;
        readout.classList.toggle("sm-align-shown", Boolean(text));
      },
    };
  }

  api.createFurniture = createFurniture;
})();
