// Shrink and enlarge pictures exactly as Pillow's Image.resize does with BILINEAR, so that the detector sees the same
// pixels here as in Python. A canvas would leave out most pixels of a large picture, each browser in its own way.

const PRECISION = 22; // bits of a weight after the point, as in Pillow: 8 bits of a pixel and 2 to spare make 32
const ONE = 2 ** PRECISION;

/**
 * Return a picture at another size.
 * @param {{data: Uint8Array | Uint8ClampedArray, width: number, height: number}} image RGBA; alpha is not kept.
 * @param {number} width New width in pixels.
 * @param {number} height New height in pixels.
 */
export function resize(image, width, height) {
  const narrow = width === image.width ? image : across(image, weights(image.width, width));
  return height === narrow.height ? narrow : down(narrow, weights(narrow.height, height));
}

/** For each new pixel of an axis: the first old pixel that it covers, and the weight of each, a triangle around it. */
function weights(from, to) {
  const scale = from / to;
  const support = Math.max(1, scale);
  return Array.from({ length: to }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const last = Math.min(from, Math.trunc(centre + support + 0.5));
    const shares = [];
    for (let old = first; old < last; old++) {
      shares.push(Math.max(0, 1 - Math.abs((old - centre + 0.5) / support)));
    }
    const sum = shares.reduce((total, share) => total + share, 0);
    return { first, shares: Int32Array.from(shares, (share) => Math.trunc(0.5 + (share / sum) * ONE)) };
  });
}

function across({ data, width, height }, plan) {
  const result = new Uint8Array(plan.length * height * 4);
  for (let y = 0, out = 0; y < height; y++) {
    for (let x = 0; x < plan.length; x++, out += 4) {
      const { first, shares } = plan[x];
      weigh(data, (y * width + first) * 4, 4, shares, result, out);
    }
  }
  return { data: result, width: plan.length, height };
}

function down({ data, width }, plan) {
  const result = new Uint8Array(width * plan.length * 4);
  for (let y = 0, out = 0; y < plan.length; y++) {
    const { first, shares } = plan[y];
    for (let x = 0; x < width; x++, out += 4) weigh(data, (first * width + x) * 4, width * 4, shares, result, out);
  }
  return { data: result, width, height: plan.length };
}

/** Write the weighted mean of some pixels, `step` bytes apart from `at` on, to `out`. */
function weigh(data, at, step, shares, result, out) {
  let red = ONE / 2;
  let green = red;
  let blue = red;
  for (let near = 0, from = at; near < shares.length; near++, from += step) {
    const share = shares[near];
    red += data[from] * share;
    green += data[from + 1] * share;
    blue += data[from + 2] * share;
  }
  result[out] = red >> PRECISION;
  result[out + 1] = green >> PRECISION;
  result[out + 2] = blue >> PRECISION;
}
