/* Numbers of spots to colors: decoding, log and linear, limits, gray for what is missing. No DOM, no plotly. */
(function () {
  "use strict";
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

  function limits(legend, clip, log) {
    let [low, high] = clip ? legend.clip : legend.full;
    if (canLog(legend) && !log) [low, high] = [Math.expm1(low), Math.expm1(high)];
    if (legend.center !== null) {
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

  // Marker attributes for categories; those not in `shown` (a Set, or null for all) are gray.
  function categoryMarker(codes, legend, shown, missing) {
    const color = Float32Array.from(codes, (code) => (shown && !shown.has(code) ? -1 : Math.max(code, -1)));
    const shades = [missing, ...legend.colors];
    const colorscale = shades.flatMap((shade, k) =>
      [[k / shades.length, shade], [(k + 1) / shades.length, shade]]);
    return { color, colorscale, cmin: -1.5, cmax: legend.names.length - 0.5 };
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
    scale: { decode, canLog, shownValues, shownUnit, limits, numberMarker, categoryMarker, format, roundLength },
  });
})();
