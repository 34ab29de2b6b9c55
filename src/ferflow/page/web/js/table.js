// The table that can be saved: the columns and digits of `ferflow predict`.

const MAX_ROWS = 300_000; // two hours of one face at 40 frames a second, 200 MB of memory

export class Table {
  #rows = [];

  /** @param {string[]} classes Names of the classes. */
  constructor(classes) {
    this.classes = classes;
  }

  get length() {
    return this.#rows.length;
  }

  get full() {
    return this.#rows.length >= MAX_ROWS;
  }

  /**
   * Append the rows of a picture: one a face, or one that says that there is none.
   * @param {{path: string, frame?: number, time?: number}} origin Where the picture comes from.
   * @param faces Faces with `number`, `box`, `score` and `probabilities`.
   */
  add(origin, faces) {
    if (this.full) return;
    if (faces.length === 0) this.#rows.push({ ...origin, status: "no_face", reason: "no face found" });
    for (const face of faces) this.#rows.push({ ...origin, face, status: "ok", reason: "" });
  }

  /** Append the row of a file that cannot be read. */
  fail(path, reason) {
    this.#rows.push({ path, status: "failed", reason });
  }

  clear() {
    this.#rows = [];
  }

  /** Return all rows as CSV (RFC 4180 with line feeds). */
  csv() {
    const places = ["path", "frame", "time", "face", "x", "y", "width", "height", "score", "answer"];
    const header = [...places, ...this.classes.map((name) => `p_${name}`), "status", "reason"];
    const lines = this.#rows.map((row) => line(this.#cells(row)));
    return new Blob([line(header), ...lines], { type: "text/csv;charset=utf-8" });
  }

  #cells({ path, frame, time, face, status, reason }) {
    const box = face ? face.box.map((part) => digits(part, 1)) : ["", "", "", ""];
    const shares = this.classes.map((_, index) => (face ? digits(face.probabilities[index], 6) : ""));
    const answer = face ? this.classes[best(face.probabilities)] : "";
    const start = [path, frame ?? "", time === undefined ? "" : digits(time, 3), face?.number ?? ""];
    return [...start, ...box, face ? digits(face.score, 4) : "", answer, ...shares, status, reason];
  }
}

/** Return the index of the largest probability. */
export function best(probabilities) {
  return probabilities.indexOf(Math.max(...probabilities));
}

function digits(value, count) {
  return String(Number(value.toFixed(count)));
}

function line(cells) {
  return `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${String(cell).replaceAll('"', '""')}"` : cell)).join(",")}\n`;
}
