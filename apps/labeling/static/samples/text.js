// A text: short lines, the project's terms highlighted, the deciding words underlined.

import { element } from "../shared/elements.js";
import { written } from "./format.js";

const LONG = 1200;

/** A column's text; a long one scrolls in its own frame and can be expanded. */
export function text(name, item, project, isAlone) {
  const value = item.payload[name];
  const isEmpty = value === null || value === undefined || value === "";
  const said = isEmpty ? [element("em", { class: "missing" }, "missing")] : marked(written(value), project.display.terms ?? [], item.deciding ?? []);
  const body = element("div", { class: "text", dir: "auto" }, ...said);
  const heading = isAlone ? null : element("h3", {}, name);
  if (isEmpty || String(value).length < LONG) return element("section", { class: "group reading" }, heading, body);
  return element("section", { class: "group reading" }, heading, ...folded(name, body));
}

function folded(name, body) {
  body.classList.add("long");
  for (const [attribute, value] of Object.entries({ tabindex: "0", role: "region", "aria-label": `${name}, scrolls` })) body.setAttribute(attribute, value);
  const open = element("button", { type: "button", class: "quiet", "aria-expanded": "false" }, "Show all");
  open.addEventListener("click", () => {
    const isOpen = body.classList.toggle("open");
    open.setAttribute("aria-expanded", String(isOpen));
    open.textContent = isOpen ? "Show less" : "Show all";
  });
  return [body, open];
}

/** Text nodes with <mark> around terms and <u> around deciding words. */
function marked(said, terms, deciding) {
  const looks = new Map([...deciding.map((word) => [word.toLowerCase(), "u"]), ...terms.map((term) => [term.toLowerCase(), "mark"])]);
  looks.delete("");
  if (!looks.size) return [said];
  const longestFirst = [...looks.keys()].sort((one, other) => other.length - one.length).map(escaped);
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(${longestFirst.join("|")})(?![\\p{L}\\p{N}])`, "giu");
  return said.split(pattern).map((part, place) => (place % 2 ? element(looks.get(part.toLowerCase()) ?? "u", {}, part) : part));
}

const escaped = (word) => word.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
