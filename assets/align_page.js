/**
 * The align page in the browser: mounts overlay and side panes on the scene the server describes, and wires the
 * page's tools to them. `SpatialMetaAlign.page` is the state all parts of the page share:
 *
 *   align_sync.js     poses to and from the server, what a review shows
 *   align_numbers.js  the pose in number boxes
 *   align_appear.js   colors, layers, steps, panes
 *   align_poses.js    poses that are copied, pasted, taken from thumbnails or other projects
 *   align_thumbs.js   thumbnails
 *
 * `SpatialMetaAlign.onMount(fn)` calls fn({handle, panes, scene}) at every mount, at once if one is there.
 */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const watchers = new Set();
  const page = (api.page = Object.assign(api.page || {}, {
    handle: null,
    panes: null,
    scene: null,
    project: "",
    key: "",
    loading: "",
    pose: null, // newest pose from the server
    hand: null, // the state in force; differs from the one shown during a review
    view: null, // value of the view under review, or null
    result: null, // the alignment that is drawn, a view or the pose from the server; null for a hand pose
    warp: "", // which local warp is drawn
    warpedXY: null, // where it draws the SM pixels, in their own frame
    outbox: [],
    resend: 0,
    acknowledged: -1,
    tint: "total",
    quiet: false, // while the history is replayed
  }));

  const byId = (id) => document.getElementById(id);

  Object.assign(page, {
    noUpdate: () => window.dash_clientside.no_update,
    set: (id, props) => window.dash_clientside.set_props(id, props),
    floats: (text) => new Float32Array(page.bytes(text).buffer),
    bytes: (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)),
    isShown: () => document.body.dataset.page === "align",
    triggered: () => window.dash_clientside.callback_context.triggered_id,

    async get(path) {
      const answer = await fetch(`/api/projects/${page.project}/align/${path}`);
      const body = await answer.json();
      if (!answer.ok) throw new Error(body.message || answer.statusText);
      return body;
    },

    complain(error) {
      page.say(`The overlay could not be drawn: ${error.message}`);
    },

    /** Put a sentence into the alert bar. */
    say(text) {
      page.set("alert-text", { children: text });
      page.set("alert", { hidden: false });
    },
  });

  // ---- mounting ------------------------------------------------------------------------------------------

  function unmount() {
    if (page.panes) page.panes.destroy();
    if (page.handle) page.handle.destroy(); // what it still has to say belongs to its own project
    Object.assign(page, { handle: null, panes: null });
    api.panes = null;
  }

  /** Draw the scene, once per pair of sections. */
  async function mount(wanted, tint) {
    const host = byId("align-overlay");
    if (!wanted || !wanted.key || !host) return page.noUpdate();
    const name = `${wanted.project} ${wanted.key}`;
    if (name === page.loading) return page.noUpdate();
    page.loading = name;
    unmount();
    page.project = wanted.project;
    let scene;
    try {
      scene = await page.get(`scene?tint=${encodeURIComponent(tint || "total")}`);
    } catch (error) {
      page.loading = "";
      page.complain(error);
      return page.noUpdate();
    }
    if (page.loading !== name) return page.noUpdate(); // another project was opened meanwhile
    const fresh = { acknowledged: -1, view: null, result: null, warp: "", tint: tint || "total" };
    Object.assign(page, { scene, key: scene.key, ...fresh });
    draw(host, scene);
    return { key: scene.key, project: wanted.project };
  }

  function draw(host, scene) {
    const stXY = page.floats(scene.st_xy);
    page.smXY = page.floats(scene.sm_xy);
    page.centroid = api.layers.meanOf(page.smXY);
    const options = {
      imageUrl: scene.image ? scene.image.url : null,
      imageScale: scene.image ? scene.image.scale : 1,
      stXY,
      smXY: page.smXY,
      smColor: page.bytes(scene.tint.rgb),
      outline: scene.outline,
      stPitch: scene.st_pitch,
      smPitch: scene.sm_pitch,
      umPerPx: scene.um_per_px,
      bounds: scene.target === "spots" ? api.layers.boxOf(stXY, scene.st_pitch) : null,
      matrix: scene.origin,
      marks: scene.origin_marks,
      onChange: page.changed,
    };
    page.handle = api.mount(host, options);
    page.panes = api.createPanes({ msi: byId("align-pane-msi"), he: byId("align-pane-he") }, options, page.handle);
    api.panes = { msi: page.panes.msi, overlay: page.handle.pane, he: page.panes.he };
    page.replay(scene);
    page.prepare(scene);
    page.sync(page.pose);
    watchers.forEach(tell);
    page.drawThumbs();
    page.tellMarks();
  }

  function tell(watcher) {
    watcher({ handle: page.handle, panes: api.panes, scene: page.scene });
  }

  api.onMount = (watcher) => {
    watchers.add(watcher);
    if (page.handle) tell(watcher);
    return () => watchers.delete(watcher);
  };

  // ---- tools ---------------------------------------------------------------------------------------------

  const BUTTONS = {
    "align-undo": () => page.walk("undo"),
    "align-redo": () => page.walk("redo"),
    "align-fit": () => page.handle.fit(),
    "align-reset": () => page.apply({ matrix: [...page.scene.start], reason: "reset" }),
    "align-flip-x": () => page.handle.nudge({ flip: "x" }),
    "align-flip-y": () => page.handle.nudge({ flip: "y" }),
    "align-left": () => page.handle.nudge({ rotateDeg: -90 }),
    "align-right": () => page.handle.nudge({ rotateDeg: 90 }),
    // of the frame: for whichever page is shown
    undo: () => page.walk("undo"),
    redo: () => page.walk("redo"),
  };

  function act() {
    const id = page.triggered();
    if (page.handle && page.isShown() && BUTTONS[id]) BUTTONS[id]();
    return page.noUpdate();
  }

  const call = (name) => (...values) => page[name](...values);
  const names = [
    "sync", "acknowledge", "choose", "type", "appear", "color", "same", "step", "panesShown", "copy", "paste", "borrow",
  ];
  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    spatialmeta_align: { mount, act, ...Object.fromEntries(names.map((name) => [name, call(name)])) },
  });
})();
