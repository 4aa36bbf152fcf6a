// What a decision threshold does: the server sends counts at each threshold once, and the rest
// is looked up and divided here, so that the slider moves smoothly.

import { html, number, share, svg, table } from "./elements.js";
import { lines } from "./plots.js";

const GAPS = [
  ["demographic_parity_difference", "selection rates (demographic parity)", "var(--second)", null],
  ["equal_opportunity_difference", "true positive rates (equal opportunity)", "var(--third)", "7 3"],
  ["equalized_odds_difference", "true or false positive rates (equalized odds)", "var(--fourth)", "2 3"],
];

/** Return what becomes of some rows at a threshold, from what is decided positively. */
export function rates(part, step) {
  const true_ = part.true[step], false_ = part.false[step];
  const { positives, negatives } = part;
  const rows = positives + negatives, missed = positives - true_, left = negatives - false_;
  return {
    true: true_, false: false_, missed, left, rows,
    accuracy: (true_ + left) / rows,
    precision: true_ / (true_ + false_),
    recall: true_ / positives,
    falseRate: false_ / negatives,
    f1: (2 * true_) / (2 * true_ + false_ + missed),
    selected: (true_ + false_) / rows,
    base: positives / rows,
  };
}

export class Threshold {
  constructor(page) {
    this.page = page;
    this.place = document.getElementById("trade-off");
    this.slider = document.getElementById("threshold");
    this.number = document.getElementById("threshold-number");
    this.suggested = document.getElementById("suggested");
    this.said = document.getElementById("decided");
    const follow = (from, to) => from.addEventListener("input", () => {
      if (!from.validity.valid || from.value === "") return;
      to.value = from.value;
      this.move();
    });
    follow(this.slider, this.number);
    follow(this.number, this.slider);
    this.slider.addEventListener("change", () => this.say());
    this.number.addEventListener("change", () => this.say());
  }

  /** Begin with other counts. */
  take(found, name, column, own) {
    this.found = found;
    this.name = name;
    this.column = column;
    this.own = own;
    this.suggested.replaceChildren(html("span", {}, "Try"),
      ...[["one half", found.steps / 2], ["highest accuracy", found.suggested.accuracy], ["highest F1", found.suggested.f1]].map(
        ([text, step]) => html("button", { type: "button", onclick: () => this.set(step / found.steps) },
          `${text}: ${(step / found.steps).toFixed(3)}`)),
      html("span", { class: "quiet" }, "chosen on these very rows, so a little too good"));
    this.build();
    this.move();
  }

  set(value) {
    this.slider.value = this.number.value = value;
    this.move();
    this.say();
  }

  get step() {
    return Math.round(Number(this.slider.value) * this.found.steps);
  }

  build() {
    const { found } = this;
    this.matrix = html("div", {});
    this.figures = html("div", {});
    this.groups = html("div", {});
    this.gaps = html("div", {});
    this.curves = html("div", { class: "pictures" });
    const auc = found.auc === null ? "" : ` Area under the ROC curve: ${found.auc.toFixed(4)}.`;
    this.place.replaceChildren(
      html("p", {}, "Model ", html("b", {}, this.name), `, on ${found.rows.toLocaleString("en")} rows.${auc}`),
      html("div", { class: "pictures" }, this.matrix, this.figures),
      this.curves, this.groups, this.gaps,
    );
    this.width = 0;
    this.drawn();
  }

  /** Draw the curves; their points follow the threshold. */
  drawn() {
    const { found } = this;
    const wide = this.place.clientWidth;
    if (!wide || wide === this.width) return;
    this.width = wide;
    const width = wide < 680 ? wide : wide / 2 - 12;
    const all = found.all.true.map((_, step) => rates(found.all, step));
    const unit = (title) => ({ low: 0, high: 1, title });
    const roc = { values: all.map((each) => [each.falseRate, each.recall]), color: "var(--first)" };
    const pr = { values: all.map((each) => [each.recall, Number.isFinite(each.precision) ? each.precision : null]), color: "var(--first)" };
    this.places = { roc, pr, all };
    this.charts = [
      ["ROC curve: true positive rate by false positive rate", roc, "false positive rate", { values: [[0, 0], [1, 1]], color: "currentColor", dash: "3 4" }],
      ["Precision by recall", pr, "recall (true positive rate)", { values: [[0, found.all.positives / found.rows], [1, found.all.positives / found.rows]], color: "currentColor", dash: "3 4" }],
    ].map(([title, series, under, chance]) => {
      const chart = lines({ width, height: 250, series: [chance, { ...series }], x: unit(under), y: unit(""), label: `${title}; dashed is chance.` });
      const mark = svg("circle", { class: "mark", r: 6, fill: "var(--second)" });
      chart.append(mark);
      return { figure: html("figure", {}, html("figcaption", {}, title), chart), mark, series, width };
    });
    this.curves.replaceChildren(...this.charts.map((each) => each.figure));
    if (found.gaps) {
      const series = GAPS.map(([name, , color, dash]) => ({
        values: found.gaps[name].map((value, step) => [step / found.steps, value]), color, dash,
      }));
      series.unshift({ values: all.map((each, step) => [step / found.steps, each.accuracy]), color: "var(--first)" });
      const chart = lines({ width: wide, height: 240, series, x: unit("threshold"), y: unit(""),
        label: "Accuracy and the gaps between groups by threshold.", choose: (at) => this.set(Math.min(1, Math.max(0, at)).toFixed(3)) });
      this.line = svg("line", { class: "rule", y1: 12, y2: 202 });
      chart.append(this.line);
      const keys = [["accuracy of all rows", "var(--first)", null], ...GAPS.map(([, text, color, dash]) => [`gap of ${text}`, color, dash])];
      this.gaps.replaceChildren(
        html("h3", {}, "The price of parity"),
        html("p", { class: "quiet" }, "Accuracy, and the greatest difference between two groups, at each threshold. 0 is no difference. Press to go there."),
        html("ul", { class: "legend" }, keys.map(([text, color, dash]) => {
          const key = html("span", { class: dash ? "key dashed" : "key" });
          key.style.borderColor = color;
          return html("li", {}, key, text);
        })),
        html("figure", {}, chart));
    }
    if (this.step !== undefined) this.move();
  }

