// Photographs: each one a picture with boxes and the probabilities of its faces.

import { sentence } from "./announcer.js";
import { Bars, element } from "./bars.js";
import { drawFaces } from "./overlay.js";

const OPEN = 2; // faces up to which all probabilities are shown at once

const area = ({ box }) => box[2] * box[3];

export class Photos {
  /**
   * @param {HTMLUListElement} list Where the photographs go.
   * @param engine What looks at them.
   * @param {string[]} classes Names of the classes.
   */
  constructor(list, engine, classes) {
    this.list = list;
    this.engine = engine;
    this.classes = classes;
  }

  /**
   * Look at a photograph, and show it. A file that cannot be read is shown with the reason.
   * @param {File} file The photograph.
   * @param {Table} table Where its rows go.
   * @returns {Promise<string>} What was found, in a sentence.
   */
  async add(file, table) {
    const item = element("li");
    const text = element("p", { className: "soft", textContent: "Looking …" });
    item.append(element("h3", { textContent: file.name }), text);
    this.list.append(item);
    try {
      const { faces, preview, scale } = await this.engine.photo(file);
      // Faces of a photograph are numbered from the largest to the smallest.
      faces.sort((one, other) => area(other) - area(one));
      faces.forEach((face, index) => {
        face.number = index + 1;
      });
      table.add({ path: file.name }, faces);
      text.textContent = sentence(faces, this.classes);
      item.prepend(this.#picture(preview, faces, scale, text.textContent));
      item.append(...faces.map((face) => this.#details(face, faces.length <= OPEN)));
    } catch (error) {
      table.fail(file.name, error.message);
      text.textContent = `This file could not be used: ${error.message}.`;
      text.className = "problem";
    }
    return `${file.name}: ${text.textContent}`;
  }

  clear() {
    this.list.replaceChildren();
  }

  #picture(preview, faces, scale, alternative) {
    const canvas = element("canvas", { width: preview.width, height: preview.height, role: "img" });
    canvas.ariaLabel = alternative;
    const context = canvas.getContext("2d");
    context.fillStyle = "white";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(preview, 0, 0);
    preview.close();
    drawFaces(context, faces, this.classes, scale);
    return canvas;
  }

  #details(face, open) {
    const details = element("details", { open });
    const list = element("dl", { className: "bars" });
    new Bars(list, this.classes).show(face.probabilities);
    details.append(element("summary", { textContent: `Face ${face.number}` }), list);
    return details;
  }
}
