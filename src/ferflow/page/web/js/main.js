// Connects the page's controls with what they do.

import { describe, runtime } from "./about.js";
import { Announcer } from "./announcer.js";
import { Bars } from "./bars.js";
import { listCameras, openCamera } from "./camera.js";
import { Engine } from "./engine_client.js";
import { Live } from "./live.js";
import { Photos } from "./photos.js";
import { Table } from "./table.js";
import { Timeline } from "./timeline.js";

const get = (id) => document.getElementById(id);
const VIDEO = /\.(mp4|m4v|mov|webm|mkv|ogv)$/i; // for files whose type the system does not know

const engine = new Engine();
let started;
try {
  started = await engine.start();
} catch (error) {
  problem(`The networks could not be loaded: ${error.message}. Write the folder again: ferflow page FOLDER.`);
  throw error;
} finally {
  get("loading").hidden = true;
}

const { classes } = started.card;
const table = new Table(classes);
const announcer = new Announcer(get("announcer"), classes);
const photos = new Photos(get("gallery"), engine, classes);
const live = new Live(get("video"), get("boxes"), get("face"), {
  engine,
  table,
  announcer,
  bars: new Bars(get("bars"), classes),
  timeline: new Timeline(get("timeline"), get("timeline-title"), get("timeline-text"), classes),
  tell: { problem, rate },
});

describe(get("about"), started);
get("camera").disabled = get("files").disabled = false;
get("camera").onclick = () => runCamera();
get("cameras").onchange = () => runCamera(get("cameras").value);
get("files").onchange = (event) => open([...event.target.files]);
get("pause").onclick = () => live.pause();
get("stop").onclick = stop;
get("save").onclick = save;
get("clear").onclick = clear;
get("video").onplay = get("video").onpause = () => {
  get("pause").textContent = live.paused ? "Continue" : "Pause";
};
setInterval(count, 500);
acceptDrops();
document.documentElement.dataset.ready = "true"; // for tests

function options() {
  return { side: Number(get("side").value), smooth: Number(get("smooth").value) };
}

async function runCamera(device = "") {
  problem("");
  live.stop();
  try {
    const stream = await openCamera(device);
    await offerCameras(stream);
    show("Camera");
    await live.camera(stream, options());
  } catch (error) {
    problem(error.message);
  }
}

async function offerCameras(stream) {
  const cameras = await listCameras();
  const current = stream.getVideoTracks()[0].getSettings().deviceId;
  get("cameras").replaceChildren(
    ...cameras.map(({ deviceId, label }, index) => {
      const name = label || `Camera ${index + 1}`;
      return new Option(name, deviceId, false, deviceId === current);
    }),
  );
  get("which-camera").hidden = cameras.length < 2;
}

let queue = Promise.resolve(); // files one after another, also those that are dropped meanwhile

function open(files) {
  problem("");
  get("files").value = ""; // so that the same file can be chosen again
  for (const file of files) {
    queue = queue.then(() =>
      file.type.startsWith("video/") || VIDEO.test(file.name) ? openVideo(file) : openPhoto(file),
    );
  }
}

async function openPhoto(file) {
  get("photos").hidden = false;
  announcer.say(await photos.add(file, table));
}

async function openVideo(file) {
  show(file.name);
  try {
    await live.file(file, options());
    announcer.say(`${file.name} has been looked at.`);
  } catch (error) {
    stop();
    table.fail(file.name, error.message);
    problem(`${file.name} could not be used: ${error.message}.`);
  }
}

function show(title) {
  get("live-title").textContent = title;
  get("live").hidden = false;
  get("rate").textContent = "";
  get("live").scrollIntoView({ block: "nearest" });
}

function stop() {
  live.stop();
  get("camera").focus();
}

function rate(frames, milliseconds) {
  const speed = frames ? `${frames.toFixed(1)} frames a second, ` : "";
  get("rate").textContent = `${speed}${Math.round(milliseconds)} ms a frame; ${runtime(started.threads)}`;
}

function count() {
  get("results").hidden = table.length === 0;
  const rows = table.length === 1 ? "1 row" : `${table.length.toLocaleString("en")} rows`;
  const full = table.full ? " The table is full: save it, and clear it to go on." : "";
  get("count").textContent = `${rows}, with the columns of “ferflow predict”: one a face and frame.${full}`;
  for (const id of ["pause", "stop"]) get(id).disabled = !live.running;
}

function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(table.csv());
  link.download = "ferflow.csv";
  link.click();
  URL.revokeObjectURL(link.href);
}

function clear() {
  table.clear();
  photos.clear();
  get("photos").hidden = true;
  count();
  announcer.say("The table is empty.");
  get("camera").focus();
}

function problem(text) {
  get("problem").textContent = text;
}

function acceptDrops() {
  const marked = document.documentElement.classList;
  addEventListener("dragover", (event) => {
    event.preventDefault();
    marked.add("dropping");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) marked.remove("dropping");
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    marked.remove("dropping");
    open([...event.dataTransfer.files]);
  });
}
