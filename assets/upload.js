/**
 * Send one large file in pieces, with pause, resume and cancel. Memory stays flat: each piece is a view of
 * the file on disk.
 *
 *   const upload = window.SpatialMetaUpload.send(file, options);   // upload.pause(), .resume(), .cancel()
 *
 * options
 *   url          where the upload route lives
 *   purpose      what the file is for, handed to the server
 *   maxBytes     largest file accepted, or undefined
 *   onProgress   ({sent, total, bytesPerSecond, etaSeconds}) => void; the last two are null until known
 *   onState      (state) => void; "sending" | "waiting" | "paused" | "done" | "failed" | "canceled"
 *   onDone       ({uploadId}) => void
 *   onError      (message, code) => void; the upload has ended
 *   signal       AbortSignal that cancels
 *   headers      extra request headers
 *   chunkBytes   size of a piece, 8 MiB
 *
 * Protocol
 *   POST  {url}            {name, size, purpose}              -> {id, offset}
 *   GET   {url}/{id}                                          -> {offset, size}
 *   PATCH {url}/{id}       Upload-Offset: n, then the bytes   -> {offset}; 409 {offset} tells the true one
 *   POST  {url}/{id}/done                                     -> 2xx; 409 {offset} if bytes are missing
 *   DELETE {url}/{id}                                         after a cancel
 * A refusal is any other 4xx; its body may hold {message, code} for the user. Network trouble and 5xx are
 * tried again. The id of an unfinished upload is kept in localStorage, so the same file goes on after a reload.
 */
