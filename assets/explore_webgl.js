/* Without WebGL: say so, and draw the maps as vectors, which does all the same, only more slowly. */
(function () {
  "use strict";
  const root = (window.SpatialMetaExplore = window.SpatialMetaExplore || {});
  let known = null;

  function supported() {
    if (known === null) {
      const canvas = document.createElement("canvas");
      const gl = canvas.getContext("webgl2") || canvas.getContext("webgl");
      known = Boolean(gl);
      const lose = gl && gl.getExtension("WEBGL_lose_context");
      if (lose) lose.loseContext(); // browsers allow few contexts at once
    }
    return known;
  }

  function say() {
    if (document.querySelector(".explore-no-webgl")) return;
    const note = document.createElement("div");
    note.className = "message message-info explore-no-webgl";
    note.setAttribute("role", "status");
    note.textContent = "This browser has no WebGL, so the maps are drawn without the graphics card. Everything works; "
      + "many spots take longer. Turning on hardware acceleration in the browser's settings helps.";
    root.canvas().parentElement.insertBefore(note, root.canvas());
  }

  // Make the traces of a graph such that this browser can draw them.
  async function prepare(gd) {
    if (supported() || !gd || !gd.data) return;
    say();
    if (gd.data.some((trace) => trace.type === "scattergl")) await window.Plotly.restyle(gd, { type: "scatter" });
  }

  root.webgl = { supported, prepare };
})();
