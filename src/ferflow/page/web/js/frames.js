// The frames of a camera or a video, each given to the engine as soon as it has time; others are left out.

const AHEAD = 2; // frames that the engine may hold: with one, it would wait for the next frame of the camera

/**
 * Call `look` with each new frame of a video element while it is wanted.
 * @param {HTMLVideoElement} video The element.
 * @param {() => boolean} wanted Whether more frames are wanted.
 * @param engine What looks at the frames.
 * @param {(bitmap: ImageBitmap, time: number) => void} look Takes a frame and its time in seconds.
 */
export function readFrames(video, wanted, engine, look) {
  let seen = -1;
  const next = async (_now, details) => {
    if (!wanted()) return;
    const time = details?.mediaTime ?? video.currentTime;
    if (engine.busy < AHEAD && time !== seen && video.videoWidth > 0) {
      seen = time;
      const bitmap = await createImageBitmap(video);
      if (wanted()) look(bitmap, time);
    }
    wait();
  };
  const wait = () => {
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(next);
    else requestAnimationFrame((now) => next(now));
  };
  wait();
}

/** Counts frames a second over the last two seconds. */
export class Rate {
  #times = [];

  /** Count a frame now, and return frames a second; 0 while there are too few. */
  count() {
    const now = performance.now();
    this.#times.push(now);
    while (now - this.#times[0] > 2000) this.#times.shift();
    const span = now - this.#times[0];
    return span > 500 ? ((this.#times.length - 1) * 1000) / span : 0;
  }
}
