// The probabilities of a face as a list of bars, which a screen reader reads as names and percentages.

import { percent } from "./overlay.js";
import { best } from "./table.js";

const COLOURS = 8;

/** The bars of one face, which can change without being built again. */
export class Bars {
  #rows;

  /**
   * @param {HTMLDListElement} list Where the bars go.
   * @param {string[]} classes Names of the classes.
   */
  constructor(list, classes) {
    this.#rows = classes.map((name, index) => {
      const row = document.createElement("div");
      row.className = `colour${index % COLOURS}`;
      const bar = element("progress", { max: 1, value: 0, ariaHidden: "true" });
      const number = element("dd", { className: "number" });
      const middle = element("dd");
      middle.append(bar);
      middle.ariaHidden = "true";
      row.append(element("dt", { textContent: name }), middle, number);
      return { row, bar, number };
    });
    list.replaceChildren(...this.#rows.map(({ row }) => row));
  }

  /** @param {number[] | null} probabilities Of each class; null if there is no face. */
  show(probabilities) {
    const answer = probabilities ? best(probabilities) : -1;
    this.#rows.forEach(({ row, bar, number }, index) => {
      bar.value = probabilities?.[index] ?? 0;
      number.textContent = probabilities ? percent(probabilities[index]) : "–";
      row.classList.toggle("answer", index === answer);
    });
  }
}

/** Return a new element with some of its properties set. */
export function element(name, properties = {}) {
  return Object.assign(document.createElement(name), properties);
}
