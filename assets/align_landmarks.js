/**
 * Landmarks: places marked in both sections, with the same number and color in every pane, set by click or by a
 * crosshair moved with the keys.
 *
 * The pairs are part of the history, `marks.landmarks`: rows [SM x, SM y, ST x, ST y], numbered from 1. A pair
 * half set, `pending`, is not: it becomes a row with its second place. The marks on the panes are those of
 * align_landmark_marks.js, the table that of align_landmark_table.js.
 */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7a5195", "#4d4d4d"];
  const PLACE = { sm: 0, st: 2 }; // of x in a row
  const DIGITS = 8;
  const BURST_MS = 600;

  const board = {
    handle: null,
    panes: [], // {pane, marks, cross}
    placing: false,
    pending: {}, // {sm: [x, y]} or {st: [x, y]}
    moved: null, // {index, kind, xy}: a mark on its way, not yet in the history
    timer: 0, // of a move by keys
    errors: null, // from the server, see Errors.to_json in pages/align/landmarks.py
    table: null,
    bends: { warp: null, known: new Map() }, // places under the local warp that is drawn
  };

  const byId = (id) => document.getElementById(id);
  const color = (index) => COLORS[index % COLORS.length];
  const rounded = (xy) => xy.map((value) => Number(value.toPrecision(DIGITS)));

  // ---- the pairs -----------------------------------------------------------------------------------------

  function rows() {
    return (board.handle && board.handle.getMarks().landmarks) || [];
  }

  /** Make other rows one step of the history; without any, the marks say nothing of landmarks. */
  function commit(next) {
    const { landmarks: _, ...rest } = board.handle.getMarks();
    board.handle.setMarks(next.length ? { ...rest, landmarks: next } : rest, "landmark");
  }

  /** The rows with some numbers of one of them replaced, {column: value}. */
  function changed(index, values) {
    return rows().map((row, i) => (i === index ? Object.assign([...row], values) : row));
  }

  function place(index, kind) {
    const { moved } = board;
    if (moved && moved.index === index && moved.kind === kind) return moved.xy;
    return rows()[index].slice(PLACE[kind], PLACE[kind] + 2);
  }

  /**
   * Where a local warp draws a place of the SM section, in that section's frame, or with `back` which place it
   * draws there: moved as the nearest pixel is.
   */
  function bent(xy, back) {
    const { smXY, warpedXY } = api.page;
    if (!warpedXY) return xy;
    const [from, to] = back ? [warpedXY, smXY] : [smXY, warpedXY];
    if (board.bends.warp !== warpedXY) board.bends = { warp: warpedXY, known: new Map() };
    const key = `${xy} ${Boolean(back)}`;
    if (!board.bends.known.has(key)) {
      const at = nearest(from, xy);
      board.bends.known.set(key, [xy[0] + to[at] - from[at], xy[1] + to[at + 1] - from[at + 1]]);
    }
    return board.bends.known.get(key);
  }

  /** Index of x of the nearest of interleaved positions. */
  function nearest(positions, [x, y]) {
    let [found, least] = [0, Infinity];
    for (let i = 0; i < positions.length; i += 2) {
      const apart = (positions[i] - x) ** 2 + (positions[i + 1] - y) ** 2;
      if (apart < least) [found, least] = [i, apart];
    }
    return found;
  }

  function remove(index) {
    drop();
    commit(rows().filter((_, i) => i !== index));
  }

  function move(index, kind, xy, how) {
    clearTimeout(board.timer);
    if (board.moved && (board.moved.index !== index || board.moved.kind !== kind)) settle();
    board.moved = { index, kind, xy: rounded(xy) };
    if (how === "key") board.timer = setTimeout(settle, BURST_MS);
    refresh();
  }

  /** Forget a move under way. */
  function drop() {
    clearTimeout(board.timer);
    board.moved = null;
    refresh();
  }

  /** Make a move under way one step of the history. */
  function settle() {
    const { moved } = board;
    clearTimeout(board.timer);
    board.moved = null;
    if (!moved || !rows()[moved.index]) return;
    const at = PLACE[moved.kind];
    commit(changed(moved.index, { [at]: moved.xy[0], [at + 1]: moved.xy[1] }));
  }

  // ---- placing -------------------------------------------------------------------------------------------

  function setPlacing(on) {
    board.placing = on;
    board.pending = {};
    byId("align-landmarks-place").setAttribute("aria-pressed", String(on));
    for (const each of board.panes) {
      each.pane.stage.toggleAttribute("data-placing", on);
      each.cross = null;
    }
    refresh();
  }

  /** Mark the place at a point of a pane's stage. In the overlay the metabolites come first. */
  function mark(each, at) {
    const kind = { msi: "sm", he: "st", overlay: board.pending.sm ? "st" : "sm" }[each.pane.name];
    const { sm, st } = (board.pending = { ...board.pending, [kind]: rounded(each.marks.toFrame(kind, at)) });
    if (sm && st) {
      board.pending = {};
      commit([...rows(), [...sm, ...st]]);
    }
    refresh();
  }

  function stageKey(each, event) {
    const { stage } = each.pane;
    if (!board.placing || event.target !== stage || event.ctrlKey || event.metaKey) return;
    const from = each.cross || [stage.clientWidth / 2, stage.clientHeight / 2];
    const next = api.stepped(from, event);
    if (next) each.cross = next;
    else if (event.key === "Enter") mark(each, (each.cross = from));
    else if (event.key === "Escape") giveUp();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
    refresh();
  }

  /** Escape takes back half a pair, then ends placing. */
  function giveUp() {
    if (board.pending.sm || board.pending.st) board.pending = {};
    else setPlacing(false);
  }

  function words() {
    const n = rows().length;
    if (!board.placing) return n ? `${n} ${n === 1 ? "landmark" : "landmarks"}.` : "No landmarks yet.";
    if (board.pending.sm) return `Landmark ${n + 1}: now mark the same place on the H&E.`;
    if (board.pending.st) return `Landmark ${n + 1}: now mark the same place on the metabolites.`;
    return `Landmark ${n + 1}: mark a place on the metabolites.`;
  }

  /** Draw everything anew: marks, table and what to do next. */
  function refresh() {
    for (const { marks } of board.panes) marks.redraw();
    if (board.table) board.table.draw(rows(), board.errors, color);
    const say = byId("align-landmarks-say");
    if (say && say.textContent !== words()) say.textContent = words();
  }

  // ---- wiring --------------------------------------------------------------------------------------------

  function attach(pane) {
    const each = { pane, marks: null, cross: null };
    const listen = (name, listener) => pane.stage.addEventListener(name, listener, { capture: true });
    each.marks = api.createMarks(pane, {
      count: () => rows().length,
      half: () => board.pending,
      cross: () => (board.placing ? each.cross : null),
      isMoving: () => board.moved !== null,
      click: (at) => board.placing && mark(each, at),
      place, bent, color, move, settle, drop, remove,
    });
    listen("keydown", (event) => stageKey(each, event));
    listen("pointermove", () => {
      if (!each.cross) return;
      each.cross = null; // the pointer has taken over
      each.marks.redraw();
    });
    return each;
  }

  function mounted({ handle, panes }) {
    Object.assign(board, { handle, panes: [], errors: null, moved: null });
    board.panes = ["msi", "overlay", "he"].filter((name) => panes[name]).map((name) => attach(panes[name]));
    board.table = api.createLandmarkTable(byId("align-landmarks-table"), {
      edit: (index, column, value) => commit(changed(index, { [column]: value })),
      remove,
    });
    setPlacing(false);
  }

  const noUpdate = () => window.dash_clientside.no_update;

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    spatialmeta_landmarks: {
      toggle() {
        if (board.handle) setPlacing(!board.placing);
        return noUpdate();
      },
      clear() {
        if (!board.handle) return noUpdate();
        board.pending = {};
        drop();
        if (rows().length) commit([]);
        return noUpdate();
      },
      errors(found) {
        board.errors = found;
        refresh();
        return noUpdate();
      },
      /** Ask the server for a fit once it knows all that was set here. */
      async ask(_clicks, moves) {
        settle();
        await api.page.settled();
        return { moves, at: Date.now() };
      },
    },
  });

  document.addEventListener("sm-align-marks", refresh);
  window.addEventListener("DOMContentLoaded", () => api.onMount(mounted));
})();
