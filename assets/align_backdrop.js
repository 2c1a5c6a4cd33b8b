/** What the SM section is laid on: the histology and the ST spots, in full-resolution px of the ST image. */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const PAINTED_SPOT = 0.35; // radius of a spot in a thumbnail, of the pitch

  /**
   * options    imageUrl, imageScale, stXY, stPitch and bounds of the overlay, see align.js
   * onLoad     () => void, the picture has arrived
   * onMissing  () => void, it cannot be loaded; the spots are shown instead
   */
  function createBackdrop(parent, options, { onLoad, onMissing }) {
    const { layers } = api;
    const { imageUrl, imageScale, stXY, stPitch } = options;
    let missing = false;
    let spotsOn = !imageUrl;
    const image = imageUrl ? layers.createImage(parent, imageUrl, imageScale, { onLoad, onError: lose }) : null;
    const spots = layers.createSpots(parent, stXY, stPitch);
    spots.setVisible(spotsOn);

    function lose() {
      missing = true;
      image.hide();
      setSpots(true);
      onMissing();
    }

    function setSpots(on) {
      spotsOn = on;
      spots.setVisible(on);
    }

    const hasImage = () => image !== null && !missing;

    return {
      hasImage,
      setSpots,
      spotsOn: () => spotsOn,
      /** Boxes worth showing. */
      boxes: () =>
        options.bounds ? [options.bounds] : [hasImage() && image.box(), layers.boxOf(stXY, stPitch)].filter(Boolean),
      place(view, [width, height], density) {
        if (image) image.place(view);
        spots.draw(view, width, height, density, getComputedStyle(parent).color);
      },
      /** Draw into another canvas. */
      paint(context, view) {
        if (hasImage() && image.box()) {
          image.paint(context, view);
          return;
        }
        context.setTransform(...api.affine.cssOrder(view));
        context.fillStyle = getComputedStyle(parent).color;
        const radius = stPitch * PAINTED_SPOT;
        for (let i = 0; i < stXY.length; i += 2) {
          context.fillRect(stXY[i] - radius, stXY[i + 1] - radius, 2 * radius, 2 * radius);
        }
      },
    };
  }

  api.createBackdrop = createBackdrop;
})();
