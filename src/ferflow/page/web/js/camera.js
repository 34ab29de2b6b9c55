// Cameras: opening one, and saying what is wrong if that fails.

const WANTED = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };

const REASONS = {
  NotAllowedError: "The camera may not be used. Allow it in the browser’s settings for this page, or choose a photo.",
  NotFoundError: "No camera was found. Connect one, or choose a photo.",
  NotReadableError: "The camera is in use by another program. Close that program, or choose a photo.",
};

/**
 * Open a camera.
 * @param {string} device Which one; empty: the browser's choice.
 * @returns {Promise<MediaStream>}
 */
export async function openCamera(device) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error(
      "A browser gives a camera only to pages from https:// or from http://localhost. Open this page there.",
    );
  }
  const video = device ? { ...WANTED, deviceId: { exact: device } } : { ...WANTED, facingMode: "user" };
  try {
    return await navigator.mediaDevices.getUserMedia({ video, audio: false });
  } catch (error) {
    throw new Error(REASONS[error.name] ?? `The camera could not be opened: ${error.message}`);
  }
}

/** Return the cameras that can be chosen; their names are known once one has been opened. */
export async function listCameras() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter(({ kind }) => kind === "videoinput");
}
