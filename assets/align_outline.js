/**
 * The outline of the metabolomics section: its controls, drawn live while they move. The settings are part of
 * the history, `marks.outline`; absent means the defaults. The server works out the line and which pixels
 * count as tissue; the others are drawn dim.
 */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const DEFAULTS = Object.freeze({ closing: 0.8, min_piece: 0.015, by_total: false, min_total: 0 });
  const BURST_MS = 600;
  const LOG_STEP = 0.01;

  const editor = {
    handle: null,
    panes: null,
    scene: null,
    wanted: DEFAULTS, // what the controls say
    total: null, // log10 of the limit that the slider shows
    asking: false,
    again: false,
    timer: 0,
  };

  const byId = (id) => document.getElementById(id);
  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const noUpdate = () => window.dash_clientside.no_update;
  const same = (first, second) => Object.keys(DEFAULTS).every((name) => first[name] === second[name]);
  const inForce = () => ({ ...DEFAULTS, ...editor.handle.getMarks().outline });

  function say(text, isProblem) {
    const place = byId("align-outline-say");
    place.textContent = text;
    place.classList.toggle("align-say-problem", Boolean(isProblem));
  }

  // ---- the server's answer -------------------------------------------------------------------------------

  /** Ask for the outline that is wanted, one question at a time, and draw it. */
  async function preview() {
    if (editor.asking) {
      editor.again = true;
      return;
    }
    editor.asking = true;
    const { handle, wanted } = editor;
    const query = new URLSearchParams(Object.entries(wanted).map(([name, value]) => [name, Number(value)]));
    const answer = await api.page.get(`outline?${query}`).catch((error) => ({ problem: error.message }));
    editor.asking = false;
    if (handle !== editor.handle) return;
    if (answer.problem) say(answer.problem, true);
    else draw(answer);
    if (editor.again) {
      editor.again = false;
      preview();
    } else if (!answer.problem && !same(wanted, inForce())) {
      clearTimeout(editor.timer);
      editor.timer = setTimeout(commit, BURST_MS);
    }
  }

  function draw({ rings, kept, words, log_total: total, log_range: range }) {
    const { panes, scene } = editor;
    scene.outline = rings; // what is drawn again when a local warp is taken off
    const mask = Uint8Array.from(atob(kept), (c) => c.charCodeAt(0));
    for (const pane of [panes.msi, panes.overlay]) {
      if (pane.name === "msi" || !api.page.warp) pane.setOutline(rings);
      pane.section.setDim(mask);
    }
    say(words);
    showTotal(total, range);
  }

  /** Show the limit on the slider, but do not take it from under the user's hand. */
  function showTotal(total, range) {
    set("align-outline-total-box", { hidden: total === null });
    if (total === null || !range || Math.abs(total - editor.total) < LOG_STEP) return;
    const [low, high] = [Math.floor(range[0] / LOG_STEP) * LOG_STEP, Math.ceil(range[1] / LOG_STEP) * LOG_STEP];
    if (editor.wanted.min_total && editor.total !== null) return;
    editor.total = Number(total.toFixed(2));
    set("align-outline-total", { min: low, max: high, value: editor.total });
  }

  /** Draw the outline of a local warp anew, which the server bends. */
  async function drawWarped() {
    const { handle } = editor;
    const { warp } = api.page;
    if (!warp) return;
    await api.page.settled();
    const found = await api.page.get(`warped/${warp}`);
    if (handle === editor.handle && warp === api.page.warp) handle.setSection(api.page.floats(found.sm_xy), found.outline);
  }

  // ---- settings ------------------------------------------------------------------------------------------

  /** Make what is wanted one step of the history. */
  function commit() {
    clearTimeout(editor.timer);
    if (!editor.handle || same(editor.wanted, inForce())) return;
    const { outline: _, ...rest } = editor.handle.getMarks();
    const next = same(editor.wanted, DEFAULTS) ? rest : { ...rest, outline: editor.wanted };
    editor.handle.setMarks(next, "outline");
    drawWarped().catch(api.page.complain);
  }

  function want(next) {
    if (same(next, editor.wanted)) return;
    editor.wanted = next;
    clearTimeout(editor.timer);
    preview();
  }

  /** Let the controls show settings that came from elsewhere. */
  function showControls() {
    const { wanted } = editor;
    set("align-outline-closing", { value: wanted.closing });
    set("align-outline-pieces", { value: Number((100 * wanted.min_piece).toFixed(2)) });
    set("align-outline-by-total", { value: wanted.by_total ? ["on"] : [] });
  }

  /** Other settings are in force: by undo, a reload, or this tab's own commit. */
  function follow() {
    if (!editor.handle || same(inForce(), editor.wanted)) return;
    editor.wanted = inForce();
    editor.total = null;
    clearTimeout(editor.timer);
    showControls();
    preview();
  }

  /** What a control asks for, as settings; one at a time, as the others may be on their way. */
  const ASKS = {
    "align-outline-closing.value": (value) => ({ closing: Number(value.toFixed(2)) }),
    "align-outline-pieces.value": (value) => ({ min_piece: Number((value / 100).toFixed(4)) }),
    "align-outline-by-total.value": (value) => {
      const isOn = (value || []).includes("on");
      if (isOn === editor.wanted.by_total) return {};
      editor.total = null;
      return { by_total: isOn, min_total: 0 };
    },
    "align-outline-total.value": (value) => {
      const isShown = editor.total === null || Math.abs(value - editor.total) < LOG_STEP / 2;
      if (!editor.wanted.by_total || isShown) return {};
      editor.total = value;
      return { min_total: Number((10 ** value).toPrecision(6)) };
    },
  };

  function mounted({ handle, panes, scene }) {
    clearTimeout(editor.timer);
    Object.assign(editor, { handle, panes, scene, total: null, asking: false, again: false });
    editor.wanted = inForce();
    const names = { closing: "Closing radius in pixels", pieces: "Smallest piece in percent", total: "Smallest total, log10" };
    for (const [name, label] of Object.entries(names)) {
      const thumb = document.querySelector(`#align-outline-${name} [role="slider"]`);
      if (thumb) thumb.setAttribute("aria-label", label);
    }
    showControls();
    preview();
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    spatialmeta_outline: {
      change() {
        if (!editor.handle) return noUpdate();
        for (const { prop_id: name, value } of window.dash_clientside.callback_context.triggered) {
          if (value !== null) want({ ...editor.wanted, ...ASKS[name](value) });
        }
        return noUpdate();
      },
      reset() {
        if (!editor.handle) return noUpdate();
        Object.assign(editor, { wanted: DEFAULTS, total: null });
        showControls();
        preview();
        return noUpdate();
      },
    },
  });

  document.addEventListener("sm-align-marks", follow);
  window.addEventListener("DOMContentLoaded", () => api.onMount(mounted));
})();
