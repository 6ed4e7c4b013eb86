// Posting what waits in the outbox: answers in one request, adjudications one by one.

import { call, Refusal } from "./api.js";

/** What the server says to entries of one path, in their order as far as it took them: {results, assignments, ...}. */
export async function posted(entries, lease) {
  if (entries[0].path === "/adjudications") return { results: [await ruled(entries[0].body)] };
  const told = await call("/annotations", { annotations: entries.map(({ body }) => body), lease });
  if (!Array.isArray(told.results)) throw new Refusal("The server did not confirm the answers.", 502);
  return told;
}

async function ruled(body) {
  await call("/adjudications", body);
  return { client_key: body.client_key, status: "stored" };
}
