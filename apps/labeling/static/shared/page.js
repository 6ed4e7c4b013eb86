// The metadata of the page, and the URLs that follow from it.

const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";

export const page = {
  project: meta("project"),
  annotator: meta("annotator"),
  csrf: meta("csrf"),
  login: `/login?next=${encodeURIComponent(location.pathname)}`,
};

export const api = (path = "") => `/api/v1/projects/${encodeURIComponent(page.project)}${path}`;

/** Load the page again for a new CSRF token, after a login in another tab. Returns the annotator who is logged in. */
export async function renewed() {
  const response = await fetch(location.pathname, { credentials: "same-origin", signal: AbortSignal.timeout(20000) });
  if (!response.ok || response.redirected) return "";
  const head = new DOMParser().parseFromString(await response.text(), "text/html");
  const annotator = head.querySelector('meta[name="annotator"]')?.content ?? "";
  if (annotator === page.annotator) page.csrf = head.querySelector('meta[name="csrf"]')?.content ?? "";
  return annotator;
}
