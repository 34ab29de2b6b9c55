// What the network's card says of it, in words.

import { element } from "./bars.js";

/**
 * Fill a list with what the network is and how good.
 * @param {HTMLDListElement} list Where it goes.
 * @param started What Engine.start() returned.
 */
export function describe(list, { card, model, threads }) {
  const file = card.files[model];
  const entries = [
    ["Network", `${card.name}, ${model}, ${Math.round(file.bytes / 1024).toLocaleString("en")} KiB`],
    ["Classes", card.classes.join(", ")],
    ["Trained on", `${card.dataset}; licence of the data: ${card.licence}`],
    ...Object.entries(file.sets).map(([set, score]) => [`Accuracy, ${set}`, accuracy(score, card.confidence)]),
    ["Probabilities", `calibrated on validation images (temperature ${card.temperature.toFixed(2)})`],
    ["Runs on", `${runtime(threads)}, in this browser`],
  ];
  list.replaceChildren(
    ...entries.map(([name, text]) => {
      const row = element("div");
      row.append(element("dt", { textContent: name }), element("dd", { textContent: text }));
      return row;
    }),
  );
}

/** Return what computes, such as `WebAssembly SIMD, 1 thread`. */
export function runtime(threads) {
  return `WebAssembly SIMD, ${threads} ${threads === 1 ? "thread" : "threads"}`;
}

function accuracy({ images, accuracy: share, low, high }, confidence) {
  const [middle, from, to] = [share, low, high].map((part) => (100 * part).toFixed(1));
  const level = Math.round(100 * confidence);
  return `${middle} % (${level} % interval ${from} to ${to} %) of ${images.toLocaleString("en")} images`;
}
