// The page's side of the worker: a promise for each picture.

export class Engine {
  #worker;
  #waiting = new Map();
  #number = 0;

  constructor() {
    // A worker from a blob is bound by this page's Content-Security-Policy; one from an address would not be.
    const address = new URL("./engine.js", import.meta.url).href;
    const source = new Blob([`import ${JSON.stringify(address)};`], { type: "text/javascript" });
    this.#worker = new Worker(URL.createObjectURL(source), { type: "module", name: "ferflow" });
    this.#worker.onmessage = ({ data: { number, result, error } }) => {
      const { resolve, reject } = this.#waiting.get(number);
      this.#waiting.delete(number);
      if (error === undefined) resolve(result);
      else reject(new Error(error));
    };
    this.#worker.onerror = (event) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(event.message || "the worker did not start"));
      this.#waiting.clear();
    };
  }

  /** Number of pictures that the worker has not answered yet. */
  get busy() {
    return this.#waiting.size;
  }

  /** Load the networks. Returns { card, threads, model }. */
  async start() {
    // One core is left to the page. Threads need a page that is isolated from other origins.
    const spare = Math.min(4, Math.max(1, navigator.hardwareConcurrency - 1));
    const threads = crossOriginIsolated ? spare : 1;
    return { ...(await this.#ask("start", { threads })), threads };
  }

  /** Look at the file of a photograph. Returns { faces, preview, scale }: pixels of the preview a pixel. */
  photo(file) {
    return this.#ask("photo", { file });
  }

  /** Look at a frame, searched at `side` pixels. Returns { faces, milliseconds }. */
  frame(bitmap, side) {
    return this.#ask("frame", { bitmap, side }, [bitmap]);
  }

  #ask(action, details, transfer = []) {
    const number = this.#number++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#worker.postMessage({ number, action, ...details }, transfer);
    });
  }
}
