/* Numbers of spots to colors: decoding, log and linear, limits, gray for what is missing. No DOM, no plotly. */
(function () {
  "use strict";
  const CLEAR = "rgba(255,255,255,0)";
  const GRAY_SHARE = 0.004; // of the color bar: too thin to see, wide enough to hold the missing

  const LEAST = 1e-4; // keeps the lowest value clear of the gray

  // The server's form: length of the description, the description as JSON, then the numbers.
  function decode(buffer) {
    const length = new DataView(buffer).getUint32(0, true);
    const legend = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
    const numbers = legend.kind === "number" ? Float32Array : Int16Array;
    return { legend, values: new numbers(buffer, 4 + length) };
  }

  function canLog(legend) {
    return legend.kind === "number" && legend.units[1] !== "";
  }

  // Values are log(1 + x) where a linear unit exists; the linear scale undoes that.
  function shownValues(values, legend, log) {
    return canLog(legend) && !log ? Float32Array.from(values, Math.expm1) : values;
  }

  function shownUnit(legend, log) {
    return canLog(legend) && !log ? legend.units[1] : legend.units[0];
  }

  // `range`: ends set by hand, on the scale of the values as they come, or null.
  function limits(legend, clip, log, range) {
    let [low, high] = range || (clip ? legend.clip : legend.full);
    if (canLog(legend) && !log) [low, high] = [Math.expm1(low), Math.expm1(high)];
    if (legend.center !== null && !range) {
      const reach = Math.max(Math.abs(low - legend.center), Math.abs(high - legend.center));
      [low, high] = [legend.center - reach, legend.center + reach];
    }
    return high > low ? [low, high] : [low, low + 1];
  }

  // Marker attributes for numbers, as shares of the way from low to high (float32 would blur large numbers); a
  // sliver of gray below the lowest color holds the missing.
  function numberMarker(values, [low, high], colors, missing) {
    const gray = -GRAY_SHARE / (1 - GRAY_SHARE);
    const color = Float32Array.from(values, (v) =>
      Number.isFinite(v) ? Math.min(Math.max((v - low) / (high - low), LEAST), 1) : gray);
    const stops = colors.map((c, k) => [GRAY_SHARE + ((1 - GRAY_SHARE) * k) / (colors.length - 1), c]);
    return { color, colorscale: [[0, missing], [GRAY_SHARE, missing], ...stops], cmin: gray, cmax: 1 };
  }

  // Marker attributes for categories; those not in `shown` (a Set, or null for all) are gray, hidden ones clear.
  function categoryMarker(codes, legend, shown, missing) {
    const hidden = new Set(legend.hidden || []);
    const color = Float32Array.from(codes, (code) => {
      if (hidden.has(code)) return -2;
      return shown && !shown.has(code) ? -1 : Math.max(code, -1);
    });
    const shades = [CLEAR, missing, ...legend.colors];
    const colorscale = shades.flatMap((shade, k) =>
      [[k / shades.length, shade], [(k + 1) / shades.length, shade]]);
    return { color, colorscale, cmin: -2.5, cmax: legend.names.length - 0.5 };
  }

  // Place of each value between the ends, 0 to 1; NaN where there is none.
  function shares(values, [low, high]) {
    return Float32Array.from(values, (v) => Math.min(Math.max((v - low) / (high - low), 0), 1));
  }

  // Two features in one picture: the first adds magenta, the second green, so that both high are white.
  function blendMarker(first, second, missing) {
    const color = Array.from(first, (a, k) => {
      const b = second[k];
      if (!Number.isFinite(a) || !Number.isFinite(b)) return missing;
      const [m, g] = [Math.round(255 * a), Math.round(255 * b)];
      return `rgb(${m},${g},${m})`;
    });
    return { color };
  }

  // Colors of values for drawing by hand: CSS text per value.
  function cssColors(values, [low, high], colors, missing) {
    const stops = colors.map(rgbOf);
    return Array.from(values, (v) => {
      if (!Number.isFinite(v)) return missing;
      const at = Math.min(Math.max((v - low) / (high - low), 0), 1) * (stops.length - 1);
      const k = Math.min(Math.floor(at), stops.length - 2);
      const mix = stops[k].map((c, i) => Math.round(c + (stops[k + 1][i] - c) * (at - k)));
      return `rgb(${mix.join(",")})`;
    });
  }

  function rgbOf(color) {
    if (color.startsWith("#")) return [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));
    return color.match(/[\d.]+/g).slice(0, 3).map(Number);
  }

  // A number typed or dragged on the shown scale, on the scale of the values as they come.
  function stored(value, legend, log) {
    return canLog(legend) && !log ? Math.log1p(Math.max(value, 0)) : value;
  }

  function format(value) {
    if (!Number.isFinite(value)) return "–";
    const size = Math.abs(value);
    const text = size !== 0 && (size >= 1e5 || size < 1e-3) ? value.toExponential(2) : String(+value.toPrecision(3));
    return text.replace("-", "−");
  }

  // The longest of 1, 2, 5 times a power of ten that is at most `most`.
  function roundLength(most) {
    const power = 10 ** Math.floor(Math.log10(most));
    return [5, 2, 1].map((s) => s * power).find((s) => s <= most) || power;
  }

  window.SpatialMetaExplore = Object.assign(window.SpatialMetaExplore || {}, {
    scale: {
      decode, canLog, shownValues, shownUnit, limits, numberMarker, categoryMarker, blendMarker, shares, cssColors, stored,
      format, roundLength,
    },
  });
})();
