// Talking to the server. Anything but the JSON that was asked for is a Refusal with its reason: a page of a proxy or a
// redirect to the login is not an answer, even when its status says 200.

import { api, page, renewed } from "./page.js";

const PATIENCE_MS = 20000;

/** Why the server did not do what it was asked; status 0 when it was not reached. */
export class Refusal extends Error {
  constructor(message, status, where = null, waitMs = 0) {
    super(message);
    Object.assign(this, { status, where, waitMs });
  }
}

/** What the server says to a GET (no body) or POST; a stale csrf token is renewed once. */
export async function call(path, body) {
  try {
    return await asked(path, body);
  } catch (refusal) {
    if (refusal.status !== 403 || refusal.where !== "csrf" || (await whoNow()) !== page.annotator) throw refusal;
    return asked(path, body);
  }
}

/** Say something while the page goes away: no headers, so the csrf token stands in the body. */
export function farewell(path, body) {
  navigator.sendBeacon(api(path), JSON.stringify({ ...body, csrf: page.csrf }));
}

async function whoNow() {
  try {
    return await renewed();
  } catch {
    return "";  // not reached: the refusal that brought us here is told instead
  }
}

async function asked(path, body) {
  const response = await reached(path, body);
  const told = await response.json().catch(() => null);
  if (response.ok && told !== null && !response.redirected) return told;
  if (response.redirected || (response.ok && told === null)) throw new Refusal("You are logged out.", 401);
  const waitMs = 1000 * (Number(response.headers.get("Retry-After")) || 0);
  throw new Refusal(told?.error ?? `The server answered ${response.status}.`, response.status, told?.where ?? null, waitMs);
}

async function reached(path, body) {
  const headers = { Accept: "application/json", "X-CSRF-Token": page.csrf, "Content-Type": "application/json" };
  const posted = body === undefined ? { headers: { Accept: headers.Accept } } : { method: "POST", headers, body: JSON.stringify(body) };
  try {
    return await fetch(api(path), { ...posted, credentials: "same-origin", signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    throw new Refusal("The server cannot be reached.", 0);
  }
}
