// Why a model says so: Shapley values, a curve through the example, and what would change it.

import { breaking, html, number, share, signed, signedShare, table } from "./elements.js";
import { bounds, lines } from "./plots.js";

const MOST_PARTS = 8;
const LINES = [
  ["var(--first)", null], ["var(--second)", null], ["var(--third)", null], ["var(--fourth)", null],
];

/** Return Shapley values as bars to the left and the right of a middle line. */
export function shapley(found, example, what, scale) {
  const parts = found.parts.slice(0, MOST_PARTS);
  const rest = found.parts.slice(MOST_PARTS);
  const rows = parts.map((part) => ({
    name: part.feature, value: example.text(part.feature, example.values[part.feature]), by: part.value,
  }));
  if (rest.length) {
    const by = rest.reduce((total, part) => total + part.value, 0);
    rows.push({ name: `${rest.length} other ${rest.length === 1 ? "feature" : "features"}`, value: "", by });
  }
  const most = Math.max(...rows.map((row) => Math.abs(row.by)), 1e-12);
  const shown = (value) => (scale === "share" ? share(value) : number(value));
  const body = rows.map((row) => {
    const bar = html("span", { class: row.by < 0 ? "down" : "up" });
    bar.style.inlineSize = `${(50 * Math.abs(row.by)) / most}%`;
    return html("tr", {},
      html("th", { scope: "row" }, breaking(row.name), row.value ? html("span", { class: "quiet" }, ` = ${row.value}`) : null),
      html("td", { class: "spread" }, html("span", { class: "middle" }, bar)),
      html("td", { class: "number" }, scale === "share" ? signedShare(row.by) : signed(row.by)));
  });
  const how = found.exact ? `exact, from all ${found.coalitions.toLocaleString("en")} coalitions of features`
    : `estimated from ${found.coalitions.toLocaleString("en")} coalitions of features, standard error ${
      (100 * found.relative_error).toFixed(1)} % of the range`;
  return [
    html("p", {}, `${what} is ${shown(found.prediction)}; in the mean of ${found.background} rows it is ${
      shown(found.base)}. What makes the difference:`),
    table(`Shapley values for ${what}.`, ["Feature", "lowers or raises", "by"], body, { class: "parts" }),
    html("p", { class: "quiet" }, `Against ${found.background} rows of the evaluation split; ${how}.`),
  ];
}

/** Return the curve through the example, one line for each model. */
export function curve(found, example, feature, what, classes, width) {
  const names = found.grid.map((value) => example.text(feature, value));
  const place = (index) => (found.numeric ? found.grid[index] : index);
  const trace = (values) => values.map((value, index) => [place(index), value]);
  const series = found.curves.slice(0, LINES.length).map((each, index) => ({
    name: each.name, values: trace(each.values), color: LINES[index][0], mark: found.place,
  }));
  const mean = { name: `mean of ${found.mean_rows} rows, ${found.curves[0].name}`, values: trace(found.mean),
    color: "currentColor", dash: "5 4" };
  const all = [...series.flatMap((each) => each.values), ...mean.values].map((pair) => pair[1]);
  let x = { low: -0.5, high: found.grid.length - 0.5, title: feature };
  if (found.numeric) x = { ...bounds(found.grid, 0), title: feature };
  const y = bounds(all, 0.06);
  if (classes) { y.low = Math.max(y.low, 0); y.high = Math.min(y.high, 1); }
  const first = found.curves[0].values;
  const known = first.filter((value) => value !== null);
  const label = `${what} by ${feature}, from ${names[0]} to ${names[names.length - 1]}: ${found.curves[0].name} between ${
    number(Math.min(...known))} and ${number(Math.max(...known))}.`;
  const nearest = (at) => {
    let best = 0;
    found.grid.forEach((_, index) => { if (Math.abs(place(index) - at) < Math.abs(place(best) - at)) best = index; });
    example.set({ [feature]: found.grid[best] });
  };
  const legend = html("ul", { class: "legend" }, [...series, mean].map((each) => {
    const key = html("span", { class: each.dash ? "key dashed" : "key" });
    key.style.borderColor = each.color;
    return html("li", {}, key, each.name);
  }));
  const more = found.curves.length - series.length;
  const rows = found.grid.map((_, index) => html("tr", index === found.place ? { class: "own" } : {},
    html("th", { scope: "row" }, names[index]), found.curves.map((each) => html("td", { class: "number" }, number(each.values[index]))),
    html("td", { class: "number" }, number(found.mean[index]))));
  return [
    legend,
    html("figure", {}, html("figcaption", {}, what), lines({
      width, height: 250, series: [mean, ...series], x, y, xs: found.numeric ? null : names,
      label, choose: nearest, format: (value) => example.text(feature, value).slice(0, 10),
    })),
    html("p", { class: "quiet" },
      found.place === null ? "The example has no value here, so it has no point on its curve. " : "",
      more > 0 ? `${more} more models are in the table.` : ""),
    html("details", {}, html("summary", {}, "As a table"),
      table(`${what} by ${feature}`, [feature, ...found.curves.map((each) => each.name), "mean"], rows)),
  ];
}

