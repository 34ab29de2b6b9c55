// The face detector YuNet (Wu, Peng, Yu 2023): ferflow/use/yunet.py in JavaScript, number for number.

import { repeatEdge } from "./pixels.js";
import { resize } from "./resize.js";

const STRIDES = [8, 16, 32];
const SURE_OVERLAP = 0.3; // of two boxes that show one face
const SMALL = 160;
const FRAME = 0.25;
const CLOSE = 240;
const MIN_SCORE = 0.7;

export class YuNet {
  /**
   * @param ort ONNX Runtime.
   * @param session The network, with free height and width.
   */
  constructor(ort, session) {
    this.ort = ort;
    this.session = session;
  }

  /**
   * Return the faces of a picture, the surest first: { box: [x, y, width, height], score, landmarks: five [x, y] }.
   * @param image RGBA.
   * @param {number} side Longer side at which the picture is searched, in pixels.
   */
  async detect(image, side) {
    const longer = Math.max(image.width, image.height);
    const faces = await this.#searchAt(image, longer > side ? side / longer : Math.max(1, SMALL / longer));
    if (faces.length > 0) return faces;
    // A face that fills the picture is too large for YuNet.
    const margin = roundHalfEven(FRAME * longer);
    const framed = repeatEdge(image, margin);
    const found = await this.#searchAt(framed, CLOSE / Math.max(framed.width, framed.height));
    return found
      .map((face) => moved(face, -margin))
      .filter(({ box: [x, y, width, height] }) => {
        const [middleX, middleY] = [x + width / 2, y + height / 2];
        return middleX >= 0 && middleX <= image.width && middleY >= 0 && middleY <= image.height;
      });
  }

  /** Return the faces of a picture that is searched as it is. */
  async search(image) {
    const input = this.#input(image);
    const results = await this.session.run({ [this.session.inputNames[0]]: input });
    const outputs = this.session.outputNames.map((name) => results[name].data);
    const faces = suppress(decode(outputs, input.dims[3]));
    for (const output of Object.values(results)) output.dispose();
    return faces;
  }

  async #searchAt(image, scale) {
    const width = Math.max(1, roundHalfEven(image.width * scale));
    const height = Math.max(1, roundHalfEven(image.height * scale));
    const faces = await this.search(resize(image, width, height));
    return faces.map((face) => scaled(face, image.width / width, image.height / height));
  }

  /** Blue, green and red as planes, 0 to 255, sides padded to multiples of 32 with zeros. */
  #input({ data, width, height }) {
    const wide = Math.ceil(width / 32) * 32;
    const high = Math.ceil(height / 32) * 32;
    const plane = wide * high;
    const values = new Float32Array(3 * plane);
    for (let y = 0; y < height; y++) {
      for (let x = 0, from = y * width * 4, to = y * wide; x < width; x++, from += 4, to++) {
        values[to] = data[from + 2];
        values[to + plane] = data[from + 1];
        values[to + 2 * plane] = data[from];
      }
    }
    return new this.ort.Tensor("float32", values, [1, 3, high, wide]);
  }
}

/** Return the faces that the outputs hold: class scores, object scores, boxes and landmarks, each for three strides. */
function decode(outputs, width) {
  const faces = [];
  STRIDES.forEach((stride, level) => {
    const [classes, objects, boxes, points] = [0, 3, 6, 9].map((kind) => outputs[level + kind]);
    const columns = width / stride;
    for (let cell = 0; cell < classes.length; cell++) {
      const score = Math.sqrt(share(classes[cell]) * share(objects[cell]));
      if (score < MIN_SCORE) continue;
      const [left, top] = [cell % columns, Math.floor(cell / columns)];
      const [x, y, wide, high] = boxes.subarray(cell * 4, cell * 4 + 4);
      const size = [Math.exp(wide) * stride, Math.exp(high) * stride];
      const corner = [(left + x) * stride - size[0] / 2, (top + y) * stride - size[1] / 2];
      const landmarks = [0, 2, 4, 6, 8].map((part) => [
        (points[cell * 10 + part] + left) * stride,
        (points[cell * 10 + part + 1] + top) * stride,
      ]);
      faces.push({ box: [...corner, ...size], score, landmarks });
    }
  });
  return faces;
}

/** Return the faces by falling score, without those whose box shows the face of a surer one. */
function suppress(faces) {
  const kept = [];
  for (const face of faces.sort((one, other) => other.score - one.score)) {
    if (kept.every((other) => overlap(face.box, other.box) <= SURE_OVERLAP)) kept.push(face);
  }
  return kept;
}

/** Return the intersection over union of two boxes, 0 to 1. */
export function overlap([x, y, width, height], [otherX, otherY, otherWidth, otherHeight]) {
  const wide = Math.min(x + width, otherX + otherWidth) - Math.max(x, otherX);
  const high = Math.min(y + height, otherY + otherHeight) - Math.max(y, otherY);
  if (wide <= 0 || high <= 0) return 0;
  return (wide * high) / (width * height + otherWidth * otherHeight - wide * high);
}

/** Return a face whose picture is `across` times as wide and `down` times as high. */
export function scaled({ box, score, landmarks }, across, down) {
  const [x, y, width, height] = box;
  return {
    box: [x * across, y * down, width * across, height * down],
    score,
    landmarks: landmarks.map(([left, top]) => [left * across, top * down]),
  };
}

function moved({ box: [x, y, width, height], score, landmarks }, by) {
  return {
    box: [x + by, y + by, width, height],
    score,
    landmarks: landmarks.map(([left, top]) => [left + by, top + by]),
  };
}

function share(value) {
  return Math.min(1, Math.max(0, value));
}

/** Round as Python does: a half to the even neighbour. */
function roundHalfEven(value) {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
