// Charts as SVG, drawn as wide as their place is.

import { number, svg } from "./elements.js";

const LEFT = 52, RIGHT = 14, TOP = 12, BOTTOM = 38;

/** Return round numbers between two bounds. */
export function ticks(low, high, count) {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough);
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-9; at += step) {
    found.push(Math.abs(at) < step * 1e-9 ? 0 : at);
  }
  return found;
}

/**
 * Return a chart of lines.
 *
 * series: [{name, values: [[x, y or null]], color, dash, mark: place of a point}]; xs: names of
 * places where the horizontal axis holds categories; rule: x of a vertical line; label: text
 * alternative; choose: called with the nearest x when a point of the chart is pressed.
 */
export function lines({ width, height, series, x, y, xs, rule, label, choose, format = number }) {
  const inner = { width: Math.max(width - LEFT - RIGHT, 60), height: height - TOP - BOTTOM };
  const across = (value) => LEFT + ((value - x.low) / (x.high - x.low || 1)) * inner.width;
  const up = (value) => TOP + (1 - (value - y.low) / (y.high - y.low || 1)) * inner.height;
  const parts = [];
  for (const at of ticks(y.low, y.high, 5)) {
    parts.push(
      svg("line", { class: "grid", x1: LEFT, x2: LEFT + inner.width, y1: up(at), y2: up(at) }),
      svg("text", { class: "tick", x: LEFT - 6, y: up(at) + 4, "text-anchor": "end" }, number(at)),
    );
  }
  const under = TOP + inner.height;
  if (xs) {
    const every = Math.ceil((xs.length * 56) / inner.width);
    const room = Math.max(5, Math.floor((every * inner.width) / xs.length / 7));
    xs.forEach((name, place) => {
      if (place % every) return;
      const short = name.length > room ? name.slice(0, room - 1) + "…" : name;
      parts.push(
        svg("text", { class: "tick", x: across(place), y: under + 16, "text-anchor": "middle" },
          short, svg("title", {}, name)),
      );
    });
  } else {
    const count = Math.max(2, Math.floor(inner.width / 80));
    for (const at of ticks(x.low, x.high, count)) {
      parts.push(
        svg("text", { class: "tick", x: across(at), y: under + 16, "text-anchor": "middle" }, format(at)),
      );
    }
  }
  parts.push(
    svg("line", { class: "axis", x1: LEFT, x2: LEFT + inner.width, y1: under, y2: under }),
    svg("text", { class: "title", x: LEFT + inner.width / 2, y: height - 4, "text-anchor": "middle" }, x.title),
  );
  if (rule !== undefined && rule !== null) {
    parts.push(svg("line", { class: "rule", x1: across(rule), x2: across(rule), y1: TOP, y2: under }));
  }
  for (const each of series) {
    let path = "", open = false;
    for (const [at, value] of each.values) {
      if (value === null || Number.isNaN(value)) { open = false; continue; }
      path += `${open ? "L" : "M"}${across(at).toFixed(1)} ${up(value).toFixed(1)}`;
      open = true;
    }
    parts.push(svg("path", { class: "line", d: path, stroke: each.color, "stroke-dasharray": each.dash }));
    if (xs && !each.dash) {
      for (const [at, value] of each.values) {
        if (value !== null) parts.push(svg("circle", { cx: across(at), cy: up(value), r: 3, fill: each.color }));
      }
    }
    if (each.mark !== undefined && each.mark !== null && each.values[each.mark]) {
      const [at, value] = each.values[each.mark];
      if (value !== null) {
        parts.push(svg("circle", { class: "mark", cx: across(at), cy: up(value), r: 6, fill: each.color }));
      }
    }
  }
  const chart = svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label, class: choose ? "chosen" : null },
    parts,
  );
  if (choose) {
    chart.addEventListener("click", (event) => {
      const box = chart.getBoundingClientRect();
      const at = ((event.clientX - box.left) / box.width) * width;
      choose(x.low + ((at - LEFT) / inner.width) * (x.high - x.low));
    });
  }
  return chart;
}

/** Return the bounds of some numbers, with a margin. */
export function bounds(values, margin = 0.05) {
  const known = values.filter((value) => value !== null && Number.isFinite(value));
  if (!known.length) return { low: 0, high: 1 };
  let low = Math.min(...known), high = Math.max(...known);
  if (low === high) { low -= Math.abs(low) * 0.1 || 1; high += Math.abs(high) * 0.1 || 1; }
  const more = (high - low) * margin;
  return { low: low - more, high: high + more };
}
