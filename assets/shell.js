/* Routing, help and the alert bar. */
(function () {
  "use strict";
  const PAGES = ["data", "align", "integrate", "explore", "regions", "trajectories", "export"];

  function route(pathname) {
    const match = /^\/p\/([0-9a-f]{16})(?:\/([a-z]+))?/.exec(pathname || "/");
    const found = { project: "", page: "home" };
    if (match) {
      found.project = match[1];
      found.page = PAGES.includes(match[2]) ? match[2] : "data";
    }
    if (document.body.dataset.page !== found.page) window.scrollTo(0, 0);
    document.body.dataset.page = found.page;
    document.body.dataset.project = found.project;
    // hidden graphs have no size: tell plotly once they are shown
    requestAnimationFrame(() => window.dispatchEvent(new Event("resize")));
    return found;
  }

  function typing(target) {
    return target.closest && target.closest("input, textarea, select, [contenteditable]");
  }

  document.addEventListener("click", (event) => {
    const help = document.getElementById("help");
    if (event.target.closest("#help-button")) help.showModal();
    if (event.target.closest("#help-close") || event.target === help) help.close();
    document.querySelectorAll(".topbar-jobs details[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });

  // Dash joins clicks that come while it is busy into one, so steps wait for each other
  const LONGEST_WAIT_MS = 1500;
  const LOOK_AGAIN_MS = 30;
  const steps = [];
  let stepping = false;

  function whenIdle(action, since = performance.now()) {
    const busy = document.querySelector("._dash-loading-callback");
    if (!busy || performance.now() - since > LONGEST_WAIT_MS) action();
    else setTimeout(() => whenIdle(action, since), LOOK_AGAIN_MS);
  }

  function nextStep() {
    const button = steps.shift();
    stepping = Boolean(button);
    if (!stepping) return;
    button.click();
    setTimeout(() => whenIdle(nextStep), LOOK_AGAIN_MS); // Dash shows that it is busy a moment later
  }

  document.addEventListener("keydown", (event) => {
    if (typing(event.target)) return;
    if (event.key === "?") document.getElementById("help").showModal();
    // the alignment overlay handles its own undo while it has the focus
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !event.defaultPrevented) {
      const button = document.getElementById(event.shiftKey ? "redo" : "undo");
      if (button && button.offsetParent) {
        event.preventDefault();
        steps.push(button);
        if (!stepping) nextStep();
      }
    }
  });

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    spatialmeta: Object.assign({}, (window.dash_clientside || {}).spatialmeta, {
      route,
      closeAlert: () => true,
    }),
  });
})();
