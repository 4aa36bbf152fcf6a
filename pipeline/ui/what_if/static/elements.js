// Elements of HTML and SVG. Whatever comes from data becomes text, never markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined) {
      made.append(child instanceof Node ? child : document.createTextNode(String(child)));
    }
  }
  return made;
}

/** Return an HTML element: attributes that begin with "on" are listeners. */
export function html(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** Return an SVG element. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** Return a number for people: four significant digits, thousands in groups. */
export function number(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size >= 1e15 || (size > 0 && size < 1e-4)) return value.toPrecision(4).replace(/\.?0+e/, "e");
  if (size >= 1000) return value.toLocaleString("en", { maximumFractionDigits: 0 });
  return String(Number(value.toPrecision(4)));
}

/** Return a share for people, with three digits. */
export function share(value) {
  return Number.isFinite(value) ? value.toFixed(3) : "–";
}

/** Return a number with its sign. */
export function signed(value) {
  return (value < 0 ? "−" : "+") + number(Math.abs(value));
}

/** Return a difference of shares with its sign. */
export function signedShare(value) {
  const text = Math.abs(value).toFixed(3);
  return Number(text) ? (value < 0 ? "−" : "+") + text : text;
}

/** Return a name that may be broken after what divides words in it. */
export function breaking(name) {
  const parts = String(name).split(/(?<=[_/.:-])/);
  return parts.flatMap((part, place) => (place ? [document.createElement("wbr"), part] : [part]));
}

/** Return seconds since 1970 as a date and time in UTC. */
export function time(seconds) {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? number(seconds) : date.toISOString().slice(0, 19).replace("T", " ");
}

/** Return a table that scrolls by itself where it is too wide, also with the keyboard. */
export function table(caption, head, rows, attributes = {}) {
  return html(
    "div",
    { class: "scroll plain", role: "region", tabindex: 0, "aria-label": caption },
    html(
      "table",
      attributes,
      html("caption", {}, html("span", {}, caption)),
      html("thead", {}, html("tr", {}, head.map((cell) => (cell === "" ? html("td") : html("th", { scope: "col" }, cell))))),
      html("tbody", {}, rows),
    ),
  );
}
