// What happens while a camera or a video runs: boxes over it, bars beside it, strips below it, rows in the table.

import { FaceTracker, Smoother } from "./faces_in_time.js";
import { Rate, readFrames } from "./frames.js";
import { drawFaces } from "./overlay.js";

const DRAW_PAUSE = 250; // milliseconds between two drawings of the timeline
const CLEARLY_LARGER = 1.3; // areas

export class Live {
  #run = null; // what is running now; answers for an earlier run are dropped

  /**
   * @param {HTMLVideoElement} video Shows the camera or the video.
   * @param {HTMLCanvasElement} boxes Lies over it.
   * @param {HTMLSelectElement} chooser Which face is looked at closely: its number, or 0 for the largest.
   * @param parts What the results are given to: { engine, table, bars, timeline, announcer, tell }.
   */
  constructor(video, boxes, chooser, parts) {
    Object.assign(this, { video, boxes, chooser }, parts);
    this.classes = this.table.classes;
  }

  /** Whether a camera or video runs or pauses. */
  get running() {
    return this.#run !== null;
  }

  get paused() {
    return this.video.paused;
  }

  /**
   * Show a camera until stop() is called.
   * @param {MediaStream} stream The camera.
   * @param {{side: number, smooth: number}} options Pixels at which faces are searched; seconds to average over.
   */
  async camera(stream, options) {
    this.stop();
    this.video.srcObject = stream;
    await this.video.play();
    return await this.#start("camera", 0, options);
  }

  /** Show a video until its end or until stop() is called; options as for a camera. */
  async file(file, options) {
    this.stop();
    const address = URL.createObjectURL(file);
    this.video.src = address;
    try {
      await this.video.play();
      return await this.#start(file.name, this.video.duration, options);
    } catch (error) {
      if (error.name === "NotSupportedError") throw new Error("not a video that this browser can play");
      throw error;
    } finally {
      URL.revokeObjectURL(address);
    }
  }

  /** Pause or continue. */
  pause() {
    return this.video.paused ? this.video.play() : this.video.pause();
  }

  stop() {
    const run = this.#run;
    this.#run = null;
    this.video.pause();
    for (const track of this.video.srcObject?.getTracks() ?? []) track.stop();
    this.video.srcObject = null;
    this.video.removeAttribute("src");
    this.video.load(); // lets go of the file
    this.boxes.getContext("2d").clearRect(0, 0, this.boxes.width, this.boxes.height);
    run?.end();
  }

  #start(path, duration, { side, smooth }) {
    const run = { path, side, frame: 0, tracker: new FaceTracker(), smoother: new Smoother(smooth), rate: new Rate() };
    this.#run = run;
    this.timeline.start(duration);
    this.announcer.start();
    this.drawn = 0;
    this.chooser.replaceChildren(this.chooser.options[0]);
    this.known = 0;
    this.largest = 0;
    const wanted = () => this.#run === run;
    readFrames(this.video, wanted, this.engine, (bitmap, time) => {
      run.first ??= duration ? 0 : time;
      this.#look(run, bitmap, Math.max(0, time - run.first));
    });
    return new Promise((resolve) => {
      run.end = resolve;
      this.video.onended = () => wanted() && this.stop();
    });
  }

  async #look(run, bitmap, time) {
    const frame = run.frame++;
    let answer;
    try {
      answer = await this.engine.frame(bitmap, run.side);
    } catch (error) {
      if (this.#run === run) this.stop();
      this.tell.problem(`A frame could not be looked at: ${error.message}`);
      return;
    }
    if (this.#run !== run) return;
    const numbers = run.tracker.numbers(
      answer.faces.map(({ box }) => box),
      time,
    );
    const faces = answer.faces.map((face, index) => ({
      ...face,
      number: numbers[index],
      probabilities: run.smoother.smooth(numbers[index], time, face.probabilities),
    }));
    this.table.add({ path: run.path, frame, time }, faces);
    this.#show(faces, time);
    this.tell.rate(run.rate.count(), answer.milliseconds);
  }

  #show(faces, time) {
    if (this.boxes.width !== this.video.videoWidth || this.boxes.height !== this.video.videoHeight) {
      this.boxes.width = this.video.videoWidth;
      this.boxes.height = this.video.videoHeight;
    }
    const context = this.boxes.getContext("2d");
    context.clearRect(0, 0, this.boxes.width, this.boxes.height);
    drawFaces(context, faces, this.classes);
    for (const { number } of faces) {
      if (number <= this.known) continue;
      this.known = number;
      this.chooser.add(new Option(`face ${number}`, number));
    }
    const face = this.#close(faces);
    this.bars.show(face?.probabilities ?? null);
    this.timeline.add(time, faces);
    this.announcer.frame(faces);
    if (performance.now() - this.drawn > DRAW_PAUSE) {
      this.drawn = performance.now();
      this.timeline.draw(Number(this.chooser.value) || this.largest, time);
    }
  }

  /** Return the face that is looked at closely. Of two that are about as large it stays the same one. */
  #close(faces) {
    const chosen = Number(this.chooser.value);
    if (chosen) return faces.find(({ number }) => number === chosen);
    const before = faces.find(({ number }) => number === this.largest);
    const now = largest(faces);
    const face = before && area(now) < CLEARLY_LARGER * area(before) ? before : now;
    if (face) this.largest = face.number;
    return face;
  }
}

function area({ box }) {
  return box[2] * box[3];
}

function largest(faces) {
  return faces.reduce((most, face) => (most && area(most) >= area(face) ? most : face), undefined);
}
