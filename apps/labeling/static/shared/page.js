// What the server wrote into the page's head, and the addresses that follow from it.

const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";

export const page = {
  project: meta("project"),
  annotator: meta("annotator"),
  csrf: meta("csrf"),
  login: `/login?next=${encodeURIComponent(location.pathname)}`,
};

export const api = (path = "") => `/api/v1/projects/${encodeURIComponent(page.project)}${path}`;

/** Read the page anew: whoever logged in again in another tab has another csrf token. Returns who is logged in. */
export async function renewed() {
  const response = await fetch(location.pathname, { credentials: "same-origin", signal: AbortSignal.timeout(20000) });
  if (!response.ok || response.redirected) return "";
  const head = new DOMParser().parseFromString(await response.text(), "text/html");
  const annotator = head.querySelector('meta[name="annotator"]')?.content ?? "";
  if (annotator === page.annotator) page.csrf = head.querySelector('meta[name="csrf"]')?.content ?? "";
  return annotator;
}
