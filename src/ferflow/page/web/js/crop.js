// Cut a face out as the training crops were cut: ferflow/use/crop.py in JavaScript, number for number.

import { clamp } from "./pixels.js";

const LARGEST_SAMPLE = 4096; // pixels a side: bounds the work for an absurd box
const ZOOMS = [0.93, 1.07];
const WIDEST = 4; // pictures; a wider crop comes of landmarks that are no face
const POINTS = ["right_eye", "left_eye", "nose", "right_mouth", "left_mouth"];

/**
 * Return where the crop of a face lies: crop point (u, v) is picture point origin + u * axis + v * axis turned by 90
 * degrees. The landmarks are moved to the template's places with the least squared error by a shift, one scale and, if
 * the template says so, a rotation (Umeyama 1991).
 * @param face A face with five landmarks.
 * @param template `crop` of card.json.
 * @returns {{origin: [number, number], axis: [number, number]}} In pixels.
 */
export function place(face, template) {
  const there = POINTS.map((name) => template[name]);
  const [middleThere, middleHere] = [mean(there), mean(face.landmarks)];
  let real = 0;
  let imaginary = 0;
  let spread = 0;
  face.landmarks.forEach(([x, y], index) => {
    const here = [x - middleHere[0], y - middleHere[1]];
    const target = [there[index][0] - middleThere[0], there[index][1] - middleThere[1]];
    real += here[0] * target[0] + here[1] * target[1];
    imaginary += here[0] * target[1] - here[1] * target[0];
    spread += here[0] ** 2 + here[1] ** 2;
  });
  spread = Math.max(spread, 1e-9);
  const slope = [real / spread, template.rotate ? imaginary / spread : 0];
  const size = slope[0] ** 2 + slope[1] ** 2;
  // A scale below zero without rotation is a face upside down, for which the box is the better guess.
  if (Math.sqrt(size) > 1e-6 && (template.rotate || slope[0] > 0)) {
    const axis = [slope[0] / size, -slope[1] / size];
    const [u, v] = middleThere;
    return { origin: [middleHere[0] - u * axis[0] + v * axis[1], middleHere[1] - u * axis[1] - v * axis[0]], axis };
  }
  return square(face, template);
}

/**
 * Return where the crops of a face lie whose probabilities are averaged: two by the landmarks, slightly smaller and
 * larger than the template, and the square around the box.
 * @param face A face with five landmarks.
 * @param template `crop` of card.json.
 * @param {{width: number, height: number}} picture Where the face was found.
 */
export function placements(face, template, { width, height }) {
  const [found, upright] = [place(face, template), square(face, template)];
  const middle = Math.hypot(...found.axis) > WIDEST * Math.max(width, height) ? upright : found;
  return [...ZOOMS.map((factor) => zoomed(middle, factor)), upright];
}

/** Return the upright crop that the template puts around the detector's box. */
function square({ box: [x, y, width, height] }, template) {
  const side = height / template.box_height;
  const [u, v] = template.box_centre;
  return { origin: [x + width / 2 - u * side, y + height / 2 - v * side], axis: [side, 0] };
}

/** Return the crop with the same centre whose side is `factor` times as long. */
function zoomed({ origin, axis }, factor) {
  const part = (1 - factor) / 2;
  return {
    origin: [origin[0] + part * (axis[0] - axis[1]), origin[1] + part * (axis[0] + axis[1])],
    axis: [factor * axis[0], factor * axis[1]],
  };
}

/**
 * Return a crop as grey levels, side * side bytes: where a pixel of it covers several of the picture, their mean, else
 * bilinear interpolation; beyond the picture's edge its edge is repeated. Pillow's arithmetic, its truncation included.
 * @param grey One byte a pixel.
 * @param {{origin: [number, number], axis: [number, number]}} placement Where the crop lies.
 * @param {number} side Height and width in pixels.
 */
export function cut(grey, { origin, axis }, side) {
  const length = Math.hypot(axis[0], axis[1]);
  const most = Math.floor(LARGEST_SAMPLE / side);
  const samples = Math.max(1, Math.min(Math.ceil(length / side - 1e-6), most));
  const fine = side * samples;
  const step = [axis[0] / fine, axis[1] / fine];
  const count = samples ** 2;
  const factor = Math.floor(2 ** 24 / count); // Pillow divides by a multiplication
  const sums = new Uint32Array(side * side).fill(Math.floor(count / 2));
  for (let y = 0; y < fine; y++) {
    const row = Math.floor(y / samples) * side;
    for (let x = 0; x < fine; x++) {
      const acrossX = step[0] * (x + 0.5) - step[1] * (y + 0.5) + origin[0];
      const acrossY = step[1] * (x + 0.5) + step[0] * (y + 0.5) + origin[1];
      sums[row + Math.floor(x / samples)] += sample(grey, acrossX - 0.5, acrossY - 0.5);
    }
  }
  return Uint8Array.from(sums, (sum) => Math.floor((sum * factor) / 2 ** 24));
}

/** Return the grey level at a point by bilinear interpolation, cut to an integer. */
function sample({ data, width, height }, x, y) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [dx, dy] = [x - left, y - top];
  const [nearX, farX] = [clamp(left, width), clamp(left + 1, width)];
  const [nearY, farY] = [clamp(top, height) * width, clamp(top + 1, height) * width];
  const above = data[nearY + nearX] + (data[nearY + farX] - data[nearY + nearX]) * dx;
  const below = data[farY + nearX] + (data[farY + farX] - data[farY + nearX]) * dx;
  return Math.trunc(above + (below - above) * dy);
}

function mean(points) {
  const sum = points.reduce(([x, y], point) => [x + point[0], y + point[1]], [0, 0]);
  return [sum[0] / points.length, sum[1] / points.length];
}
