// Requests to the server. Decisions wait in an outbox until the server has them, also across reloads.

export const client = randomText();

export function randomText() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((b) => b.toString(16).padStart(2, "0")).join("");
}

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export async function ask(name, body) {
  const answer = await fetch(`/api/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const content = await answer.json();
  if (!answer.ok) throw new Refused(answer.status, content.error);
  return content;
}

// First in, first out; `prefix` names the page's keys in the local storage. Each message carries a token, so that sending it twice does no harm.
export class Outbox {
  constructor({ prefix, onAnswer, onRefused, onWaiting }) {
    this.handlers = { onAnswer, onRefused, onWaiting };
    this.prefix = prefix;
    this.key = prefix + client;
    this.waiting = [];
    this.sending = null;
    this.adopt();
  }

  adopt() {
    for (const key of Object.keys(localStorage).filter((one) => one.startsWith(this.prefix)).sort()) {
      this.waiting.push(...JSON.parse(localStorage.getItem(key)));
      localStorage.removeItem(key);
    }
    this.store();
    if (this.waiting.length) this.flush();
  }

  store() {
    if (this.waiting.length) localStorage.setItem(this.key, JSON.stringify(this.waiting));
    else localStorage.removeItem(this.key);
  }

  post(name, body) {
    this.waiting.push({ name, body });
    this.store();
    this.flush();
  }

  flush() {
    this.sending ??= this.send().finally(() => { this.sending = null; });
    return this.sending;
  }

  async send() {
    let pause = 250;
    while (this.waiting.length) {
      const { name, body } = this.waiting[0];
      try {
        const answer = await ask(name, body);
        this.handlers.onAnswer(name, answer);
      } catch (error) {
        if (!(error instanceof Refused) || error.status >= 500) {
          this.handlers.onWaiting(this.waiting.length);
          await new Promise((done) => setTimeout(done, pause));
          pause = Math.min(2 * pause, 4000);
          continue;
        }
        this.handlers.onRefused(name, error);
      }
      this.waiting.shift();
      this.store();
      pause = 250;
    }
    this.handlers.onWaiting(0);
  }
}
