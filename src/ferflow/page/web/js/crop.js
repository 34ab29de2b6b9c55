// Cut a face out as the training crops were cut: ferflow/use/crop.py in JavaScript, number for number.

import { clamp } from "./pixels.js";

const FINEST = 4; // pixels of the picture across a pixel of the crop; a larger face is first reduced towards that
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
 * bilinear interpolation; beyond the picture's edge its edge is repeated. A picture whose face is far larger than the
 * crop is first reduced. Pillow's arithmetic, its truncation included.
 * @param grey One byte a pixel.
 * @param {{origin: [number, number], axis: [number, number]}} placement Where the crop lies.
 * @param {number} side Height and width in pixels.
 */
export function cut(grey, placement, side) {
  const scale = Math.hypot(...placement.axis) / side;
  const shrink = Math.max(1, Math.floor(scale / FINEST));
  const [region, { origin, axis }] = shrink > 1 ? reduced(grey, placement, shrink) : [grey, placement];
  const samples = Math.max(1, Math.ceil(scale / shrink - 1e-6));
  const fine = side * samples;
  const step = [axis[0] / fine, axis[1] / fine];
  const sums = new Uint32Array(side * side);
  for (let y = 0; y < fine; y++) {
    const row = Math.floor(y / samples) * side;
    for (let x = 0; x < fine; x++) {
      const acrossX = step[0] * (x + 0.5) - step[1] * (y + 0.5) + origin[0];
      const acrossY = step[1] * (x + 0.5) + step[0] * (y + 0.5) + origin[1];
      sums[row + Math.floor(x / samples)] += sample(region, acrossX - 0.5, acrossY - 0.5);
    }
  }
  return means(sums, samples ** 2);
}

/** Return the part of a picture around a placement, shrink * shrink pixels brought to one, and the placement in it. */
function reduced({ data, width, height }, { origin, axis }, shrink) {
  const [left, right] = range(origin[0], axis[0], -axis[1], shrink);
  const [top, bottom] = range(origin[1], axis[1], axis[0], shrink);
  const columns = Math.ceil((right - left) / shrink);
  const rows = Math.ceil((bottom - top) / shrink);
  const sums = new Uint32Array(columns * rows);
  for (let y = 0; y < rows * shrink; y++) {
    const row = Math.floor(y / shrink) * columns;
    const from = clamp(top + y, height) * width;
    for (let x = 0; x < columns * shrink; x++) {
      sums[row + Math.floor(x / shrink)] += data[from + clamp(left + x, width)];
    }
  }
  const moved = [(origin[0] - left) / shrink, (origin[1] - top) / shrink];
  return [
    { data: means(sums, shrink ** 2), width: columns, height: rows },
    { origin: moved, axis: axis.map((part) => part / shrink) },
  ];
}

/** Return the first and last pixel, to one side, that a crop needs: its corners start at `origin` and span two edges. */
function range(origin, edge, other, shrink) {
  const corners = [origin, origin + edge, origin + other, origin + edge + other].map(Math.fround);
  return [Math.floor(Math.min(...corners)) - 2 * shrink, Math.ceil(Math.max(...corners)) + 3 * shrink];
}

/** Return sums of `count` grey levels as their means, rounded as Pillow does, which divides by a multiplication. */
function means(sums, count) {
  const factor = Math.floor(2 ** 24 / count);
  return Uint8Array.from(sums, (sum) => Math.floor(((sum + Math.floor(count / 2)) * factor) / 2 ** 24));
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
