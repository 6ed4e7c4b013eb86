// Calls of the API. Any response but the expected JSON is an ApiError: a page of a proxy or a redirect to the login is
// not a result, even with status 200.

import { api, page, renewed } from "./page.js";

const TIMEOUT_MS = 20000;

/** An error of the server; status 0 if the server could not be reached. */
export class ApiError extends Error {
  constructor(message, status, where = null, waitMs = 0) {
    super(message);
    Object.assign(this, { status, where, waitMs });
  }
}

/** The JSON of a GET (no body) or POST; an expired CSRF token is renewed once. */
export async function call(path, body) {
  try {
    return await request(path, body);
  } catch (error) {
    if (error.status !== 403 || error.where !== "csrf" || (await currentUser()) !== page.annotator) throw error;
    return request(path, body);
  }
}

/** Post while the page closes: headers are not possible, so the CSRF token is in the body. */
export function postOnClose(path, body) {
  navigator.sendBeacon(api(path), JSON.stringify({ ...body, csrf: page.csrf }));
}

async function currentUser() {
  try {
    return await renewed();
  } catch {
    return "";  // not reached: the first error is reported instead
  }
}

async function request(path, body) {
  const response = await send(path, body);
  const content = await response.json().catch(() => null);
  if (response.ok && content !== null && !response.redirected) return content;
  if (response.redirected || (response.ok && content === null)) throw new ApiError("You are logged out.", 401);
  const waitMs = 1000 * (Number(response.headers.get("Retry-After")) || 0);
  throw new ApiError(content?.error ?? `The server returned status ${response.status}.`, response.status, content?.where ?? null, waitMs);
}

async function send(path, body) {
  const headers = { Accept: "application/json", "X-CSRF-Token": page.csrf, "Content-Type": "application/json" };
  const options = body === undefined ? { headers: { Accept: headers.Accept } } : { method: "POST", headers, body: JSON.stringify(body) };
  try {
    return await fetch(api(path), { ...options, credentials: "same-origin", signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch {
    throw new ApiError("Cannot reach the server.", 0);
  }
}
