// Pictures: by their object's name through the server, or drawn from a sample's pixels.

import { element } from "../shared/elements.js";
import { api } from "../shared/page.js";

const SIDE = 320;

const address = (item) => api(`/samples/${encodeURIComponent(item.sample_id)}/image`);

/** The picture that a sample names. */
export function picture(item, name) {
  const image = element("img", { src: address(item), alt: `Picture ${name ?? ""}`.trim(), decoding: "async" });
  const frame = element("figure", { class: "picture" }, image);
  image.addEventListener("error", () => frame.replaceChildren(element("p", { class: "missing" }, `The picture ${name ?? ""} cannot be shown.`)));
  return frame;
}

/** Let the browser fetch the pictures of the samples to come. */
export function prefetched(items, project) {
  if (project.display.kind !== "image" || !project.display.object) return;
  for (const item of items) item.fetched ??= Object.assign(new Image(), { src: address(item) });
}

/** Pixels as a picture: a full one is ink; a missing one is red. */
export function pixels(values, width, levels) {
  const height = Math.ceil(values.length / width);
  const missing = values.filter((value) => value === null).length;
  const told = `Picture of ${width} by ${height} pixels${missing ? `, ${missing} missing` : ""}`;
  const canvas = element("canvas", { width, height, role: "img", "aria-label": told, class: "pixels" });
  const drawing = canvas.getContext("2d");
  const image = drawing.createImageData(width, height);
  values.forEach((value, place) => image.data.set(value === null ? [192, 57, 43, 255] : shade(value / levels), 4 * place));
  drawing.putImageData(image, 0, 0);
  canvas.style.width = `${Math.max(SIDE, width)}px`;
  return element("figure", { class: "picture" }, canvas);
}

function shade(share) {
  const light = Math.round(255 * (1 - Math.min(Math.max(share, 0), 1)));
  return [light, light, light, 255];
}
