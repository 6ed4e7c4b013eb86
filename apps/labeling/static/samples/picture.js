// Pictures: image files from the server, or drawn from a sample's pixel values.

import { element } from "../shared/elements.js";
import { api } from "../shared/page.js";

const SIDE = 320;

const url = (item) => api(`/samples/${encodeURIComponent(item.sample_id)}/image`);

/** The picture of a sample. */
export function picture(item, name) {
  const image = element("img", { src: url(item), alt: `Picture ${name ?? ""}`.trim(), decoding: "async" });
  const frame = element("figure", { class: "picture" }, image);
  image.addEventListener("error", () => frame.replaceChildren(element("p", { class: "missing" }, `The picture ${name ?? ""} cannot be loaded.`)));
  return frame;
}

/** Load the pictures of the next samples in advance. */
export function prefetched(items, project) {
  if (project.display.kind !== "image" || !project.display.object) return;
  for (const item of items) item.fetched ??= Object.assign(new Image(), { src: url(item) });
}

/** Pixel values as a picture: the highest level is black, a missing value is red. */
export function pixels(values, width, levels) {
  const height = Math.ceil(values.length / width);
  const missing = values.filter((value) => value === null).length;
  const description = `Picture of ${width} by ${height} pixels${missing ? `, ${missing} missing` : ""}`;
  const canvas = element("canvas", { width, height, role: "img", "aria-label": description, class: "pixels" });
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
