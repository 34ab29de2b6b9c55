// What a screen reader is told while faces change: the answer, when it is another one, and not more than it can say.

import { percent } from "./overlay.js";
import { best } from "./table.js";

const PAUSE = 4000; // milliseconds

export class Announcer {
  #last = "";
  #next = 0;

  /**
   * @param {HTMLElement} region The live region.
   * @param {string[]} classes Names of the classes.
   */
  constructor(region, classes) {
    this.region = region;
    this.classes = classes;
  }

  /** Forget what was said of an earlier video. */
  start() {
    this.#last = "";
    this.#next = 0;
  }

  /** Say a sentence at once. */
  say(text) {
    this.region.textContent = text;
  }

  /** Say which emotions the faces of a frame show, if these have changed and the last sentence is over. */
  frame(faces) {
    const answers = faces.map((face) => `${face.number}${best(face.probabilities)}`).join();
    if (answers === this.#last || performance.now() < this.#next) return;
    this.#last = answers;
    this.#next = performance.now() + PAUSE;
    this.say(sentence(faces, this.classes));
  }
}

/** Return the answers of some faces as a sentence. */
export function sentence(faces, classes) {
  if (faces.length === 0) return "No face.";
  const parts = faces.map(({ number, probabilities }) => {
    const answer = best(probabilities);
    return `face ${number} ${classes[answer]}, ${percent(probabilities[answer])}`;
  });
  return `${faces.length === 1 ? "1 face" : `${faces.length} faces`}: ${parts.join("; ")}.`;
}
