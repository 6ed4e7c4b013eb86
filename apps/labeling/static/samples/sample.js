// One sample on screen: picture or text first, then its values, with the deciding ones in their own group.

import { breakable, element } from "../shared/elements.js";
import { written } from "./format.js";
import { picture, pixels } from "./picture.js";
import { text } from "./text.js";

const DECIDING = 4;
const MANY = 7;

/** The elements of a sample, top to bottom. `project` is the API's response. */
export function view(item, project) {
  const { display, columns } = project;
  const first = leading(display, columns, item.payload);
  const parts = [];
  if (display.kind === "image") parts.push(...pictures(item, project, first));
  else if (display.kind === "text") parts.push(...first.map((name) => text(name, item, project, first.length === 1)));
  else parts.push(...deciding(item, project));
  const used = new Set(display.kind === "table" ? [] : first);
  parts.push(...groups(item, project, first, used));
  return parts;
}

/** A short summary of a sample, for messages after it has left the screen. */
export function summary(item, project) {
  const names = leading(project.display, project.columns, item.payload);
  if (project.display.kind === "image") return project.display.object ? written(item.payload[project.display.object]) : "the picture";
  const said = names.slice(0, 2).map((name) => project.display.kind === "text" ? written(item.payload[name]) : `${name} ${written(item.payload[name])}`);
  return said.join(", ");
}

/** The columns that the project shows first; by default its text columns, or all. */
function leading(display, columns, payload) {
  const named = display.columns.filter((name) => name in payload);
  if (named.length) return named;
  const kinds = display.kind === "text" ? ["text"] : [];
  const found = Object.keys(columns).filter((name) => name in payload && name !== display.object);
  const fitting = found.filter((name) => kinds.includes(columns[name].kind));
  return display.kind === "image" ? [] : fitting.length ? fitting.slice(0, 1) : found;
}

function pictures(item, project, first) {
  const { object, width, levels } = project.display;
  const parts = object ? [picture(item, item.payload[object])] : [];
  return width && first.length ? [...parts, pixels(first.map((name) => item.payload[name]), width, levels)] : parts;
}

/** The columns that weighed most, without their direction, which would reveal the prediction. */
function deciding(item, project) {
  const names = (item.deciding ?? []).filter((name) => name in item.payload).slice(0, DECIDING);
  return names.length ? [group("Most important to the model", names, item, project, "deciding")] : [];
}

function groups(item, project, first, used) {
  const { groups: named = {}, kind } = project.display;
  const grouped = new Set(Object.values(named).flat());
  const made = [];
  const add = (heading, names, look) => {
    const left = names.filter((name) => name in item.payload && !used.has(name));
    for (const name of left) used.add(name);
    if (left.length) made.push(group(heading, left, item, project, look));
  };
  const isChosen = project.display.columns.length > 0 || !grouped.size;
  if (kind === "table" && isChosen) add("", first.filter((name) => !grouped.has(name)), "");
  for (const [heading, names] of Object.entries(named)) add(heading, names, "");
  add(made.length || kind !== "table" ? "More" : "", Object.keys(project.columns), "more");
  return made;
}

function group(heading, names, item, project, look) {
  const rows = names.map((name) => row(name, item, project));
  const list = element("dl", { class: "values" }, ...rows);
  const width = names.length > MANY ? "broad" : "";
  return element("section", { class: `group ${look} ${width}` }, heading && element("h3", {}, heading), list);
}

function row(name, item, { columns }) {
  const { unit = "", description = "" } = columns[name] ?? {};
  const value = item.payload[name];
  const isMissing = value === null || value === undefined || value === "";
  const shown = isMissing ? element("em", { class: "missing" }, "missing") : element("span", { class: "value" }, written(value));
  const term = element("dt", {}, ...breakable(name), description && element("small", {}, description));
  return element("div", {}, term, element("dd", {}, shown, unit && !isMissing && element("span", { class: "unit" }, ` ${unit}`)));
}
