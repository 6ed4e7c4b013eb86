// One active tab. A lease belongs to an annotator, so that two tabs would show the same samples: the tab that was opened
// last is active, the others are paused.

import { clientKey } from "../shared/outbox.js";
import { page } from "../shared/page.js";

const NAME = `tiltyard.tab/${page.project}/${page.annotator}`;
const OWN = clientKey();

/** Make this the active tab; `rest()` is called when another tab becomes active. */
export function onlyTab(rest) {
  try {
    localStorage.setItem(NAME, OWN);
    window.addEventListener("storage", ({ key, newValue }) => key === NAME && newValue && newValue !== OWN && rest());
  } catch { /* without storage, tabs do not see each other; the server handles repeated annotations */ }
}
