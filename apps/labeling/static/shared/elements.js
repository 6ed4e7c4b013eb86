// Creating elements. Text becomes text nodes only: the values of a sample are untrusted and may look like markup.

/** The first element that a selector finds. */
export const find = (selector, within = document) => within.querySelector(selector);

/** An element with attributes (functions become listeners, false and null are left out) and children. */
export function element(name, attributes = {}, ...children) {
  return furnish(document.createElement(name), attributes, children);
}

/** A key as on the keyboard. */
export const keycap = (key) => element("kbd", {}, key === " " ? "Space" : key);

/** A message of the server as a sentence. */
export const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

/** A name with line breaks allowed after underscores. */
export const breakable = (name) => name.split(/(?<=_)/).flatMap((part, place) => (place ? [element("wbr"), part] : [part]));

function furnish(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== null && value !== false && value !== undefined) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}
