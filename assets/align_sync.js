/**
 * Keeps the overlay in step with the history on the server, which is the truth.
 *
 * A state set here is drawn at once and sent through an outbox, one at a time and in order; a state from the
 * server is taken over only when the outbox is empty and it is newer than what was last recorded. While an
 * automatic result is under review the overlay shows one of its views, which are not states of the history.
 */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const page = (api.page = api.page || {});
  const RESEND_MS = 15000;
  const SETTLE_MS = 30;
  const HAND = "hand";

  const handView = () => `${page.view.split("/")[0]}/${HAND}`;
  const isReviewing = () => Boolean(page.view) && !page.view.endsWith(HAND);

  // ---- to the server -------------------------------------------------------------------------------------

  /** The overlay's state was changed by the user. */
  function changed(matrix, reason, marks) {
    if (page.quiet) return;
    if (isReviewing()) {
      page.view = handView();
      page.set("align-view", { value: page.view });
    }
    showResult(page.pose && page.pose.accepted && api.affine.equal(matrix, page.pose.matrix) ? page.pose : null);
    page.showNumbers();
    page.outbox.push({ id: `${Date.now()}-${Math.random()}`, project: page.project, matrix, reason, marks });
    if (page.outbox.length === 1) send();
  }

  function send() {
    clearTimeout(page.resend);
    if (!page.outbox.length) return;
    page.set("align-change", { data: page.outbox[0] });
    page.resend = setTimeout(() => {
      page.outbox.shift(); // refused or lost, the alert bar says why: back to the state on the server
      send();
      sync(page.pose);
    }, RESEND_MS);
  }

  function acknowledge(ack) {
    if (ack && page.outbox.length && ack.id === page.outbox[0].id) {
      const { project } = page.outbox.shift();
      if (project === page.project) page.acknowledged = Math.max(page.acknowledged, ack.revision);
      send();
      if (!page.outbox.length && page.pose && page.pose.revision >= page.acknowledged) sync(page.pose);
    }
    return page.noUpdate();
  }

  // ---- from the server -----------------------------------------------------------------------------------

  /** Give the overlay the history of the server, so that undo and redo go on after a reload. */
  function replay({ poses, marks, cursor }) {
    page.quiet = true;
    poses.forEach((matrix, i) => page.handle.setState({ matrix, marks: marks[i] }));
    for (let i = poses.length; i > cursor; i -= 1) page.handle.undo();
    page.quiet = false;
  }

  /** Take over what the server says, unless something of ours is still on its way. */
  function sync(pose) {
    page.pose = pose || page.pose;
    if (!pose || !page.handle || pose.project !== page.project || pose.key !== page.key) return page.noUpdate();
    // a gesture under way ends in a change of ours, whose acknowledgement brings us back here
    if (page.handle.isBusy()) return page.noUpdate();
    if (page.outbox.length || pose.revision < page.acknowledged) return page.noUpdate();
    const reviewed = page.view !== null;
    if (!pose.views.some((view) => view.value === page.view)) page.view = pose.views.length ? pose.views[0].value : null;
    const { matrix, marks } = pose;
    if (page.view === null) {
      // an accepted result is one step of the history, from the pose before the review
      if (reviewed && !api.affine.equal(page.hand, matrix)) page.handle.setState({ matrix: page.hand }, { record: false });
      page.hand = matrix;
      show({ ...pose, marks }, { record: true });
    } else {
      page.hand = matrix;
      show({ ...shownView(), marks }, { record: false });
    }
    return page.noUpdate();
  }

  const shownView = () => page.pose.views.find((view) => view.value === page.view);

  function show(found, { record }) {
    const { matrix, marks } = found;
    page.handle.setState(marks ? { matrix, marks } : { matrix }, { animate: true, record });
    showResult(found.warp || found.sd ? found : null);
    page.showNumbers();
  }

  /** Draw what belongs to an alignment beside its pose: local warp, grid, uncertainty. */
  function showResult(result) {
    page.result = result;
    drawWarp(result ? result.warp : "");
    page.showLayers();
  }

  /** Draw the local warp of an alignment, "artefact?revision", or none. */
  async function drawWarp(warp) {
    if (warp === page.warp) return;
    Object.assign(page, { warp, warpedXY: null });
    if (!warp) {
      page.handle.setSection(page.smXY, page.scene.outline);
      return;
    }
    const [handle, found] = [page.handle, await page.get(`warped/${warp}`).catch(page.complain)];
    if (!found || warp !== page.warp || handle !== page.handle) return;
    page.warpedXY = page.floats(found.sm_xy);
    handle.setSection(page.warpedXY, found.outline);
  }

  // ---- review --------------------------------------------------------------------------------------------

  /** Choose what the overlay shows during a review. The value tells whether it can be accepted. */
  function choose(value) {
    const found = page.pose && page.pose.views.find((each) => each.value === value);
    if (found && page.handle && value !== page.view) {
      page.view = value;
      show(found, { record: false });
    }
    return !value || value.endsWith(HAND);
  }

  /** Undo or redo; undoing the choice of a view leads back to the hand pose. */
  function walk(direction) {
    if (isReviewing()) page.set("align-view", { value: handView() });
    else page.handle[direction]();
  }

  /** Set a pose, marks or both as one step that can be undone. */
  function apply({ matrix, marks, reason }) {
    if (!page.handle) return;
    if (isReviewing()) {
      page.view = handView();
      page.set("align-view", { value: page.view });
      page.handle.setState({ matrix: page.hand }, { record: false });
    }
    const next = { ...(matrix ? { matrix } : {}), ...(marks ? { marks } : {}) };
    page.handle.step(next, reason || "set");
  }

  /** Resolves when the server knows every state set here. */
  async function settled() {
    while (page.outbox.length) await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  }

  Object.assign(page, { changed, acknowledge, replay, sync, choose, walk, apply, settled });
})();
