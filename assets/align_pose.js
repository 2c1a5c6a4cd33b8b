/**
 * Plane affine maths and undo history for the alignment overlay.
 *
 * A matrix is the row-major list [a, b, tx, c, d, ty]:  x' = a x + b y + tx,  y' = c x + d y + ty.
 * x points right and y points down, so a positive angle turns clockwise on screen. The convention is that
 * of `Pose` in spatialmeta_core/types.py. No state and no page element here, except in `createHistory`.
 */
(function () {
  "use strict";

  const api = (window.SpatialMetaAlign = window.SpatialMetaAlign || {});
  const IDENTITY = Object.freeze([1, 0, 0, 0, 1, 0]);

  /** The map that applies `n` first and `m` second. */
  function multiply(m, n) {
    return [
      m[0] * n[0] + m[1] * n[3],
      m[0] * n[1] + m[1] * n[4],
      m[0] * n[2] + m[1] * n[5] + m[2],
      m[3] * n[0] + m[4] * n[3],
      m[3] * n[1] + m[4] * n[4],
      m[3] * n[2] + m[4] * n[5] + m[5],
    ];
  }

  function apply(m, [x, y]) {
    return [m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]];
  }

  function determinant(m) {
    return m[0] * m[4] - m[1] * m[3];
  }

  function invert(m) {
    const det = determinant(m);
    const [a, b, c, d] = [m[4] / det, -m[1] / det, -m[3] / det, m[0] / det];
    return [a, b, -(a * m[2] + b * m[5]), c, d, -(c * m[2] + d * m[5])];
  }

  function translation(dx, dy) {
    return [1, 0, dx, 0, 1, dy];
  }

  /** Rotation about the origin; quarter turns are exact, so that four of them are the identity. */
  function rotation(degrees) {
    const quarters = degrees / 90;
    if (Number.isInteger(quarters)) {
      const cosine = [1, 0, -1, 0][((quarters % 4) + 4) % 4];
      const sine = [0, 1, 0, -1][((quarters % 4) + 4) % 4];
      return [cosine, -sine, 0, sine, cosine, 0];
    }
    const angle = (degrees * Math.PI) / 180;
    return [Math.cos(angle), -Math.sin(angle), 0, Math.sin(angle), Math.cos(angle), 0];
  }

  function scaling(sx, sy) {
    return [sx, 0, 0, 0, sy, 0];
  }

  /** The map `m` carried out around `point`, which then stays where it is. */
  function about([x, y], m) {
    return multiply(translation(x, y), multiply(m, translation(-x, -y)));
  }

  /** The order CSS, canvas and SVG want: a, c, b, d, tx, ty. */
  function cssOrder(m) {
    return [m[0], m[3], m[1], m[4], m[2], m[5]];
  }

  function css(m) {
    return `matrix(${cssOrder(m).join(",")})`;
  }

  function equal(m, n) {
    return m.every((value, i) => Math.abs(value - n[i]) <= 1e-9 * (1 + Math.abs(n[i])));
  }

  /** Complain early about a matrix that would make the section vanish. */
  function checked(m) {
    const values = Array.from(m, Number);
    if (values.length !== 6 || !values.every(Number.isFinite) || determinant(values) === 0) {
      throw new RangeError(`A pose needs six finite numbers and a nonzero area, not [${values}].`);
    }
    return values;
  }

  /** Rotation, then the upper triangle [[sx, k], [0, sy]]; lossless, unlike `readout`. */
  function decompose(m) {
    const angle = (Math.atan2(m[3], m[0]) * 180) / Math.PI;
    const upright = multiply(rotation(-angle), [m[0], m[1], 0, m[3], m[4], 0]);
    return { angle, sx: upright[0], k: upright[1], sy: upright[4] };
  }

  /**
   * A pose between two poses, turning the short way while `pivot` (source frame) moves straight.
   * `t` runs from 0 to 1.
   */
  function interpolate(from, to, t, pivot) {
    const [p, q] = [decompose(from), decompose(to)];
    const turn = ((((q.angle - p.angle + 180) % 360) + 360) % 360) - 180;
    const mix = (u, v) => u + (v - u) * t;
    const shape = [mix(p.sx, q.sx), mix(p.k, q.k), 0, 0, mix(p.sy, q.sy), 0];
    const linear = multiply(rotation(p.angle + turn * t), shape);
    const [start, end] = [apply(from, pivot), apply(to, pivot)];
    const here = apply(linear, pivot);
    linear[2] = mix(start[0], end[0]) - here[0];
    linear[5] = mix(start[1], end[1]) - here[1];
    return linear;
  }

  /**
   * The numbers people read: rotation after scaling, a flip written as y -> -y before everything else.
   * Shear, which appears after rotating an unevenly scaled section, is not among them.
   */
  function readout(matrix) {
    const det = determinant(matrix);
    const scaleX = Math.hypot(matrix[0], matrix[3]);
    return {
      angleDeg: (Math.atan2(matrix[3], matrix[0]) * 180) / Math.PI,
      scaleX,
      scaleY: Math.abs(det) / scaleX,
      flipped: det < 0,
      shiftX: matrix[2],
      shiftY: matrix[5],
    };
  }

  /** The shear-free matrix with these numbers; the inverse of `readout` where there is no shear. */
  function fromReadout({ angleDeg, scaleX, scaleY, flipped, shiftX, shiftY }) {
    const linear = multiply(rotation(angleDeg), scaling(scaleX, flipped ? -scaleY : scaleY));
    linear[2] = shiftX;
    linear[5] = shiftY;
    return linear;
  }

  /** Undo and redo over immutable values; the oldest of more than `limit` steps is forgotten. */
  function createHistory(limit) {
    let past = [];
    let future = [];
    return {
      push(before) {
        past = [...past, before].slice(-limit);
        future = [];
      },
      undo(now) {
        if (!past.length) return null;
        future.push(now);
        return past.pop();
      },
      redo(now) {
        if (!future.length) return null;
        past.push(now);
        return future.pop();
      },
      canUndo: () => past.length > 0,
      canRedo: () => future.length > 0,
    };
  }

  Object.assign(api, { readout, fromReadout });
  api.affine = {
    IDENTITY, multiply, apply, determinant, invert, translation, rotation, scaling, about, cssOrder, css,
    equal, checked, interpolate,
  };
  api.createHistory = createHistory;
})();
