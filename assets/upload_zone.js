/**
 * Turns every `<div class="dropzone" data-upload-url="...">` into a place to drop or pick files.
 *
 *   data-upload-url   where upload.js sends to
 *   data-purpose      handed to the server, such as "st" or "sm"
 *   data-store-id     the dcc.Store that gets {upload_id, name, purpose, nonce}; JSON for a pattern-matching id
 *   data-accept       file name endings to offer, such as ".h5ad,.zip" (optional)
 *   data-multiple     present: several files, sent one after the other (optional)
 *   data-max-bytes    largest file (optional)
 *   data-label        accessible name of the file input (optional)
 *
 * The page may bring its own <input type="file">; otherwise one is added. Zones may appear at any time.
 */
(function () {
  "use strict";

  const ZONE = ".dropzone[data-upload-url]";
  const zones = new WeakMap(); // zone element -> {list, queue}

  function add(parent, tag, className, text) {
    const node = document.createElement(tag);
    node.className = className;
    if (text) node.textContent = text;
    parent.append(node);
    return node;
  }

  /** A time people can plan with. */
  function durationText(seconds) {
    if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
    if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
    return `${(seconds / 3600).toFixed(1)} h`;
  }

  function progressText({ sent, total, bytesPerSecond, etaSeconds }) {
    const { bytesText } = window.SpatialMetaUpload;
    const parts = [`${bytesText(sent)} of ${bytesText(total)}`];
    if (bytesPerSecond) parts.push(`${bytesText(bytesPerSecond)}/s`);
    if (etaSeconds && Number.isFinite(etaSeconds)) parts.push(`${durationText(etaSeconds)} left`);
    return parts.join(" · ");
  }

  /** One line of the list: name, bar, figures, buttons. */
  function createRow(list, name) {
    const row = add(list, "li", "dropzone-row");
    const head = add(row, "div", "dropzone-head");
    add(head, "span", "dropzone-name", name).title = name;
    const pause = add(head, "button", "dropzone-button", "Pause");
    const cancel = add(head, "button", "dropzone-button", "Cancel");
    const bar = add(row, "div", "dropzone-bar");
    const fill = add(bar, "div", "dropzone-fill");
    const detail = add(row, "div", "dropzone-detail", "Waiting to start");
    for (const [button, action] of [[pause, "Pause"], [cancel, "Cancel"]]) {
      button.type = "button";
      button.setAttribute("aria-label", `${action} ${name}`);
    }
    bar.setAttribute("role", "progressbar");
    bar.setAttribute("aria-label", `Upload of ${name}`);
    bar.setAttribute("aria-valuemin", "0");
    bar.setAttribute("aria-valuemax", "100");
    return {
      row,
      pause,
      cancel,
      show(progress) {
        const percent = Math.floor((100 * progress.sent) / progress.total);
        fill.style.width = `${percent}%`;
        bar.setAttribute("aria-valuenow", String(percent));
        detail.textContent = progressText(progress);
      },
      setState(state) {
        row.dataset.state = state;
        pause.textContent = state === "paused" ? "Resume" : "Pause";
        pause.setAttribute("aria-label", `${pause.textContent} ${name}`);
        const words = { waiting: "Connection lost; trying again", paused: "Paused", canceled: "Canceled" };
        if (words[state]) detail.textContent = words[state];
        if (["done", "failed", "canceled"].includes(state)) for (const button of [pause, cancel]) button.remove();
      },
      finish(text) {
        detail.textContent = text;
        detail.setAttribute("role", "status");
      },
      fail(message, code) {
        bar.remove();
        detail.textContent = code ? `${message} (${code})` : message;
        detail.setAttribute("role", "alert");
      },
    };
  }

  /** Tell Dash; a fresh nonce makes the same file twice two events. */
  function publish(zone, file, uploadId) {
    const text = zone.dataset.storeId;
    const storeId = text.startsWith("{") ? JSON.parse(text) : text;
    const nonce = Array.from(crypto.getRandomValues(new Uint32Array(2)), (n) => n.toString(36)).join("");
    window.dash_clientside.set_props(storeId, {
      data: { upload_id: uploadId, name: file.name, purpose: zone.dataset.purpose || "", nonce },
    });
  }

  /** Send one file and resolve when it has ended, well or badly. */
  function sendFile(zone, list, file) {
    return new Promise((resolve) => {
      const row = createRow(list, file.name);
      const upload = window.SpatialMetaUpload.send(file, {
        url: zone.dataset.uploadUrl,
        purpose: zone.dataset.purpose,
        maxBytes: Number(zone.dataset.maxBytes) || undefined,
        onProgress: row.show,
        onState(state) {
          row.setState(state);
          if (state === "canceled") resolve();
        },
        onDone({ uploadId }) {
          row.finish(`Uploaded, ${window.SpatialMetaUpload.bytesText(file.size)}`);
          publish(zone, file, uploadId);
          resolve();
        },
        onError(message, code) {
          row.fail(message, code);
          resolve();
        },
      });
      row.pause.addEventListener("click", () => (upload.state() === "paused" ? upload.resume() : upload.pause()));
      row.cancel.addEventListener("click", upload.cancel);
    });
  }

  function complain(zone, message) {
    const row = createRow(zones.get(zone).list, "Not uploaded");
    row.setState("failed");
    row.fail(message);
  }

  function take(zone, files) {
    const mine = zones.get(zone);
    const chosen = "multiple" in zone.dataset ? files : files.slice(0, 1);
    if (chosen.length < files.length) complain(zone, "Only one file fits here; the first one was taken.");
    for (const file of chosen) mine.queue = mine.queue.then(() => sendFile(zone, mine.list, file));
  }

  /** Dropped files; a folder has no bytes of its own, so it is named instead of failing later. */
  function dropped(zone, transfer) {
    const entries = Array.from(transfer.items, (item) => (item.webkitGetAsEntry ? item.webkitGetAsEntry() : null));
    const folder = entries.find((entry) => entry && entry.isDirectory);
    if (folder) complain(zone, `${folder.name} is a folder. Make a zip of it and drop that.`);
    return Array.from(transfer.files).filter((_, i) => !(entries[i] && entries[i].isDirectory));
  }

  function enhance(zone) {
    if (zones.has(zone)) return;
    let input = zone.querySelector("input[type=file]");
    if (!input) {
      input = add(zone, "input", "dropzone-input");
      input.type = "file";
    }
    input.classList.add("dropzone-input");
    input.multiple = "multiple" in zone.dataset;
    if (zone.dataset.accept) input.accept = zone.dataset.accept;
    if (!input.hasAttribute("aria-label")) input.setAttribute("aria-label", zone.dataset.label || "Choose a file");
    const list = add(zone, "ul", "dropzone-list");
    list.setAttribute("aria-label", "Uploads");
    zones.set(zone, { list, queue: Promise.resolve() });
  }

  function zoneOf(event) {
    const zone = event.target instanceof Element ? event.target.closest(ZONE) : null;
    if (zone) enhance(zone);
    return zone;
  }

  document.addEventListener("change", (event) => {
    const zone = zoneOf(event);
    if (!zone || event.target.type !== "file") return;
    const files = Array.from(event.target.files);
    event.target.value = ""; // so that picking the same file again is an event
    take(zone, files);
  });

  document.addEventListener("click", (event) => {
    const zone = zoneOf(event);
    if (!zone || event.target.closest("button, a, input, label, .dropzone-list")) return;
    zone.querySelector("input[type=file]").click();
  });

  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => {
      const zone = zoneOf(event);
      if (!zone) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
      zone.classList.add("dropzone-over");
    });
  }

  document.addEventListener("dragleave", (event) => {
    const zone = zoneOf(event);
    if (zone && !zone.contains(event.relatedTarget)) zone.classList.remove("dropzone-over");
  });

  document.addEventListener("drop", (event) => {
    const zone = zoneOf(event);
    if (!zone) return;
    event.preventDefault();
    zone.classList.remove("dropzone-over");
    take(zone, dropped(zone, event.dataTransfer));
  });

  /* A file dropped beside a zone would replace the page and end every running upload. */
  for (const name of ["dragover", "drop"]) {
    document.addEventListener(name, (event) => {
      if (event.dataTransfer && Array.from(event.dataTransfer.types).includes("Files")) event.preventDefault();
    });
  }

  const enhanceAll = () => document.querySelectorAll(ZONE).forEach(enhance);
  new MutationObserver(enhanceAll).observe(document.documentElement, { childList: true, subtree: true });
  enhanceAll();
})();
