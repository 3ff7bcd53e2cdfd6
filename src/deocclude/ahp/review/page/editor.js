// Mending a mask: brush and polygon on a canvas that has the photo's own pixels.

import { ask, client, randomText } from "./connection.js";
import { describe, svgOf } from "./slides.js";

const COLOUR = "#ff2e93";
const RED_GREEN_BLUE = [255, 46, 147];
const MOST_UNDO_BYTES = 200e6;

export class Editor {
  constructor({ view, stage, annotator, onProgress, onEmpty, onShow, say }) {
    Object.assign(this, { view, stage, annotator, onProgress, onEmpty, onShow, say });
    this.active = false;
    this.erase = false;
    this.polygon = false;
    this.diameter = 16;
    this.cursor = Object.assign(document.createElement("div"), { className: "cursor", hidden: true });
    stage.append(this.cursor);
    stage.addEventListener("pointerdown", (event) => this.press(event));
    stage.addEventListener("pointermove", (event) => this.stroke(event));
    for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, () => this.lift());
    stage.addEventListener("pointerleave", () => { this.cursor.hidden = true; });
  }

  who() {
    return { annotator: this.annotator(), client };
  }

  async open() {
    this.active = true;
    await this.next();
  }

  close() {
    this.active = false;
    this.slide = null;
    this.cursor.hidden = true;
    return ask("release", this.who());
  }

  async next() {
    const { samples, progress } = await ask("next", { ...this.who(), task: "refine", count: 1 });
    this.onProgress(progress);
    if (samples.length) await this.show(samples[0]);
    else {
      this.slide = null;
      this.view.show(null);
      this.onEmpty();
    }
  }

  async show(sample) {
    const element = Object.assign(document.createElement("div"), { className: "slide" });
    const { width, height } = sample;
    const photo = Object.assign(new Image(), { alt: describe(sample), src: `/native/${encodeURIComponent(sample.id)}.jpg` });
    const mask = Object.assign(new Image(), { src: `/mask/${encodeURIComponent(sample.id)}.png` });
    this.canvas = Object.assign(document.createElement("canvas"), { width, height });
    this.pen = this.canvas.getContext("2d", { willReadFrequently: true });
    this.draft = document.createElementNS("http://www.w3.org/2000/svg", "path");
    this.draft.setAttribute("class", "corner");
    const svg = svgOf(width, height);
    svg.append(this.draft);
    element.append(photo, this.canvas, svg);
    await Promise.all([photo.decode(), mask.decode()]);
    this.pen.drawImage(mask, 0, 0);
    const pixels = this.pen.getImageData(0, 0, width, height);
    this.restore(Uint8Array.from({ length: width * height }, (_, i) => pixels.data[4 * i]));
    this.slide = { sample, element, width, height };
    this.undoable = [];
    this.corners = [];
    this.last = null;
    this.token = randomText();
    this.began = performance.now();
    this.view.show(this.slide);
    this.onShow(this.slide);
    this.say(`Mending ${sample.id}`);
  }

  restore(alpha) {
    const { width, height } = this.canvas;
    const pixels = new ImageData(width, height);
    for (let i = 0; i < alpha.length; i++) pixels.data.set([...RED_GREEN_BLUE, alpha[i]], 4 * i);
    this.pen.putImageData(pixels, 0, 0);
  }

  remember() {
    const { width, height } = this.canvas;
    const pixels = this.pen.getImageData(0, 0, width, height).data;
    this.undoable.push(Uint8Array.from({ length: width * height }, (_, i) => pixels[4 * i + 3]));
    while (this.undoable.length > 1 && this.undoable.length * width * height > MOST_UNDO_BYTES) this.undoable.shift();
  }

  undo() {
    if (!this.slide) return;
    if (this.corners.length) return this.takeCornerBack();
    const before = this.undoable.pop();
    if (before) this.restore(before);
    else this.say("Nothing to undo");
  }

  paints(event) {
    return this.active && this.slide && event.button === 0 && !this.holdsSpace && !event.target.closest("button");
  }

  press(event) {
    if (!this.paints(event)) return;
    const at = this.view.toPixel(event.clientX, event.clientY);
    if (this.polygon) {
      this.corners.push(at);
      this.drawDraft();
      return;
    }
    this.remember();
    this.stage.setPointerCapture(event.pointerId);
    this.last = at;
    this.line(at, at);
  }

  stroke(event) {
    if (!this.active) return;
    this.placeCursor(event);
    if (!this.last) return;
    const at = this.view.toPixel(event.clientX, event.clientY);
    this.line(this.last, at);
    this.last = at;
  }

  lift() {
    this.last = null;
  }

  mode() {
    this.pen.globalCompositeOperation = this.erase ? "destination-out" : "source-over";
    this.pen.fillStyle = this.pen.strokeStyle = COLOUR;
  }

  line([x, y], [x2, y2]) {
    this.mode();
    Object.assign(this.pen, { lineWidth: this.diameter, lineCap: "round", lineJoin: "round" });
    this.pen.beginPath();
    this.pen.moveTo(x, y);
    this.pen.lineTo(x2 + 0.001, y2);
    this.pen.stroke();
  }

  drawDraft() {
    this.draft.setAttribute("d", this.corners.length ? `M${this.corners.map(([x, y]) => `${x} ${y}`).join("L")}Z` : "");
  }

  takeCornerBack() {
    this.corners.pop();
    this.drawDraft();
  }

  closePolygon() {
    if (this.corners.length > 2) {
      this.remember();
      this.mode();
      this.pen.beginPath();
      this.corners.forEach(([x, y], i) => (i ? this.pen.lineTo(x, y) : this.pen.moveTo(x, y)));
      this.pen.fill("evenodd");
    }
    this.corners = [];
    this.drawDraft();
  }

  placeCursor(event) {
    this.cursor.hidden = !this.slide || this.polygon;
    const box = this.stage.getBoundingClientRect();
    const size = Math.max(3, this.diameter * (this.view.scale ?? 1));
    this.cursor.classList.toggle("erase", this.erase);
    Object.assign(this.cursor.style, {
      left: `${event.clientX - box.left}px`, top: `${event.clientY - box.top}px`, width: `${size}px`, height: `${size}px`,
    });
  }

  async save() {
    if (!this.slide || this.saving) return;
    if (this.corners.length) this.closePolygon();
    this.saving = true;
    try {
      const png = this.canvas.toDataURL("image/png").split(",")[1];
      const seconds = Math.round(performance.now() - this.began) / 1000;
      const body = { ...this.who(), token: this.token, sample: this.slide.sample.id, seconds, png };
      const { progress } = await ask("mask", body);
      this.onProgress(progress);
      this.say("Saved");
      await this.next();
    } catch (error) {
      this.say(error.status ? error.message : "The server does not answer; save again");
      if (error.status === 409) await this.next();
    } finally {
      this.saving = false;
    }
  }

  async skip() {
    if (!this.slide) return;
    await ask("skip", { ...this.who(), task: "refine", sample: this.slide.sample.id });
    await this.next();
  }
}
