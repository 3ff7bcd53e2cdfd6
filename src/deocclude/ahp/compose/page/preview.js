// The server's composite of the newest arrangement: one question at a time, older ones are passed over.

import { ask } from "./connection.js";

export class Preview {
  constructor({ onAnswer, onFailure }) {
    Object.assign(this, { onAnswer, onFailure });
    this.wanted = null;
    this.known = null;
    this.asking = null;
  }

  // `key` names an arrangement of a slide, `body` describes it; the answer to the newest one is kept.
  want(key, body) {
    this.wanted = { key, body };
    return this.ask();
  }

  ask() {
    this.asking ??= this.run().finally(() => { this.asking = null; });
    return this.asking;
  }

  async run() {
    while (this.wanted && this.wanted.key !== this.known?.key) {
      const { key, body } = this.wanted;
      try {
        const answer = await ask("preview", body);
        this.known = { key, answer };
        this.onAnswer(key, answer);
      } catch (error) {
        if (key !== this.wanted.key) continue;
        this.known = null;
        this.onFailure(error);
        return;
      }
    }
  }

  // The answer to the newest arrangement, null if the server gives none.
  async newest() {
    await this.ask();
    return this.known && this.known.key === this.wanted.key ? this.known.answer : null;
  }
}
