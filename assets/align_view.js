/**
 * Where the viewer stands: zoom and pan over full-resolution pixels. Never touches the pose.
 */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const FIT_PADDING_PX = 44; // room for the handles
  const SMALLEST_ZOOM = 0.02; // times the zoom at which everything fits
  const LARGEST_ZOOM = 60;

  /** `onChange` is called after every change; `size` is the view's width and height in CSS pixels. */
  function createView(onChange, padding = FIT_PADDING_PX) {
    let [zoom, x, y] = [1, 0, 0];
    let fitZoom = 1;
    let size = [0, 0];
    let fitted = false; // since the last fit nothing but the size has changed

    function set(nextZoom, nextX, nextY) {
      [zoom, x, y] = [nextZoom, nextX, nextY];
      fitted = false;
      onChange();
    }

    return {
      set,
      matrix: () => [zoom, 0, x, 0, zoom, y],
      state: () => ({ zoom, x, y }),
      size: () => size,
      /** The zoom at which everything fits. */
      fitZoom: () => fitZoom,
      isFitted: () => fitted,
      isVisible: () => size[0] > 0 && size[1] > 0,
      toFull: ([sx, sy]) => [(sx - x) / zoom, (sy - y) / zoom],

      /** Zoom around a screen point, which stays put. */
      zoomAt(factor, [sx, sy]) {
        const next = Math.min(Math.max(zoom * factor, fitZoom * SMALLEST_ZOOM), fitZoom * LARGEST_ZOOM);
        set(next, sx - (sx - x) * (next / zoom), sy - (sy - y) * (next / zoom));
      },

      /** Show the box [x0, y0, x1, y1] as large as it goes. */
      fit([x0, y0, x1, y1]) {
        const room = size.map((side) => Math.max(side - 2 * padding, side / 2));
        fitZoom = Math.min(room[0] / (x1 - x0), room[1] / (y1 - y0));
        set(fitZoom, (size[0] - fitZoom * (x0 + x1)) / 2, (size[1] - fitZoom * (y0 + y1)) / 2);
        fitted = true;
      },

      /** Take a new size and keep the middle in the middle. */
      resize(width, height) {
        const before = size;
        size = [width, height];
        const wasFitted = fitted;
        set(zoom, x + (width - before[0]) / 2, y + (height - before[1]) / 2);
        fitted = wasFitted;
      },
    };
  }

  api.createView = createView;
})();
