/**
 * The align page in the browser: mounts the overlay (align.js) on the scene the server describes, keeps the
 * pose in step with the history on the server, and wires the page's tools.
 *
 * The server's history is the truth. A pose set here is drawn at once and sent through an outbox, one at a
 * time and in order; a pose from the server is taken over only when the outbox is empty and it is newer than
 * what was last recorded. While an automatic result is under review the overlay shows one of its views, which
 * are not poses of the history.
 */
(function () {
  "use strict";

  const RESEND_MS = 15000;
  const HAND = "hand";

  const page = {
    handle: null,
    scene: null,
    project: "",
    key: "",
    loading: "",
    pose: null, // newest pose from the server
    hand: null, // the pose in force; differs from the one shown during a review
    view: null, // value of the view under review, or null
    warp: "", // which local warp is drawn
    outbox: [],
    resend: 0,
    acknowledged: -1,
    lock: "free",
    tint: "total",
    quiet: false, // while the history is replayed
  };

  // ---- small things --------------------------------------------------------------------------------------

  const noUpdate = () => window.dash_clientside.no_update;
  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const affine = () => window.SpatialMetaAlign.affine;
  const floats = (text) => new Float32Array(bytes(text).buffer);

  function bytes(text) {
    return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  }

  async function get(path) {
    const answer = await fetch(`/api/projects/${page.project}/align/${path}`);
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.message || answer.statusText);
    return body;
  }

  function complain(error) {
    set("alert-text", { children: `The overlay could not be drawn: ${error.message}` });
    set("alert", { hidden: false });
  }

  // ---- mounting ------------------------------------------------------------------------------------------

  /** Draw the scene, once per pair of sections. */
  async function mount(wanted, tint) {
    const host = document.getElementById("align-overlay");
    if (!wanted || !wanted.key || !host) return noUpdate();
    const name = `${wanted.project} ${wanted.key}`;
    if (name === page.loading) return noUpdate();
    page.loading = name;
    if (page.handle) page.handle.destroy(); // what it still has to say belongs to its own project
    Object.assign(page, { handle: null, project: wanted.project });
    let scene;
    try {
      scene = await get(`scene?tint=${encodeURIComponent(tint || "total")}`);
    } catch (error) {
      page.loading = "";
      complain(error);
      return noUpdate();
    }
    if (page.loading !== name) return noUpdate(); // another project was opened meanwhile
    Object.assign(page, { scene, key: scene.key, acknowledged: -1, view: null, warp: "", tint: tint || "total" });
    page.smXY = floats(scene.sm_xy);
    page.centroid = window.SpatialMetaAlign.layers.meanOf(page.smXY);
    const stXY = floats(scene.st_xy);
    page.handle = window.SpatialMetaAlign.mount(host, {
      imageUrl: scene.image ? scene.image.url : null,
      imageScale: scene.image ? scene.image.scale : 1,
      stXY,
      smXY: page.smXY,
      smColor: bytes(scene.tint.rgb),
      outline: scene.outline,
      stPitch: scene.st_pitch,
      smPitch: scene.sm_pitch,
      umPerPx: scene.um_per_px,
      bounds: scene.target === "spots" ? window.SpatialMetaAlign.layers.boxOf(stXY, scene.st_pitch) : null,
      matrix: scene.origin,
      onChange: changed,
    });
    replay(scene);
    nameSliders();
    explainTint(scene.tint);
    const layers = !scene.image || scene.target === "spots" ? ["spots"] : ["image"];
    set("align-layers", {
      value: layers,
      options: [
        { value: "image", label: "Histology", disabled: !scene.image },
        { value: "spots", label: "ST spots" },
      ],
    });
    set("align-unit", { children: scene.um_per_px ? "µm" : "px (pixel size unknown)" });
    showNumbers();
    sync(page.pose);
    return { key: scene.key, project: wanted.project };
  }

  /** Dash's sliders have no name of their own for screen readers. */
  function nameSliders() {
    for (const [id, name] of [["align-opacity", "Opacity"], ["align-size", "Point size"]]) {
      const slider = document.querySelector(`#${id} [role="slider"]`);
      if (slider) slider.setAttribute("aria-label", name);
    }
  }

  /** Give the overlay the history of the server, so that undo and redo go on after a reload. */
  function replay({ poses, cursor }) {
    page.quiet = true;
    for (const matrix of poses) page.handle.setMatrix(matrix);
    for (let i = poses.length; i > cursor; i -= 1) page.handle.undo();
    page.quiet = false;
  }

  // ---- poses to and from the server ----------------------------------------------------------------------

  /** The overlay's pose was changed by the user. */
  function changed(matrix, reason) {
    if (page.quiet) return;
    if (page.view && !page.view.endsWith(HAND)) {
      page.view = `${page.view.split("/")[0]}/${HAND}`;
      set("align-view", { value: page.view });
    }
    drawWarp("");
    showNumbers();
    page.outbox.push({ id: `${Date.now()}-${Math.random()}`, project: page.project, matrix, reason });
    if (page.outbox.length === 1) send();
  }

  function send() {
    clearTimeout(page.resend);
    if (!page.outbox.length) return;
    set("align-change", { data: page.outbox[0] });
    page.resend = setTimeout(() => {
      page.outbox.shift(); // refused or lost, the alert bar says why: back to the pose on the server
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
    return noUpdate();
  }

  /** Take over what the server says, unless something of ours is still on its way. */
  function sync(pose) {
    page.pose = pose || page.pose;
    if (!pose || !page.handle || pose.project !== page.project || pose.key !== page.key) return noUpdate();
    // a gesture under way ends in a change of ours, whose acknowledgement brings us back here
    if (page.handle.isBusy()) return noUpdate();
    if (page.outbox.length || pose.revision < page.acknowledged) return noUpdate();
    const reviewed = page.view !== null;
    if (!pose.views.some((view) => view.value === page.view)) page.view = pose.views.length ? pose.views[0].value : null;
    if (page.view === null) {
      // an accepted result is one step of the history, from the pose before the review
      if (reviewed && !affine().equal(page.hand, pose.matrix)) page.handle.setMatrix(page.hand, { record: false });
      page.hand = pose.matrix;
      show(pose, { record: true });
    } else {
      page.hand = pose.matrix;
      show(pose.views.find((view) => view.value === page.view), { record: false });
    }
    return noUpdate();
  }

  function show({ matrix, warp }, { record }) {
    if (!affine().equal(matrix, page.handle.getMatrix())) {
      page.handle.setMatrix(matrix, { animate: true, record });
    }
    drawWarp(warp);
    showNumbers();
  }

  /** Draw the local warp of an alignment, "artefact?revision", or none. */
  async function drawWarp(warp) {
    if (warp === page.warp) return;
    page.warp = warp;
    if (!warp) {
      page.handle.setSection(page.smXY, page.scene.outline);
      return;
    }
    const [handle, found] = [page.handle, await get(`warped/${warp}`).catch(complain)];
    if (found && warp === page.warp && handle === page.handle) handle.setSection(floats(found.sm_xy), found.outline);
  }

  // ---- tools ---------------------------------------------------------------------------------------------

  /** Choose what the overlay shows during a review. The value tells whether it can be accepted. */
  function view(value) {
    const found = page.pose && page.pose.views.find((each) => each.value === value);
    if (found && page.handle && value !== page.view) {
      page.view = value;
      show(found, { record: false });
    }
    return !value || value.endsWith(HAND);
  }

  function stepHistory(direction) {
    if (page.view && !page.view.endsWith(HAND)) {
      set("align-view", { value: `${page.view.split("/")[0]}/${HAND}` });
    } else {
      page.handle[direction]();
    }
  }

  const BUTTONS = {
    "align-undo": () => stepHistory("undo"),
    "align-redo": () => stepHistory("redo"),
    "align-fit": () => page.handle.fit(),
    "align-reset": () => {
      page.handle.setMatrix(page.scene.start, { animate: true });
      changed([...page.scene.start], "reset");
    },
    "align-flip-x": () => page.handle.nudge({ flip: "x" }),
    "align-flip-y": () => page.handle.nudge({ flip: "y" }),
    "align-left": () => page.handle.nudge({ rotateDeg: -90 }),
    "align-right": () => page.handle.nudge({ rotateDeg: 90 }),
    // of the frame: for whichever page is shown
    undo: () => stepHistory("undo"),
    redo: () => stepHistory("redo"),
  };

  function act() {
    const { triggered_id: id } = window.dash_clientside.callback_context;
    if (page.handle && document.body.dataset.page === "align" && BUTTONS[id]) BUTTONS[id]();
    return noUpdate();
  }

  // ---- numbers -------------------------------------------------------------------------------------------

  const BOXES = ["align-angle", "align-scale-x", "align-scale-y", "align-shift-x", "align-shift-y"];

  /** The pose as the boxes show it; rounded so that typing one box leaves the others as they are. */
  function numbers() {
    const matrix = page.handle.getMatrix();
    const { angleDeg, scaleX, scaleY } = window.SpatialMetaAlign.readout(matrix);
    const center = affine().apply(matrix, page.centroid).map((value) => value * (page.scene.um_per_px || 1));
    const scale = (value) => Number(value.toPrecision(5));
    return [Number(angleDeg.toFixed(2)) + 0, scale(scaleX), scale(scaleY), ...center.map((v) => Number(v.toFixed(1)))];
  }

  function showNumbers() {
    numbers().forEach((value, i) => set(BOXES[i], { value }));
    const { flipped } = window.SpatialMetaAlign.readout(page.handle.getMatrix());
    set("align-flipped", { children: flipped ? "yes" : "no" });
    const rigid = page.lock === "rigid";
    set("align-scale-x", { disabled: rigid });
    set("align-scale-y", { disabled: rigid });
    set("align-undo", { disabled: !page.handle.canUndo() });
    set("align-redo", { disabled: !page.handle.canRedo() });
  }

  /** A number was typed: turn and scale around the section's center, or move it. */
  function type(...values) {
    if (!page.handle) return noUpdate();
    const shown = numbers();
    const { triggered_id: id } = window.dash_clientside.callback_context;
    const box = BOXES.indexOf(id);
    if (box < 0 || values[box] === shown[box]) return noUpdate();
    const value = values[box];
    const isScale = box === 1 || box === 2;
    if (!Number.isFinite(value) || (isScale && value <= 0)) {
      showNumbers();
      return noUpdate();
    }
    page.handle.nudge(nudgeOf(box, value, shown[box]));
    return noUpdate();
  }

  function nudgeOf(box, value, before) {
    if (box === 0) return { rotateDeg: value - before };
    if (box > 2) return { [box === 3 ? "moveX" : "moveY"]: (value - before) / (page.scene.um_per_px || 1) };
    const factor = value / before;
    if (page.lock === "similarity") return { scaleX: factor, scaleY: factor };
    return { [box === 1 ? "scaleX" : "scaleY"]: factor };
  }

  // ---- appearance ----------------------------------------------------------------------------------------

  function appear(opacity, size, layers, lock) {
    if (!page.handle) return noUpdate();
    page.lock = lock || "free";
    page.handle.setOpacity(opacity);
    page.handle.setPointSize(size);
    page.handle.setLocked(page.lock === "free" ? false : page.lock);
    page.handle.setSpotsVisible((layers || []).includes("spots"));
    document.getElementById("align-overlay").classList.toggle("align-no-image", !(layers || []).includes("image"));
    showNumbers();
    return noUpdate();
  }

  async function color(by) {
    if (!page.handle || !by || by === page.tint) return noUpdate();
    page.tint = by;
    const [handle, tint] = [page.handle, await get(`tint?by=${encodeURIComponent(by)}`).catch(complain)];
    if (tint && by === page.tint && handle === page.handle) {
      handle.setTint(bytes(tint.rgb));
      explainTint(tint);
    }
    return noUpdate();
  }

  /** What the colors mean, below the list of choices. */
  function explainTint({ label, low, high }) {
    const part = (className, children) => ({
      type: "Span",
      namespace: "dash_html_components",
      props: { className, children },
    });
    const ends = low ? [part("", low), part("align-ramp", ""), part("", high)] : [];
    set("align-tint-note", {
      children: [part("align-tint-label", label), { ...part("align-tint-ends", ends) }],
    });
  }

  // keys in the overlay change the opacity too
  document.addEventListener("sm-align-view", (event) => set("align-opacity", { value: event.detail.opacity }));

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    spatialmeta_align: { mount, sync, acknowledge, view, act, type, appear, color },
  });
})();
