// A queue of samples for one task: fetched ahead, answered once each, skipped, brought back by undo.

import { ask, client, randomText } from "./connection.js";

const BOUNCE_MS = 120;
const RETRY_MS = 4000;
const PAST = 200;

export class Queue {
  constructor({ task, ahead, slideOf, view, outbox, annotator, onShow, onProgress, onEmpty, say }) {
    Object.assign(this, { task, ahead, slideOf, view, outbox, annotator, onShow, onProgress, onEmpty, say });
    this.active = true;
    this.filling = false;
    this.clear();
    document.addEventListener("visibilitychange", () => this.pause(document.hidden));
  }

  clear() {
    Object.assign(this, { queue: [], history: [], current: null, shown: 0, watched: 0 });
  }

  who() {
    return { annotator: this.annotator(), client };
  }

  async fill() {
    if (this.filling || this.queue.length >= this.ahead / 2) return;
    this.filling = true;
    const count = this.ahead - this.queue.length;
    try {
      const answer = await ask("next", { ...this.who(), task: this.task, count });
      this.queue.push(...answer.samples.map((sample) => this.slideOf(sample)));
      this.onProgress(answer.progress);
      if (!this.current && this.active) this.advance();
    } catch (error) {
      this.say(error.status ? error.message : "The server does not answer");
    } finally {
      this.filling = false;
    }
    if (!this.queue.length && this.active) {
      if (!this.current) this.onEmpty();
      clearTimeout(this.retry);
      this.retry = setTimeout(() => this.fill(), RETRY_MS);
    }
  }

  advance() {
    const slide = this.queue.shift() ?? null;
    this.fill();
    this.show(slide);
  }

  show(slide) {
    this.current = slide;
    this.watched = 0;
    this.shown = performance.now();
    this.view.show(slide);
    this.onShow(slide);
    if (slide) this.say(slide.label, true);
  }

  // Nobody can have meant a sample that has only just appeared.
  get tooSoon() {
    return performance.now() - this.shown < BOUNCE_MS;
  }

  // Posts the answer about the current sample and goes on; false if the sample was not shown long enough.
  finish(name, body) {
    if (!this.current || this.tooSoon) return false;
    const now = performance.now();
    const slide = this.current, token = randomText();
    const seconds = Math.round(this.watched + now - this.shown) / 1000;
    this.outbox.post(name, { ...this.who(), token, sample: slide.sample.id, seconds, ...body });
    this.remember({ slide, token });
    this.advance();
    return true;
  }

  skip() {
    if (!this.current) return;
    this.outbox.post("skip", { ...this.who(), task: this.task, sample: this.current.sample.id });
    this.remember({ slide: this.current, token: null });
    this.advance();
  }

  async undo() {
    const last = this.history.pop();
    if (last) {
      if (last.token) this.outbox.post("undo", { ...this.who(), task: this.task, token: last.token });
      this.bringBack(last.slide);
      return;
    }
    await this.outbox.flush();
    const { sample, progress } = await ask("undo", { ...this.who(), task: this.task });
    this.onProgress(progress);
    if (sample) this.bringBack(this.slideOf(sample));
    else this.say("Nothing to undo");
  }

  bringBack(slide) {
    this.queue = this.queue.filter((one) => one.sample.id !== slide.sample.id);
    if (this.current && this.current.sample.id !== slide.sample.id) this.queue.unshift(this.current);
    this.show(slide);
  }

  remember(entry) {
    this.history.push(entry);
    if (this.history.length > PAST) this.history.shift();
  }

  // Time in which the page cannot be seen does not count.
  pause(hidden) {
    const now = performance.now();
    if (hidden) this.watched += now - this.shown;
    else this.shown = now;
  }
}
