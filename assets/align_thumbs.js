/**
 * Thumbnails of poses: every canvas with `data-pose`, six numbers as JSON, gets the histology or the ST spots
 * with the section on top. A button with `data-pose` is marked while its pose is the one shown.
 */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const page = (api.page = api.page || {});
  const PADDING = 0.04; // of the box shown
  const BACKDROP_ALPHA = 0.6;
  let request = 0;

  function drawThumbs() {
    if (!request) request = requestAnimationFrame(drawAll);
  }

  function drawAll() {
    request = 0;
    if (!page.handle) return;
    for (const canvas of document.querySelectorAll("canvas[data-pose]")) draw(canvas);
    markThumbs();
  }

  function draw(canvas) {
    const { affine } = api;
    const density = window.devicePixelRatio || 1;
    [canvas.width, canvas.height] = [canvas.clientWidth * density, canvas.clientHeight * density];
    if (!canvas.width) return; // not on screen
    const context = canvas.getContext("2d");
    const { backdrop, section } = page.handle.pane;
    const [x0, y0, x1, y1] = api.layers.boxOf(backdrop.boxes().flat(), 0);
    const zoom = (1 - 2 * PADDING) * Math.min(canvas.width / (x1 - x0), canvas.height / (y1 - y0));
    const view = [
      zoom, 0, canvas.width / 2 - (zoom * (x0 + x1)) / 2, 0, zoom, canvas.height / 2 - (zoom * (y0 + y1)) / 2,
    ];
    context.globalAlpha = BACKDROP_ALPHA;
    backdrop.paint(context, view);
    context.globalAlpha = 1;
    section.paint(context, affine.multiply(view, JSON.parse(canvas.dataset.pose)));
  }

  /** Mark the thumbnail of the pose that is shown. */
  function markThumbs() {
    const matrix = page.handle.getMatrix();
    for (const button of document.querySelectorAll("button[data-pose]")) {
      const isShown = api.affine.equal(JSON.parse(button.dataset.pose), matrix);
      button.setAttribute("aria-pressed", isShown);
    }
  }

  const observer = new MutationObserver((changes) => {
    const isThumb = (node) => node.nodeType === 1 && (node.matches("[data-pose]") || node.querySelector("[data-pose]"));
    if (changes.some(({ type, addedNodes }) => type === "attributes" || [...addedNodes].some(isThumb))) drawThumbs();
  });
  observer.observe(document, { childList: true, subtree: true, attributeFilter: ["data-pose"] });

  document.addEventListener("sm-align-image", drawThumbs);

  Object.assign(page, { drawThumbs, markThumbs });
})();