(function () {
  "use strict";

  const api = (window.SpatialMetaUpload = window.SpatialMetaUpload || {});
  const CHUNK_BYTES = 8 * 1024 * 1024;
  const RETRY_SECONDS = [0.5, 1, 2, 4, 8, 15, 30]; // after the last of these in a row without progress, give up
  const SPEED_WINDOW_MS = 5000;
  const TRY_AGAIN = [408, 425, 429];
  const CANCELED = Symbol("canceled");
  const PAUSED = Symbol("paused");
  const NEVER = new AbortController().signal;

  /** A refusal that repeating cannot cure. */
  class Refused extends Error {
    constructor(message, code) {
      super(message);
      this.code = code || "";
    }
  }

  /** The connection or the server failed; worth another try. */
  class Interrupted extends Error {}

  const gigabytes = (bytes) => `${Number((bytes / 1024 ** 3).toPrecision(3))} GB`;

  /** Bytes for people, in the binary steps file managers use. */
  function bytesText(bytes) {
    if (bytes >= 1024 ** 3) return `${(bytes / 1024 ** 3).toFixed(2)} GB`;
    if (bytes >= 1024 ** 2) return `${(bytes / 1024 ** 2).toFixed(bytes < 10 * 1024 ** 2 ? 1 : 0)} MB`;
    return `${Math.ceil(bytes / 1024)} kB`;
  }

  /** One request; resolves with {status, body} for every answer that is not worth repeating. */
  function request(method, url, { body, headers, onSent, signal }) {
    return new Promise((resolve, reject) => {
      const call = new XMLHttpRequest(); // fetch cannot tell how much of a piece has been sent
      const abort = () => call.abort();
      const settle = (action, value) => {
        signal.removeEventListener("abort", abort);
        action(value);
      };
      call.open(method, url);
      for (const [name, value] of Object.entries(headers)) call.setRequestHeader(name, value);
      if (onSent) call.upload.onprogress = (event) => onSent(event.loaded);
      call.onabort = () => settle(reject, signal.reason);
      call.onerror = call.ontimeout = () => settle(reject, new Interrupted());
      call.onload = () => {
        if (call.status === 0 || call.status >= 500 || TRY_AGAIN.includes(call.status)) {
          return settle(reject, new Interrupted());
        }
        return settle(resolve, { status: call.status, body: parsed(call.responseText) });
      };
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener("abort", abort);
      return call.send(body);
    });
  }

  function parsed(text) {
    try {
      return JSON.parse(text) || {};
    } catch (error) {
      if (error instanceof SyntaxError) return {}; // an answer without a body, or a proxy's own page
      throw error;
    }
  }

  function refusal({ status, body }) {
    return new Refused(body.message || `The server refused the file (status ${status}).`, body.code);
  }

  /** Wait, unless stopped meanwhile. */
  function pause(seconds, signal) {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const timer = setTimeout(resolve, 1000 * seconds);
      return signal.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(signal.reason);
      }, { once: true });
    });
  }

  /** Unfinished uploads this browser knows of; works without storage too, but then forgets on reload. */
  function createMemory(key) {
    const attempt = (action) => {
      try {
        return action(window.localStorage);
      } catch (error) {
        if (error instanceof DOMException) return null; // storage is full or switched off
        throw error;
      }
    };
    return {
      get: () => attempt((storage) => storage.getItem(key)),
      set: (id) => attempt((storage) => storage.setItem(key, id)),
      forget: () => attempt((storage) => storage.removeItem(key)),
    };
  }

  /** Bytes per second over the last seconds; null until there is something to measure. */
  function createSpeedometer() {
    let samples = [];
    return {
      reset() {
        samples = [];
      },
      add(sent) {
        const now = performance.now();
        samples = samples.filter((sample) => now - sample.time < SPEED_WINDOW_MS);
        samples.push({ time: now, sent });
        const seconds = (now - samples[0].time) / 1000;
        return seconds > 0.2 ? Math.max(0, sent - samples[0].sent) / seconds : null;
      },
    };
  }

  /** Let the server delete what arrived; out of reach, it drops old parts by itself. */
  function drop(url, headers) {
    fetch(url, { method: "DELETE", headers, keepalive: true }).catch((error) => {
      if (!(error instanceof TypeError)) throw error; // TypeError is what fetch calls a network failure
    });
  }

  function checkedOffset(body, size) {
    if (!Number.isInteger(body.offset) || body.offset < 0 || body.offset > size) {
      throw new Refused("The server gave an answer this page does not understand. Reload and try again.");
    }
    return body.offset;
  }

  function send(file, options) {
    const { url, purpose = "", headers = {}, chunkBytes = CHUNK_BYTES } = options;
    const memory = createMemory(`sm-upload ${url} ${purpose} ${file.name} ${file.size} ${file.lastModified}`);
    const speed = createSpeedometer();
    let state = "sending";
    let stop = new AbortController();
    let id = null;
    let offset = 0;
    let furthest = 0; // only new ground counts as progress
    let failures = 0; // in a row, without progress
    let running = Promise.resolve();

    function setState(next) {
      state = next;
      if (options.onState) options.onState(next);
    }

    function report(sent) {
      const bytesPerSecond = speed.add(sent);
      const etaSeconds = bytesPerSecond ? (file.size - sent) / bytesPerSecond : null;
      if (options.onProgress) options.onProgress({ sent, total: file.size, bytesPerSecond, etaSeconds });
    }

    const ask = (method, path, extra = {}) =>
      request(method, url + path, { signal: stop.signal, ...extra, headers: { ...headers, ...extra.headers } });

    /** Where the server stands; false if it no longer knows this upload. */
    async function recall(upload) {
      const answer = await ask("GET", `/${upload}`);
      if (answer.status >= 400 || answer.body.size !== file.size) return false;
      offset = checkedOffset(answer.body, file.size);
      return true;
    }

    /**
     * Go on with an earlier upload of this file, or have a new one named. A pause does not break off the
     * naming: the server would keep an upload that nobody knows of.
     */
    async function begin() {
      const known = memory.get();
      if (known && (await recall(known))) {
        id = known;
        return;
      }
      const answer = await ask("POST", "", {
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ name: file.name, size: file.size, purpose }),
        signal: NEVER,
      });
      if (answer.status >= 400 || typeof answer.body.id !== "string") throw refusal(answer);
      if (stop.signal.reason === CANCELED) drop(`${url}/${answer.body.id}`, headers);
      else {
        id = answer.body.id;
        offset = checkedOffset(answer.body, file.size);
        memory.set(id);
      }
      stop.signal.throwIfAborted();
    }

    /** The server wants bytes again: do so at once, but not for ever. */
    function disagree() {
      failures += 1;
      if (failures > RETRY_SECONDS.length) {
        throw new Refused("The server keeps losing parts of this file. Ask your administrator to look at its disk.");
      }
    }

    async function sendChunk() {
      const start = offset;
      const answer = await ask("PATCH", `/${id}`, {
        headers: { "Upload-Offset": String(start), "Content-Type": "application/octet-stream" },
        body: file.slice(start, Math.min(start + chunkBytes, file.size)),
        onSent: (bytes) => report(Math.min(start + bytes, file.size)),
      });
      if (answer.status >= 400 && answer.status !== 409) throw refusal(answer);
      offset = checkedOffset(answer.body, file.size);
      if (answer.status === 409) disagree();
      else if (offset <= start) throw new Interrupted();
      if (offset > furthest) [furthest, failures] = [offset, 0];
      report(offset);
    }

    /** Close the upload; false if the server finds bytes missing after all. */
    async function finish() {
      const answer = await ask("POST", `/${id}/done`);
      if (answer.status === 409) {
        offset = checkedOffset(answer.body, file.size);
        disagree();
        return false;
      }
      if (answer.status >= 400) throw refusal(answer);
      return true;
    }

    /** From wherever the upload stands to its end; returns early by throwing. */
    async function transfer() {
      if (id === null) await begin();
      else if (offset < file.size && !(await recall(id))) {
        throw new Refused("The server no longer has this upload. Choose the file again.");
      }
      report(offset);
      do {
        while (offset < file.size) await sendChunk();
      } while (!(await finish()));
    }

    function fail(message, code) {
      setState("failed");
      if (options.onError) options.onError(message, code || "");
    }

    /** Decide what an error means; true if the transfer is to go on. */
    async function recover(error) {
      if (error === PAUSED || error === CANCELED) return false;
      if (error instanceof Interrupted && failures < RETRY_SECONDS.length) {
        setState("waiting");
        speed.reset();
        failures += 1;
        await pause(RETRY_SECONDS[failures - 1], stop.signal);
        return true;
      }
      if (error instanceof Refused) {
        memory.forget();
        fail(error.message, error.code);
      } else if (error instanceof Interrupted) {
        fail("The connection was lost. Choose the same file again to continue where it stopped.");
      } else throw error;
      return false;
    }

    async function run() {
      let going = true;
      while (going) {
        try {
          setState("sending");
          await transfer();
          memory.forget();
          setState("done");
          options.onDone({ uploadId: id });
          return;
        } catch (error) {
          going = await recover(error).catch((stopped) => {
            if (stopped === PAUSED || stopped === CANCELED) return false;
            throw stopped;
          });
        }
      }
    }

    function start() {
      if (file.size === 0) return fail("This file is empty. Choose another one.");
      if (options.maxBytes && file.size > options.maxBytes) {
        return fail(
          `${file.name} is ${gigabytes(file.size)}; the limit here is ${gigabytes(options.maxBytes)}. ` +
            "Put it in the lab data folder and pick it from there, or bin it first.",
          "E-15",
        );
      }
      running = run();
      return undefined;
    }

    const handle = {
      state: () => state,
      pause() {
        if (state !== "sending" && state !== "waiting") return;
        setState("paused");
        stop.abort(PAUSED);
      },
      resume() {
        if (state !== "paused") return;
        setState("sending");
        running = running.then(() => {
          if (state !== "sending") return undefined;
          stop = new AbortController();
          failures = 0;
          speed.reset();
          return run();
        });
      },
      cancel() {
        if (["done", "failed", "canceled"].includes(state)) return;
        memory.forget();
        setState("canceled");
        stop.abort(CANCELED);
        if (id) drop(`${url}/${id}`, headers);
      },
    };
    if (options.signal) {
      if (options.signal.aborted) handle.cancel();
      else options.signal.addEventListener("abort", handle.cancel, { once: true });
    }
    if (state !== "canceled") start();
    return handle;
  }

  Object.assign(api, { send, bytesText });
})();
