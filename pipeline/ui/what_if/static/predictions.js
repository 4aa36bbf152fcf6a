// What the candidates say, side by side.

import { breaking, html, number, share, signed, signedShare, table } from "./elements.js";

export class Predictions {
  constructor(page, changed) {
    this.page = page;
    this.chosen = new Set(page.candidates.filter((each) => each.chosen).map((each) => each.name));
    this.now = new Map();
    this.before = new Map();
    this.place = document.getElementById("predictions");
    this.said = document.getElementById("said");
    this.explained = document.getElementById("explained");
    this.output = document.getElementById("output");
    this.rows = new Map();
    this.explained.addEventListener("change", () => {
      this.choose(this.explained.value, true);
      changed();
    });
    this.output?.addEventListener("change", () => { this.draw(); changed(); });
    const heads = page.task === "regression"
      ? ["Model", page.label, "since the row"]
      : ["Model", this.title = html("span", {}, ""), "decides", "since the row"];
    this.place.append(table("What each model says of the example.", heads, page.candidates.map((each) => {
      const box = html("input", { type: "checkbox", id: `ask-${each.name}`, value: each.name });
      box.checked = this.chosen.has(each.name);
      box.addEventListener("change", () => { this.choose(each.name, box.checked); changed(); });
      const row = html("tr", {}, html("th", { scope: "row" }, html("label", { for: `ask-${each.name}` }, box,
        html("span", {}, breaking(each.name)), each.blessed ? html("span", { class: "badge" }, "blessed") : null)));
      this.rows.set(each.name, { row, box });
      return row;
    }), { class: "predictions" }));
    this.draw();
  }

  choose(name, wanted) {
    if (wanted) this.chosen.add(name);
    else this.chosen.delete(name);
    this.rows.get(name).box.checked = wanted;
    this.draw();
  }

  /** Names of the chosen candidates, the explained one first. */
  get names() {
    const first = this.explained.value;
    return [first, ...this.page.candidates.map((each) => each.name).filter((name) => name !== first && this.chosen.has(name))];
  }

  /** Place of the class that is shown. */
  get shown() {
    if (this.page.task === "regression") return 0;
    if (this.page.task === "binary") return 1;
    if (this.output.value !== "") return Number(this.output.value);
    const scores = this.now.get(this.explained.value)?.scores;
    return scores ? this.decided(scores) : 0;
  }

  /** Name of what is shown. */
  get what() {
    return this.page.task === "regression" ? this.page.label : `P(${this.page.label} = ${this.page.classes[this.shown]})`;
  }

  decided(scores) {
    let best = 0;
    scores.forEach((score, place) => { if (score > scores[best]) best = place; });
    return best;
  }

  /** Take answers about the example; if it is an unchanged row, later ones are compared with them. */
  take(found, fresh) {
    for (const each of found) this.now.set(each.name, each);
    if (fresh) this.compare(found);
    else this.draw();
  }

  /** Take answers about the unchanged row. */
  compare(found) {
    for (const each of found) this.before.set(each.name, each);
    this.draw();
  }

  /** Names among some of which it is not known what they say of the unchanged row. */
  unknown(names) {
    return names.filter((name) => !this.before.has(name));
  }

  forget() {
    this.before.clear();
  }

  draw() {
    const classes = this.page.task !== "regression", shown = this.shown;
    if (classes) this.title.textContent = this.what;
    for (const { name } of this.page.candidates) {
      const { row } = this.rows.get(name);
      while (row.children.length > 1) row.lastChild.remove();
      const found = this.names.includes(name) ? this.now.get(name) : null;
      row.classList.toggle("explained", name === this.explained.value);
      const width = classes ? 3 : 2;
      if (!found) {
        row.append(html("td", { colspan: width, class: "quiet" }, this.names.includes(name) ? "…" : ""));
        continue;
      }
      if (found.error) {
        row.append(html("td", { colspan: width, class: "error" }, found.error));
        continue;
      }
      const score = found.scores[shown];
      if (classes) {
        const bar = html("span", { class: "bar" }, html("span", {}));
        bar.firstChild.style.inlineSize = `${100 * Math.min(Math.max(score ?? 0, 0), 1)}%`;
        row.append(html("td", { class: "score" }, bar, html("span", {}, score === null ? "no number" : share(score))));
        row.append(html("td", {}, score === null ? "–" : this.page.classes[this.decided(found.scores)]));
      } else {
        row.append(html("td", { class: "number" }, score === null ? "no finite number" : number(score)));
      }
      const old = this.before.get(name)?.scores?.[shown];
      const change = score === null || old === null || old === undefined ? null : score - old;
      const text = change === null ? "" : Math.abs(change) < (classes ? 0.0005 : 1e-9) ? "same"
        : classes ? signedShare(change) : signed(change);
      row.append(html("td", { class: `number ${text === "same" ? "quiet" : ""}` }, text));
    }
  }

  /** Say for those who hear the page what the explained model says. */
  say() {
    const found = this.now.get(this.explained.value);
    if (!found) return;
    const score = found.scores?.[this.shown];
    this.said.textContent = found.error ? `${found.name}: ${found.error}`
      : this.page.task === "regression" ? `${found.name}: ${this.page.label} ${number(score)}`
      : `${found.name} decides ${this.page.classes[this.decided(found.scores)]}; ${this.what} is ${share(score)}`;
  }
}
