// The What-If page: puts the example, the answers and the explanations together.

import { Server, latest, settled, told } from "./asking.js";
import { html, number, table } from "./elements.js";
import { Example } from "./example.js";
import * as explain from "./explanations.js";
import { Predictions } from "./predictions.js";
import { Threshold } from "./threshold.js";

const page = JSON.parse(document.getElementById("what-if").dataset.whatIf);
const at = (id) => document.getElementById(id);
const server = new Server(page);
const problem = at("problem");
const drawn = { curve: null, picked: false };
let fresh = true;

function refused(error, place) {
  if (place) { place.replaceChildren(told(error)); return; }
  problem.textContent = [error.message, ...Object.entries(error.details || {}).map(([name, text]) => `${name}: ${text}`)].join(" · ");
  problem.hidden = false;
}

/** Do something that may be refused; what is in a panel says so there. */
async function trying(work, place) {
  try {
    await work();
    if (!place) problem.hidden = true;
  } catch (error) {
    refused(error, place);
  } finally {
    place?.classList.remove("stale");
  }
}

const question = () => (page.image ? { row: example.row.row } : { values: example.values });

const predict = latest(() => trying(async () => {
  const asked = { row: example.row, fresh };
  const mine = question();
  for (const group of groups(predictions.names)) {
    const found = await server.ask("predictions", { ...mine, candidates: group });
    if (example.row !== asked.row) return;
    predictions.take(found.predictions, asked.fresh);
  }
  const rest = predictions.unknown(predictions.names);
  if (rest.length && !page.image) {
    const found = await server.ask("predictions", { values: asked.row.values, candidates: rest });
    if (example.row !== asked.row) return;
    predictions.compare(found.predictions);
  }
  predictions.say();
  later();
}));

// Models that have not answered yet take a while to load: each is asked by itself.
function groups(names) {
  const known = names.filter((name) => predictions.now.has(name));
  const rest = names.filter((name) => !predictions.now.has(name));
  return [...(known.length ? [known] : []), ...rest.map((name) => [name])];
}

const later = settled(150, () => {
  if (page.image) return;
  for (const [id, work] of [["shapley", shapley], ["curve", curve], ["nearest", nearest]]) {
    at(id).classList.add("stale");
    if (id !== "curve" || drawn.picked) work();
  }
});

const named = () => ({ ...question(), candidate: predictions.explained.value, output: predictions.shown });

const shapley = latest(() => trying(async () => {
  const found = await server.ask("shapley", named());
  const scale = page.task === "regression" ? "number" : "share";
  at("shapley").replaceChildren(...explain.shapley(found, example, predictions.what, scale));
  if (!drawn.picked) {
    // What counts most is the most telling curve to begin with.
    drawn.picked = true;
    at("feature").value = found.parts[0].feature;
    curve();
  }
}, at("shapley")));

const curve = latest(() => trying(async () => {
  const feature = at("feature").value;
  const found = await server.ask("curve", { ...question(), candidates: predictions.names, feature, output: predictions.shown });
  drawn.curve = () => at("curve").replaceChildren(...explain.curve(found, example, feature, predictions.what,
    page.task !== "regression", Math.max(at("curve").clientWidth, 260)));
  drawn.curve();
}, at("curve")));

function delta() {
  const text = at("delta")?.value;
  return text && Number(text) > 0 ? { delta: Number(text) } : {};
}

const nearest = latest(() => trying(async () => {
  const found = await server.ask("neighbours", { ...question(), candidate: predictions.explained.value, ...delta() });
  at("nearest").replaceChildren(...explain.nearest(found, page, example, begin));
}, at("nearest")));

const changes = latest(() => trying(async () => {
  at("changes").replaceChildren(html("p", { class: "quiet" }, "Looking for them …"));
  const found = await server.ask("changes", { ...question(), candidate: predictions.explained.value, ...delta() });
  at("changes").replaceChildren(...explain.changes(found, page, example).filter(Boolean));
}, at("changes")));