  /** Show what the threshold does. */
  move() {
    if (!this.found) return;
    const { found, step } = this;
    const now = rates(found.all, step);
    const [no, yes] = this.page.classes;
    const cell = (count, right) => {
      const made = html("td", { class: right ? "right" : "wrong" }, html("b", {}, count.toLocaleString("en")),
        html("span", { class: "quiet" }, ` ${(100 * count / now.rows).toFixed(1)} %`));
      made.style.setProperty("--part", `${Math.round(6 + 44 * (count / now.rows))}%`);
      return made;
    };
    this.matrix.replaceChildren(table("Confusion matrix", ["", `decided ${no}`, `decided ${yes}`], [
      html("tr", {}, html("th", { scope: "row" }, `is ${no}`), cell(now.left, true), cell(now.false, false)),
      html("tr", {}, html("th", { scope: "row" }, `is ${yes}`), cell(now.missed, false), cell(now.true, true)),
    ], { class: "matrix" }));
    const figures = [
      ["Accuracy", now.accuracy], ["Precision", now.precision], ["Recall (true positive rate)", now.recall],
      ["False positive rate", now.falseRate], ["F1", now.f1], [`Decided ${yes}`, now.selected],
    ];
    this.figures.replaceChildren(table("Figures", ["Of all rows", "share"], figures.map(([name, value]) =>
      html("tr", {}, html("th", { scope: "row" }, name), html("td", { class: "number" }, share(value))))));
    this.point(now);
    this.parity(step);
    this.slider.setAttribute("aria-valuetext", `${Number(this.slider.value).toFixed(3)}, accuracy ${share(now.accuracy)}`);
  }

  point(now) {
    if (!this.charts) return;
    const [roc, pr] = this.charts;
    const set = ({ mark, width }, x, y) => {
      const known = Number.isFinite(x) && Number.isFinite(y);
      mark.setAttribute("visibility", known ? "visible" : "hidden");
      if (!known) return;
      mark.setAttribute("cx", 52 + x * (width - 66));
      mark.setAttribute("cy", 12 + (1 - y) * 200);
    };
    set(roc, now.falseRate, now.recall);
    set(pr, now.recall, now.precision);
    if (this.line) {
      const at = 52 + Number(this.slider.value) * (this.width - 66);
      this.line.setAttribute("x1", at);
      this.line.setAttribute("x2", at);
    }
  }

  parity(step) {
    const { found } = this;
    if (!this.column) { this.groups.replaceChildren(); return; }
    if (!found.groups.length) {
      this.groups.replaceChildren(html("p", {}, `No value of ${this.column} has enough rows to be a group.`));
      return;
    }
    const rows = found.groups.map((part) => {
      const now = rates(part, step);
      const bar = (value) => {
        const made = html("span", { class: "bar" }, html("span", {}));
        made.firstChild.style.inlineSize = `${100 * (Number.isFinite(value) ? value : 0)}%`;
        return html("td", { class: "score" }, made, html("span", {}, share(value)));
      };
      return html("tr", {}, html("th", { scope: "row" }, part.name), html("td", { class: "number" }, now.rows.toLocaleString("en")),
        html("td", { class: "number" }, share(now.base)), bar(now.selected), bar(now.recall), bar(now.falseRate),
        html("td", { class: "number" }, share(now.precision)), html("td", { class: "number" }, share(now.accuracy)));
    });
    const yes = this.page.classes[1];
    const gaps = found.gaps ? GAPS.map(([name, text]) => html("li", {}, html("b", {}, found.gaps[name][step] === null ? "not defined" : share(found.gaps[name][step])), ` in ${text}`)) : [];
    this.groups.replaceChildren(...[
      html("h3", {}, `By ${this.column}`),
      table(`Rates of each group at this threshold: groups are treated alike where the numbers of a column agree.`,
        [this.column, "rows", `is ${yes}`, `decided ${yes}`, "true positive rate", "false positive rate", "precision", "accuracy"], rows),
      gaps.length ? html("p", {}, "Greatest difference between two groups:") : null,
      gaps.length ? html("ul", {}, gaps) : html("p", {}, "There is one group only, and nothing to compare it with."),
      found.left_out ? html("p", { class: "quiet" }, `${found.left_out.toLocaleString("en")} rows are in no group: the value is missing or rare.`) : null,
    ].filter(Boolean));
  }

  say() {
    if (!this.found) return;
    const now = rates(this.found.all, this.step);
    this.said.textContent = `Threshold ${this.number.value}: accuracy ${share(now.accuracy)}, precision ${share(now.precision)}, recall ${share(now.recall)}`;
  }
}
