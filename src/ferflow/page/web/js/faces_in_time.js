// Follow faces from frame to frame, and smooth what the network says: ferflow/predict/faces_in_time.py in JavaScript.

import { overlap } from "./yunet.js";

const MIN_OVERLAP = 0.3; // from which a box continues the face of an earlier frame
const MAX_GAP = 1; // seconds after which a face that is not found again is forgotten

/** Gives the same face the same number, by its place alone: the pairs that overlap most are joined first. */
export class FaceTracker {
  #tracks = [];
  #next = 1;
  #seen = 0;

  /**
   * Return the number of each box.
   * @param {number[][]} boxes Faces of a frame.
   * @param {number} time Time of the frame in seconds, not before that of the last call.
   */
  numbers(boxes, time) {
    this.#tracks = this.#tracks.filter((track) => track.time >= this.#seen || time - track.time <= MAX_GAP);
    this.#seen = time;
    const pairs = boxes.flatMap((box, place) =>
      this.#tracks.map((track) => ({ place, track, shared: overlap(track.box, box) })),
    );
    const given = new Map();
    const taken = new Set();
    pairs.sort((one, other) => other.shared - one.shared || one.track.number - other.track.number);
    for (const { place, track, shared } of pairs) {
      if (shared < MIN_OVERLAP || given.has(place) || taken.has(track)) continue;
      given.set(place, track);
      taken.add(track);
    }
    return boxes.map((box, place) => {
      if (!given.has(place)) {
        given.set(place, { number: this.#next++ });
        this.#tracks.push(given.get(place));
      }
      return Object.assign(given.get(place), { box, time }).number;
    });
  }
}

/** Averages a face's probabilities over time: what was said t seconds ago weighs exp(-t / seconds) as much. */
export class Smoother {
  #known = new Map();

  /** @param {number} seconds Time constant; 0 leaves everything as it is. */
  constructor(seconds) {
    this.seconds = seconds;
  }

  /** Return the average of a face's probabilities up to now. */
  smooth(face, time, probabilities) {
    if (this.seconds === 0) return probabilities;
    const known = this.#known.get(face);
    const kept = known ? Math.exp(-(time - known.time) / this.seconds) : 0;
    const mean = probabilities.map((now, index) => (known ? kept * known.mean[index] + (1 - kept) * now : now));
    this.#known.set(face, { time, mean });
    return mean;
  }
}
