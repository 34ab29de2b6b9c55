// Pictures as plain arrays: { data: RGBA, 8 bits, width, height }.

/** Maximum number of pixels of a picture, as in ferflow.use.picture. */
const MAX_PIXELS = 100_000_000;

/**
 * Return the pixels of a bitmap on white, as Python lays transparent parts on white.
 * @param {ImageBitmap | OffscreenCanvas} bitmap The picture, upright.
 * @param {number} limit Longer side to which a larger picture is shrunk. Defaults to none.
 */
export function readPixels(bitmap, limit = Number.POSITIVE_INFINITY) {
  if (bitmap.width * bitmap.height > MAX_PIXELS) {
    throw new RangeError(`too large: ${bitmap.width}x${bitmap.height} pixels; the maximum is 100 million pixels`);
  }
  const scale = Math.min(1, limit / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas(width, height);
  context.imageSmoothingQuality = "medium";
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0, width, height);
  return { data: context.getImageData(0, 0, width, height).data, width, height, canvas: context.canvas };
}

const kept = new Map(); // by size, because a canvas takes longer to make than to draw on
const LARGE = 2_000_000; // pixels from which a canvas is not kept, because it takes much memory

function canvas(width, height) {
  const size = `${width}x${height}`;
  if (kept.has(size)) return kept.get(size);
  const made = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true, alpha: false });
  if (kept.size > 3) kept.clear();
  if (width * height < LARGE) kept.set(size, made);
  return made;
}

/** Return the grey levels of a picture as Pillow computes them (ITU-R 601-2): one byte a pixel. */
export function toGrey({ data, width, height }) {
  const grey = new Uint8Array(width * height);
  for (let pixel = 0, at = 0; pixel < grey.length; pixel++, at += 4) {
    grey[pixel] = (data[at] * 19595 + data[at + 1] * 38470 + data[at + 2] * 7471 + 0x8000) >> 16;
  }
  return { data: grey, width, height };
}

/** Return a picture in a frame of `margin` pixels that repeat its edge. */
export function repeatEdge(image, margin) {
  const width = image.width + 2 * margin;
  const height = image.height + 2 * margin;
  const from = new Uint32Array(image.data.buffer, image.data.byteOffset, image.width * image.height);
  const to = new Uint32Array(width * height);
  for (let y = 0; y < height; y++) {
    const line = clamp(y - margin, image.height) * image.width;
    for (let x = 0; x < width; x++) to[y * width + x] = from[line + clamp(x - margin, image.width)];
  }
  return { data: new Uint8Array(to.buffer), width, height };
}

/** Return the index from 0 to `length` - 1 that is nearest to `index`. */
export function clamp(index, length) {
  return index < 0 ? 0 : index >= length ? length - 1 : index;
}
