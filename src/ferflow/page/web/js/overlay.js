// Boxes and answers drawn over a picture.

import { best } from "./table.js";

// One a class, as `ferflow predict --draw` has them. White text on each has a contrast of 3 or more; amber gets black.
const COLOURS = ["#e8590c", "#5f3dc4", "#0b7285", "#f59f00", "#495057", "#1864ab", "#c2255c", "#2b8a3e"];
const DARK_TEXT = "#f59f00";

/**
 * Draw the box of each face, with its number, answer and probability above.
 * @param {CanvasRenderingContext2D} context Canvas with the picture, or over it.
 * @param faces Faces with `number`, `box` and `probabilities`.
 * @param {string[]} classes Names of the classes.
 * @param {number} scale Pixels of the canvas a pixel of the picture that the boxes belong to. Defaults to 1.
 */
export function drawFaces(context, faces, classes, scale = 1) {
  const { width, height } = context.canvas;
  const size = Math.max(12, Math.round(Math.min(width, height) / 24));
  const line = Math.max(2, Math.round(size / 6));
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textBaseline = "top";
  context.lineWidth = line;
  for (const face of faces) {
    const answer = best(face.probabilities);
    const colour = COLOURS[answer % COLOURS.length];
    const [x, y, wide, high] = face.box.map((part) => part * scale);
    context.strokeStyle = colour;
    context.strokeRect(x, y, wide, high);
    const text = `${face.number} ${classes[answer]} ${percent(face.probabilities[answer])}`;
    const label = [context.measureText(text).width + 2 * line, size * 1.25];
    const left = Math.min(Math.max(0, x), Math.max(0, width - label[0]));
    const top = y >= label[1] ? y - label[1] : Math.min(Math.max(0, y), Math.max(0, height - label[1]));
    context.fillStyle = colour;
    context.fillRect(left, top, ...label);
    context.fillStyle = colour === DARK_TEXT ? "black" : "white";
    context.fillText(text, left + line, top + size * 0.15);
  }
}

/** Return a probability as a percentage, such as `71 %`. */
export function percent(probability) {
  return `${Math.round(100 * probability)}\u00a0%`;
}
