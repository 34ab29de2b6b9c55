// The worker that looks at pictures, so that the page answers to keys and clicks meanwhile.

import * as ort from "../ort/ort.wasm.bundle.min.mjs";
import { cut, place, placements } from "./crop.js";
import { readPixels, toGrey } from "./pixels.js";
import { scaled, YuNet } from "./yunet.js";

const PHOTO_SIDE = 640; // pixels at which a photograph is searched, as in Python
const FRAME_LIMIT = 1280; // frames of a video are shrunk to this, because 4K takes longer to copy than to look at
const PREVIEW = [480, 960]; // longer side of the copy of a photograph that is shown, in pixels: at least, at most

let card;
let detector;
let network;

const actions = {
  /** Load the networks, which run on some threads. */
  async start({ threads }) {
    const settings = await (await fetch(new URL("../page.json", import.meta.url))).json();
    ort.env.wasm.numThreads = threads;
    ort.env.wasm.wasmPaths = { wasm: new URL("../ort/ort-wasm-simd-threaded.wasm", import.meta.url).href };
    ort.env.logLevel = "error";
    card = await (await fetch(new URL("../card.json", import.meta.url))).json();
    detector = new YuNet(ort, await load("detector.onnx"));
    network = await load(settings.model);
    return { card, model: settings.model };
  },

  /** Look at the file of a photograph. */
  async photo({ file }) {
    const bitmap = await decode(file);
    const image = readPixels(bitmap);
    const faces = await recognize(image, await detector.detect(image, PHOTO_SIDE), placements);
    const longer = Math.max(bitmap.width, bitmap.height);
    const scale = Math.min(PREVIEW[1], Math.max(PREVIEW[0], longer)) / longer;
    const size = { resizeWidth: Math.ceil(bitmap.width * scale), resizeHeight: Math.ceil(bitmap.height * scale) };
    const preview = await createImageBitmap(bitmap, { ...size, resizeQuality: "high" });
    bitmap.close();
    return { faces, preview, scale };
  },

  /**
   * Look at a frame of a video. Unlike a photograph it is shrunk by the browser, which is faster than Pillow's way, and
   * not searched again for a face that fills it; its faces are answered from one crop instead of three.
   */
  async frame({ bitmap, side }) {
    const start = performance.now();
    const image = readPixels(bitmap, FRAME_LIMIT);
    // Shrunk from the copy, because a frame's colours are converted each time that it is drawn.
    const small = Math.max(image.width, image.height) > side ? readPixels(image.canvas, side) : image;
    const { width, height } = bitmap;
    bitmap.close();
    const found = await detector.search(small);
    const fitted = fit(found, image.width / small.width, image.height / small.height);
    const faces = await recognize(image, fitted, (face, template) => [place(face, template)]);
    return { faces: fit(faces, width / image.width, height / image.height), milliseconds: performance.now() - start };
  },
};

let last = Promise.resolve(); // one picture at a time, in the order of the messages

self.onmessage = ({ data: { number, action, ...rest } }) => {
  last = last.then(async () => {
    try {
      const result = await actions[action](rest);
      self.postMessage({ number, result }, result.preview ? [result.preview] : []);
    } catch (error) {
      self.postMessage({ number, error: error.message ?? String(error) });
    }
  });
};

async function load(name) {
  const answer = await fetch(new URL(`../${name}`, import.meta.url));
  if (!answer.ok) throw new Error(`${name} could not be loaded: HTTP status ${answer.status}`);
  const options = { executionProviders: ["wasm"], logSeverityLevel: 3 };
  return await ort.InferenceSession.create(await answer.arrayBuffer(), options);
}

async function decode(file) {
  if (file.size === 0) throw new Error("an empty file");
  try {
    return await createImageBitmap(file, { colorSpaceConversion: "none" }); // upright, as EXIF says
  } catch {
    throw new Error("not a picture that this browser can read");
  }
}

/** Return faces of a picture that is `across` times as wide and `down` times as high. */
function fit(faces, across, down) {
  return faces.map((face) => ({ ...face, ...scaled(face, across, down) }));
}

/** Return the faces that have a size, each with the mean probability of every class over its crops. */
async function recognize(image, found, cropsOf) {
  const faces = found.filter(({ box }) => Math.min(box[2], box[3]) >= 1);
  if (faces.length === 0) return [];
  const grey = toGrey(image);
  const size = card.side ** 2;
  const looks = faces.flatMap((face) => cropsOf(face, card.crop, grey));
  const crops = new Uint8Array(looks.length * size);
  looks.forEach((placement, index) => {
    crops.set(cut(grey, placement, card.side), index * size);
  });
  const input = new ort.Tensor("uint8", crops, [looks.length, card.side, card.side]);
  const output = (await network.run({ [card.input.name]: input }))[card.output.name];
  const count = card.classes.length;
  const each = looks.length / faces.length;
  const recognized = faces.map((face, index) => {
    const rows = output.data.subarray(index * each * count, (index + 1) * each * count);
    const sums = new Array(count).fill(0);
    rows.forEach((share, place) => {
      sums[place % count] += share;
    });
    return { ...face, probabilities: sums.map((sum) => sum / each) };
  });
  output.dispose();
  return recognized;
}