function answered(page, scores) {
  if (page.task === "regression") return `${page.label} ${number(scores[0])}`;
  let best = 0;
  scores.forEach((score, place) => { if (score > scores[best]) best = place; });
  return `${page.label} = ${page.classes[best]} (probability ${share(scores[best])})`;
}

/** Return two values of a feature, in so many digits that they read as two. */
function apart(example, feature, here, there) {
  const texts = [here, there].map((value) => example.text(feature, value));
  return texts[0] === texts[1] ? [String(here), String(there)] : texts;
}

/** Return the nearest rows of which the model says something else. */
export function nearest(found, page, example, begin) {
  const parts = [];
  if (!found.neighbours.length) {
    parts.push(html("p", {}, page.task === "regression"
      ? `No row of the evaluation split has an answer that differs by ${number(found.delta)}.`
      : "No row of the evaluation split has another predicted class."));
  }
  found.neighbours.forEach((row, index) => {
    const body = row.differs.map(({ feature, part }) => {
      const [here, there] = apart(example, feature, example.values[feature], row.values[feature]);
      return html("tr", {}, html("th", { scope: "row" }, breaking(feature)), html("td", {}, here),
        html("td", {}, html("b", {}, there)), html("td", { class: "number" }, number(part)));
    });
    const caption = `Row ${row.row.toLocaleString("en")}: ${answered(page, row.scores)}; its ${page.label} is ${
      typeof row.label === "number" ? number(row.label) : row.label}. Distance ${number(row.distance)}.`;
    const shown = [
      table(caption, ["Feature", "here", "there", "apart"], body),
      html("p", {}, html("button", { type: "button", onclick: () => begin(row) }, `Start from row ${row.row.toLocaleString("en")}`)),
    ];
    parts.push(index ? html("details", {}, html("summary", {}, caption), shown) : html("div", {}, shown));
  });
  const lonely = found.isolation > 0.95;
  parts.push(html("p", { class: lonely ? "notice" : "quiet" },
    `${lonely ? "There is hardly a row like this example" : "There are rows like this example"}: ${
      (100 * found.isolation).toFixed(0)} % of the rows have nearer neighbours. Distance: numbers in median absolute ` +
    "deviations, and 1 for each category that differs; features that are the same are left out."));
  return parts;
}

/** Return the least changes, each to be tried. */
export function changes(found, page, example) {
  if (!found.ways.length) {
    return [html("p", {}, `Nothing was found that changes the answer by changing at most ${found.most} features` +
      (found.out_of_time ? " before the time was over." : "."))];
  }
  const rows = found.ways.map((way) => html("tr", {},
    html("td", {}, html("ul", { class: "plain" }, Object.entries(way.values).map(([name, value]) => html("li", {},
      `${name}: ${apart(example, name, example.values[name], value)[0]} → `,
      html("b", {}, apart(example, name, example.values[name], value)[1]))))),
    html("td", {}, page.task === "regression" ? number(way.outputs[0]) : way.decision),
    html("td", {}, way.plausible ? "yes" : "doubtful"),
    html("td", {}, html("button", { type: "button", onclick: () => example.set(way.values) }, "Try"))));
  return [
    table("Ways to another answer, the least first.", ["Change", "then", "rows like it", "take"], rows),
    found.tolerance === null ? null
      : html("p", { class: "quiet" }, `Another answer is one that differs by at least ${number(found.tolerance)}.`),
  ];
}
