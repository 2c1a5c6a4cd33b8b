/* The legend of two features in one picture: a square, the first to the right, the second upward. */
(function () {
  "use strict";
  const root = (window.SpatialMetaExplore = window.SpatialMetaExplore || {});
  const SIDE = 54; // px of the square

  function square() {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 16;
    canvas.className = "blend-square";
    canvas.style.width = canvas.style.height = `${SIDE}px`;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "To the right more magenta, upward more green, white where both are high");
    const pen = canvas.getContext("2d");
    for (let i = 0; i < 16; i += 1) {
      for (let j = 0; j < 16; j += 1) {
        const [m, g] = [Math.round(17 * i), Math.round(17 * j)];
        pen.fillStyle = `rgb(${m},${g},${m})`;
        pen.fillRect(i, 15 - j, 1, 1);
      }
    }
    return canvas;
  }

  function line(mark, legend, [low, high]) {
    const made = document.createElement("div");
    const sign = document.createElement("span");
    sign.className = "explore-swatch";
    sign.style.background = mark;
    const unit = root.scale.shownUnit(legend, root.state.view.log);
    made.append(sign, ` ${legend.label}: ${root.scale.format(low)} to ${root.scale.format(high)}, ${unit}`);
    return made;
  }

  function draw(first, limits, second, ends, missing) {
    const words = document.createElement("div");
    words.className = "blend-words";
    words.append(line("rgb(255,0,255)", first, limits), line("rgb(0,255,0)", second, ends));
    const white = document.createElement("div");
    const [sign, gray] = [0, 1].map(() => document.createElement("span"));
    sign.className = gray.className = "explore-swatch";
    sign.style.background = "#fff";
    gray.style.background = missing;
    white.append(sign, " both high; black: both low; ", gray, " not measured in one");
    words.append(white);
    const stop = document.createElement("button");
    stop.type = "button";
    stop.className = "btn-sm-secondary btn-sm-small";
    stop.dataset.exploreSecond = "";
    stop.textContent = "No blend";
    const box = document.getElementById("explore-legend");
    box.replaceChildren(square(), words, stop);
    box.dataset.key = `${first.key} ${second.key}`;
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-explore-second]")) window.dash_clientside.set_props("explore-second", { data: null });
  });

  root.blend = { draw };
})();
