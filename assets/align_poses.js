/** Poses from elsewhere: the clipboard, a thumbnail, another project. Each is one step that can be undone. */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const page = (api.page = api.page || {});
  const NOT_ALLOWED = "This browser lets no page use the clipboard here. Click the overlay and press Ctrl+C or Ctrl+V, " +
    "or use 'Save pose' and 'Load pose'.";
  const NO_POSE = "The clipboard holds no pose. Press 'Copy pose' in the other project or window first.";

  /** The pose as text, in the form of a saved alignment. */
  function text() {
    const m = page.handle.getMatrix();
    return JSON.stringify({
      format: "spatialmeta pose",
      schema: 1,
      units: "source coordinates -> pixels of the full-resolution ST image, x right, y down",
      matrix: [m.slice(0, 3), m.slice(3)],
    });
  }

  /** The six numbers of a copied pose or a saved alignment; null for any other text. */
  function poseOf(copied) {
    try {
      return api.affine.checked(JSON.parse(copied).matrix.flat());
    } catch {
      return null;
    }
  }

  function take(copied) {
    const matrix = poseOf(copied);
    if (matrix) page.apply({ matrix, reason: "paste" });
    else page.say(NO_POSE);
  }

  async function copy() {
    if (!page.handle) return "";
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      page.say(NOT_ALLOWED);
      return "";
    }
    return "Pose copied.";
  }

  async function paste() {
    if (!page.handle) return page.noUpdate();
    let copied = "";
    try {
      copied = await navigator.clipboard.readText();
    } catch {
      page.say(NOT_ALLOWED);
      return page.noUpdate();
    }
    take(copied);
    return page.noUpdate();
  }

  const onOverlay = () => page.handle && document.activeElement === page.handle.pane.stage;

  document.addEventListener("copy", (event) => {
    if (!onOverlay()) return;
    event.preventDefault();
    event.clipboardData.setData("text/plain", text());
    page.set("align-copied", { children: "Pose copied." });
  });

  document.addEventListener("paste", (event) => {
    if (!onOverlay()) return;
    event.preventDefault();
    take(event.clipboardData.getData("text/plain"));
  });

  /** The pose of another project has arrived: {project, matrix}. */
  function borrow(found) {
    if (found && found.project === page.project) page.apply({ matrix: found.matrix, reason: "other project" });
    return page.noUpdate();
  }

  document.addEventListener("click", (event) => {
    const thumb = event.target.closest("button[data-pose]");
    if (thumb && page.handle) page.apply({ matrix: JSON.parse(thumb.dataset.pose), reason: "orientation" });
  });

  Object.assign(page, { copy, paste, borrow });
})();
