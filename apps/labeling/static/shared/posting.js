// Posting entries of the outbox: annotations in one request, adjudications one by one.

import { call, ApiError } from "./api.js";

/** Post entries of one path; returns the server's {results, assignments, ...}. */
export async function posted(entries, lease) {
  if (entries[0].path === "/adjudications") return { results: [await adjudicate(entries[0].body)] };
  const content = await call("/annotations", { annotations: entries.map(({ body }) => body), lease });
  if (!Array.isArray(content.results)) throw new ApiError("The server did not confirm the annotations.", 502);
  return content;
}

async function adjudicate(body) {
  await call("/adjudications", body);
  return { client_key: body.client_key, status: "stored" };
}
