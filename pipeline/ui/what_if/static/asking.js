// Questions to the server: one at a time of each kind, and what it is at meanwhile.

import { html } from "./elements.js";

/** What the server refused, and why. */
export class Refused extends Error {
  constructor(found) {
    super(found.problem || "The server did not answer.");
    this.details = found.details || {};
  }
}

export class Server {
  constructor(page) {
    this.page = page;
    this.open = 0;
    this.busy = document.getElementById("busy");
    this.text = document.getElementById("busy-text");
    this.bar = document.getElementById("busy-bar");
  }

  /** Return the answer to a question. */
  async ask(question, body) {
    this.open += 1;
    this.watch();
    try {
      const response = await fetch(this.page.ask + question, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...this.page.headers },
        body: JSON.stringify(body),
      });
      let found;
      try {
        found = await response.json();
      } catch {
        throw new Refused({ problem: `The server answered with the status ${response.status}.` });
      }
      if (!response.ok) throw new Refused(found);
      return found;
    } catch (error) {
      if (error instanceof TypeError) throw new Refused({ problem: "The server cannot be reached." });
      throw error;
    } finally {
      this.open -= 1;
      if (!this.open) this.busy.hidden = true;
    }
  }

  /** Show what the server is at while an answer takes long. */
  watch() {
    if (this.watching) return;
    this.watching = true;
    const look = async () => {
      if (!this.open) { this.watching = false; return; }
      try {
        const state = await (await fetch(this.page.state)).json();
        if (this.open) {
          this.text.textContent = `${state.text[0].toUpperCase()}${state.text.slice(1)} …`;
          this.bar.value = state.fraction;
          this.busy.hidden = false;
        }
      } catch { /* the question itself tells what is wrong */ }
      setTimeout(look, 500);
    };
    setTimeout(look, 400);
  }
}

/**
 * Return a function that works at something for the newest call alone: while it works, later
 * calls wait, and of those only the last one counts.
 */
export function latest(work) {
  let running = false, wanted = false;
  return async function run() {
    wanted = true;
    if (running) return;
    running = true;
    while (wanted) {
      wanted = false;
      await work();
    }
    running = false;
  };
}

/** Return a function that is called once calls have ceased for so many milliseconds. */
export function settled(milliseconds, call) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...given), milliseconds);
  };
}

/** Show in a panel what was refused. */
export function told(error) {
  const rows = Object.entries(error.details || {}).map(([name, text]) =>
    html("div", {}, html("dt", {}, name), html("dd", {}, text)));
  return html("div", { class: "notice error" }, html("p", {}, error.message), rows.length ? html("dl", {}, rows) : null);
}
