/* Search boxes: arrow keys and Enter in the list of hits, and buttons that color the map or add a curve. */
(function () {
  "use strict";

  function choose(target, key) {
    if (target === "curve") {
      const feature = key.replace(/^feature\//, "");
      window.dash_clientside.set_props("explore-picked", { data: { feature, at: Date.now() } });
    } else if (target === "second") {
      window.dash_clientside.set_props("explore-second", { data: key });
      closeMenus(null);
    } else if (target === "map") {
      window.dash_clientside.set_props("explore-small-list", { data: { add: key, at: Date.now() } });
    } else {
      window.dash_clientside.set_props("explore-color", { data: key });
    }
  }

  function options(find) {
    return [...find.querySelectorAll(".find-option")];
  }

  function activate(find, option) {
    options(find).forEach((each) => each.setAttribute("aria-selected", String(each === option)));
    if (option) option.scrollIntoView({ block: "nearest" });
  }

  function pick(find, option) {
    choose(find.dataset.exploreFind, option.dataset.key);
    const box = find.querySelector("input");
    window.dash_clientside.set_props(box.id, { value: "" });
    box.blur();
  }

  function closeMenus(except) {
    document.querySelectorAll(".explore-menu[open]").forEach((menu) => {
      if (!menu.contains(except)) menu.open = false;
    });
  }

  // keep the focus in the box, so that the list stays while it is clicked
  document.addEventListener("mousedown", (event) => {
    if (event.target.closest(".find-list")) event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const option = event.target.closest(".find-option");
    if (option) pick(option.closest("[data-explore-find]"), option);
    const color = event.target.closest("[data-explore-color]");
    if (color) choose("color", color.dataset.exploreColor);
    const curve = event.target.closest("[data-explore-curve]");
    if (curve) choose("curve", curve.dataset.exploreCurve);
    closeMenus(event.target);
  });
  document.addEventListener("focusin", (event) => closeMenus(event.target));

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      const box = document.getElementById("explore-find");
      if (box && box.offsetParent) { event.preventDefault(); box.focus(); }
      return;
    }
    if (event.key === "Escape") closeMenus(null);
    const find = event.target.closest && event.target.closest("[data-explore-find]");
    if (!find) return;
    const all = options(find);
    const now = all.findIndex((each) => each.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      activate(find, all[(now + step + all.length) % all.length]);
    } else if (event.key === "Enter" && all.length) {
      event.preventDefault();
      pick(find, all[Math.max(now, 0)]);
    } else if (event.key === "Escape") {
      event.target.blur();
    }
  });
})();
