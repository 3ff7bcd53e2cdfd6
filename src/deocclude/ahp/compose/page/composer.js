// Arranging a cut-out over a person: steps that can be undone, a preview of each, saving.

import { at, complain, say } from "./controls.js";
import { Palette } from "./palette.js";
import { Preview } from "./preview.js";
import { exchanged, limited, placePatch, placeSprite } from "./slides.js";

const SAME_STEP_MS = 700;
const SETTLE_MS = 150;
const MOST_HIDDEN_SHOWN = 0.6;
const LOOKS = 1000;

export class Composer {
  constructor({ queue, view }) {
    Object.assign(this, { queue, view });
    this.palette = new Palette((index) => this.choose(index));
    this.preview = new Preview({
      onAnswer: (key, answer) => this.answered(key, answer),
      onFailure: complain,
    });
    this.holding = false;
    this.strokes = 0;
    this.shows = 0;
    this.step = { kind: null, time: 0 };
  }

  get slide() {
    return this.queue.current;
  }

  get index() {
    return this.slide.sample.cutouts.findIndex((one) => one.id === this.slide.arrangement.cutout);
  }

  show(slide) {
    this.step = { kind: null, time: 0 };
    this.holding = false;
    this.shows += 1;
    at("side").classList.toggle("empty", !slide);
    this.palette.show(slide?.sample.cutouts ?? []);
    this.tell(null);
    if (slide) this.draw();
  }

  draw() {
    const { sample, arrangement } = this.slide;
    placeSprite(this.slide, arrangement);
    this.palette.mark(this.index);
    this.preview.want(this.key(), { sample: sample.id, ...arrangement });
  }

  key() {
    return `${this.shows} ${JSON.stringify(this.slide.arrangement)}`;
  }

  async answered(key, answer) {
    this.tell(answer);
    if (this.holding) await new Promise((done) => setTimeout(done, SETTLE_MS));
    const { slide } = this;
    if (!slide || key !== this.key()) return;
    await placePatch(slide, answer.patch);
    if (slide === this.slide && key === this.key()) slide.element.classList.add("settled");
  }

  tell(answer) {
    at("ratio").textContent = answer ? `${(100 * answer.ratio).toFixed(1)}%` : "–";
    at("fill").style.width = `${100 * Math.min(1, (answer?.ratio ?? 0) / MOST_HIDDEN_SHOWN)}%`;
    at("problem").textContent = answer?.problem ?? "";
    document.querySelector(".meter").classList.toggle("wrong", !!answer?.problem);
  }

  // One step to undo, unless it goes on with the step before.
  change(kind, values, goesOn = performance.now() - this.step.time < SAME_STEP_MS) {
    const { slide } = this;
    if (!slide) return;
    const after = limited({ ...slide.arrangement, ...values }, slide);
    if (JSON.stringify(after) === JSON.stringify(slide.arrangement)) return;
    if (kind !== this.step.kind || !goesOn) slide.past.push(slide.arrangement);
    this.step = { kind, time: performance.now() };
    slide.arrangement = after;
    this.draw();
  }

  press() {
    this.strokes += 1;
    this.holding = true;
    if (this.slide) this.exact = [this.slide.arrangement.x, this.slide.arrangement.y];
  }

  // Where the pointer has got to is kept to a fraction of a pixel, so that slow drags do not lag behind.
  drag(dx, dy) {
    if (!this.slide) return;
    this.exact = [this.exact[0] + dx / this.view.scale, this.exact[1] + dy / this.view.scale];
    this.change(`drag ${this.strokes}`, { x: this.exact[0], y: this.exact[1] }, true);
  }

  lift() {
    this.holding = false;
  }

  move(dx, dy) {
    if (this.slide) this.change("move", { x: this.slide.arrangement.x + dx, y: this.slide.arrangement.y + dy });
  }

  scale(factor) {
    if (this.slide) this.change("scale", { scale: this.slide.arrangement.scale * factor });
  }

  turn(degrees) {
    if (this.slide) this.change("turn", { angle: this.slide.arrangement.angle + degrees });
  }

  flip() {
    if (this.slide) this.change("flip", { flipped: !this.slide.arrangement.flipped }, false);
  }

  look() {
    if (this.slide) this.change("look", { look: (this.slide.arrangement.look + 1) % LOOKS }, false);
  }

  choose(index) {
    if (!this.slide) return;
    const { sample, arrangement } = this.slide;
    const { length } = sample.cutouts;
    this.change("choose", exchanged(sample, arrangement, sample.cutouts[(index + length) % length]), false);
  }

  async save() {
    const { slide } = this;
    if (!slide || this.saving || this.queue.tooSoon) return false;
    this.saving = true;
    try {
      const answer = await this.preview.newest();
      if (!answer || slide !== this.slide) return false;
      if (answer.problem) say(answer.problem);
      return !answer.problem && this.queue.finish("save", slide.arrangement);
    } finally {
      this.saving = false;
    }
  }

  async undo() {
    const before = this.slide?.past.pop();
    if (!before) return this.queue.undo();
    this.step = { kind: null, time: 0 };
    this.slide.arrangement = before;
    this.draw();
  }
}