const threshold = at("trade-off") ? new Threshold(page) : null;
const tradeOff = latest(() => trying(async () => {
  const candidate = predictions.explained.value, column = at("group").value || null;
  at("trade-off").classList.add("stale");
  threshold.take(await server.ask("trade_off", { candidate, column }), candidate, column);
}, at("trade-off")));

const predictions = new Predictions(page, () => {
  if (!example.row) return;
  predict();
  if (drawn.explained !== predictions.explained.value) at("changes")?.replaceChildren();
  drawn.explained = predictions.explained.value;
  if (threshold && threshold.name !== predictions.explained.value) tradeOff();
});

const soon = settled(60, () => predict());
const example = new Example(page, (whole) => {
  if (!whole || !example.row) return;
  at("changes")?.replaceChildren();
  fresh = [...example.fields.values()].every((field) => !example.edited(field));
  soon();
});

/** Begin with a row of the data. */
function begin(row) {
  predictions.forget();
  fresh = true;
  example.begin(row);
  predict();
  at("example-title").scrollIntoView({ block: "nearest" });
}

const start = (body) => trying(async () => begin(await server.ask("example", body)));
at("pick").addEventListener("submit", (event) => {
  event.preventDefault();
  start({ row: Number(at("pick-row").value) });
});
at("random").addEventListener("click", () => start({ seed: Math.floor(Math.random() * 2 ** 31) }));

function sought(offset) {
  const column = at("search-column")?.value || null;
  const test = at("search-test")?.value || "equal";
  const text = at("search-value")?.value ?? "";
  const numeric = column !== null && page.numbers.includes(column);
  const value = test === "missing" ? null : numeric && text.trim() !== "" ? Number(text) : text;
  if (column !== null && numeric && test !== "missing" && (text.trim() === "" || !Number.isFinite(value))) {
    throw new Error(`${column} holds numbers: enter one.`);
  }
  return { column, test, value, label: at("search-label")?.value || null, wrong: at("search-wrong")?.value || null, offset };
}

const search = (offset) => trying(async () => {
  const found = await server.ask("rows", sought(offset));
  const names = found.rows.length ? Object.keys(found.rows[0].values) : [];
  const column = at("search-column")?.value;
  names.sort((one, other) => (other === column) - (one === column));
  const rows = found.rows.map((row) => html("tr", {},
    html("td", {}, html("button", { type: "button", onclick: () => begin(row), "aria-label": `Start from row ${row.row}` }, row.row.toLocaleString("en"))),
    html("td", {}, typeof row.label === "number" ? number(row.label) : row.label),
    names.map((name) => html("td", {}, example.text(name, row.values[name])))));
  const last = offset + found.rows.length;
  const turn = (text, to) => html("button", { type: "button", onclick: () => search(to) }, text);
  at("found").replaceChildren(
    html("p", {}, found.found ? `${found.found.toLocaleString("en")} rows; shown are ${offset + 1} to ${last}.` : "No row is like that."),
    ...(found.rows.length ? [table("Rows found", ["row", page.label, ...names], rows)] : []),
    html("p", { class: "line" }, offset ? turn("Before", Math.max(0, offset - found.page)) : null, last < found.found ? turn("Next", last) : null));
}, at("found"));
at("search").addEventListener("submit", (event) => { event.preventDefault(); search(0); });

at("choose-run").addEventListener("submit", (event) => {
  event.preventDefault();
  location.assign(at("run").value);
});

at("feature")?.addEventListener("change", () => { if (example.row) { drawn.picked = true; at("curve").classList.add("stale"); curve(); } });
at("find-changes")?.addEventListener("click", () => { if (example.row) changes(); });
at("delta")?.addEventListener("input", settled(300, () => { if (example.row) { nearest(); at("changes").replaceChildren(); } }));
at("group")?.addEventListener("change", () => tradeOff());
addEventListener("resize", settled(150, () => { drawn.curve?.(); if (threshold?.found) threshold.drawn(); }));

trying(async () => {
  const found = await server.ask("describe", {});
  at("pick-row").max = found.last_row;
  if (at("delta") && found.spread) at("delta").placeholder = `e.g. ${number(found.spread)}`;
  await start({ row: Math.min(page.row ?? 0, found.last_row) });
  if (threshold) tradeOff();
});
