// The probabilities of a face over time: one strip a class, so that no colour has to be told from another.

import { percent } from "./overlay.js";
import { best } from "./table.js";

const WINDOW = 30; // seconds of a camera that are shown
const STRIP = 26; // CSS pixels
const AXIS = 20;
const GAP = 1; // seconds without the face after which the strip is broken
const COLOURS = 8;

export class Timeline {
  #faces = new Map(); // by number: a list of [time, probabilities]

  /**
   * @param {HTMLCanvasElement} canvas Where it is drawn.
   * @param {HTMLElement} title Says whose it is.
   * @param {HTMLElement} text Says what it shows.
   * @param {string[]} classes Names of the classes.
   */
  constructor(canvas, title, text, classes) {
    this.canvas = canvas;
    this.title = title;
    this.text = text;
    this.classes = classes;
  }

  /**
   * Forget everything.
   * @param {number} duration Seconds of the video; 0: a camera, of which the last 30 seconds are shown.
   */
  start(duration) {
    this.duration = duration;
    this.#faces.clear();
    this.text.textContent = "";
  }

  /** Remember the faces of a frame. */
  add(time, faces) {
    for (const { number, probabilities } of faces) {
      if (!this.#faces.has(number)) this.#faces.set(number, []);
      const points = this.#faces.get(number);
      points.push([time, probabilities]);
      // Twice the window, so that old points are not moved in memory at each frame.
      if (!this.duration && time - points[0][0] > 2 * WINDOW) {
        this.#faces.set(
          number,
          points.filter((point) => time - point[0] <= WINDOW),
        );
      }
    }
  }

  /** Draw the strips of a face up to `now` seconds. */
  draw(face, now) {
    const width = this.canvas.clientWidth;
    const height = this.classes.length * STRIP + AXIS;
    const ratio = devicePixelRatio;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const context = this.canvas.getContext("2d");
    context.scale(ratio, ratio);
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name);
    context.font = "13px system-ui, sans-serif";
    const left = Math.ceil(Math.max(...this.classes.map((name) => context.measureText(name).width))) + 10;
    const [from, to] = this.duration ? [0, this.duration] : [Math.max(0, now - WINDOW), Math.max(WINDOW, now)];
    const across = (time) => left + ((time - from) / (to - from)) * (width - left);
    const points = (this.#faces.get(face) ?? []).filter(([time]) => time >= from);
    this.classes.forEach((name, index) => {
      const base = (index + 1) * STRIP - 2;
      context.textBaseline = "alphabetic";
      context.fillStyle = colour("--ink");
      context.fillText(name, 0, base - 5);
      context.fillStyle = colour("--line");
      context.fillRect(left, base, width - left, 1);
      context.fillStyle = colour(`--c${index % COLOURS}`);
      for (const part of runs(points)) fill(context, part, index, across, base);
    });
    this.#axis(context, { from, to, across, width, colour, top: this.classes.length * STRIP });
    this.title.textContent = face ? `Face ${face} over time` : "Over time";
    this.#describe(points, face);
  }

  #axis(context, { from, to, across, width, colour, top }) {
    const step = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600].find((one) => (to - from) / one <= 6) ?? 7200;
    context.fillStyle = colour("--soft");
    context.textBaseline = "top";
    let free = 0; // where the next label may begin
    for (let tick = Math.ceil(from / step) * step; tick <= to; tick += step) {
      const label = `${tick} s`;
      const size = context.measureText(label).width;
      const left = Math.min(width - size, Math.max(0, across(tick) - size / 2));
      if (left < free) continue;
      context.fillText(label, left, top + 2);
      free = left + size + 6;
    }
  }

  #describe(points, face) {
    if (points.length === 0) return;
    const counts = this.classes.map(() => 0);
    for (const [, probabilities] of points) counts[best(probabilities)]++;
    const order = counts.map((count, index) => [count, this.classes[index]]).filter(([count]) => count > 0);
    order.sort((one, other) => other[0] - one[0]);
    const shares = order.slice(0, 3).map(([count, name]) => `${name} in ${percent(count / points.length)}`);
    const span = this.duration ? "this video" : `the last ${WINDOW} seconds`;
    this.text.textContent = `Most probable for face ${face} in ${span}: ${shares.join(", ")} of the frames.`;
  }
}

/** Return the points in runs without a gap. */
function runs(points) {
  const parts = [];
  points.forEach((point, index) => {
    if (index === 0 || point[0] - points[index - 1][0] > GAP) parts.push([]);
    parts.at(-1).push(point);
  });
  return parts;
}

function fill(context, points, index, across, base) {
  context.beginPath();
  context.moveTo(across(points[0][0]), base);
  for (const [time, probabilities] of points) {
    context.lineTo(across(time), base - Math.max(0.5, probabilities[index] * (STRIP - 4)));
  }
  context.lineTo(Math.max(across(points.at(-1)[0]), across(points[0][0]) + 1), base);
  context.fill();
}
