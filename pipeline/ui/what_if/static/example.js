// The example: its values, the form in which they are edited, and the row that it began as.

import { number, time } from "./elements.js";

// Models compute in single precision.
const MOST_NUMBER = 3.4e38;

export class Example {
  constructor(page, changed) {
    this.page = page;
    this.values = {};
    this.row = null;
    this.fields = new Map();
    this.changed = changed;
    for (const place of document.querySelectorAll("#form .field")) {
      const field = {
        name: place.dataset.name, kind: place.dataset.kind, place,
        input: place.querySelector("input,select"), hint: place.querySelector(".hint"),
        undo: place.querySelector(".undo"),
      };
      for (const name of ["low", "high", "least", "greatest"]) {
        field[name] = name in place.dataset ? Number(place.dataset[name]) : null;
      }
      this.fields.set(field.name, field);
      field.input.addEventListener("input", () => this.read(field));
      field.undo.addEventListener("click", () => {
        this.set({ [field.name]: this.row.values[field.name] });
        field.input.focus();
      });
      this.mark(field);
    }
    document.getElementById("form")?.addEventListener("submit", (event) => event.preventDefault());
    this.reset = document.getElementById("reset");
    this.reset.addEventListener("click", () => this.set(this.row.values));
    document.getElementById("clear")?.addEventListener("click", () => {
      this.set(Object.fromEntries([...this.fields.keys()].map((name) => [name, null])));
    });
  }

  /** Begin anew with a row of the data. */
  begin(row) {
    this.row = row;
    const fields = document.getElementById("fields");
    if (fields) fields.disabled = false;
    const origin = document.getElementById("origin");
    origin.textContent = `Row ${row.row.toLocaleString("en")} of the evaluation split; its ${this.page.label} is ${
      typeof row.label === "number" ? number(row.label) : row.label}.`;
    const picture = document.getElementById("picture");
    if (picture) {
      picture.src = this.page.image + row.row;
      picture.alt = `The image of row ${row.row}, of class ${row.label}`;
      picture.hidden = false;
    }
    document.getElementById("pick-row").value = row.row;
    this.set(row.values);
  }

  /** Put in some values. */
  set(values) {
    for (const [name, value] of Object.entries(values)) {
      const field = this.fields.get(name);
      if (!field) continue;
      this.values[name] = value;
      if (value === null || value === undefined) field.input.value = "";
      else if (field.kind === "time") field.input.value = time(value).replace(" ", "T");
      else field.input.value = String(value);
      field.bad = !field.input.validity.valid;
      this.mark(field);
    }
    this.tell();
  }

  read(field) {
    const text = field.input.value;
    let value = text;
    field.bad = !field.input.validity.valid;
    if (text === "") value = null;
    else if (field.kind === "time") value = Date.parse(`${text}Z`) / 1000;
    else if (field.kind !== "category") value = Number(text);
    if (typeof value === "number" && !(Math.abs(value) <= MOST_NUMBER)) field.bad = true;
    if (typeof value === "number" && field.kind !== "number" && !Number.isSafeInteger(value)) field.bad = true;
    if (!field.bad) this.values[field.name] = value;
    this.mark(field);
    if (!field.bad) this.tell();
  }

  tell() {
    const fields = [...this.fields.values()];
    const edited = fields.some((field) => this.edited(field));
    this.reset.hidden = !edited;
    this.changed(fields.every((field) => !field.bad));
  }

  edited(field) {
    return this.row !== null && (this.values[field.name] ?? null) !== (this.row.values[field.name] ?? null);
  }

  /** Show a value of a feature. */
  text(name, value) {
    if (value === null || value === undefined || value === "") return "missing";
    const kind = this.fields.get(name)?.kind;
    if (typeof value !== "number") return value;
    if (kind === "time") return time(value);
    return kind === "number" ? number(value) : String(value);
  }

  /** Say beside a field what is usual, and what it was. */
  mark(field) {
    const { input, hint, undo, place } = field;
    const range = (low, high) => `${this.text(field.name, low)} to ${this.text(field.name, high)}`;
    const value = this.values[field.name];
    const counts = field.kind === "number" || field.kind === "integer" || field.kind === "time";
    let text = counts && field.low !== null ? `usually ${range(field.low, field.high)}` : "";
    let odd = false;
    if (field.bad) {
      text = field.input.validity.valueMissing ? "the models need a value" :
        field.kind === "number" ? "a number of at most 3.4e38, please" : "a whole number, please";
      odd = true;
    } else if (typeof value === "number" && field.least !== null && (value < field.least || value > field.greatest)) {
      text = `outside of all that was trained on: ${range(field.least, field.greatest)}`;
      odd = true;
    } else if (field.kind === "category" && value && input.list && !this.known(field).has(value)) {
      text = "not among the values that were trained on";
      odd = true;
    }
    hint.textContent = text;
    place.classList.toggle("odd", odd);
    input.setAttribute("aria-invalid", String(Boolean(field.bad)));
    const edited = this.edited(field);
    place.classList.toggle("edited", edited);
    undo.hidden = !edited;
    if (edited) undo.textContent = `was ${this.text(field.name, this.row.values[field.name])}`;
    undo.setAttribute("aria-label", `Undo the change of ${field.name}: back to ${
      edited ? this.text(field.name, this.row.values[field.name]) : ""}`);
  }

  known(field) {
    field.known ??= new Set([...field.input.list.options].map((option) => option.value));
    return field.known;
  }
}
