// Values as text: numbers, texts and timestamps as people write them.

/** A number, text, boolean or timestamp as text; "missing" for null. */
export function written(value) {
  if (value === null || value === undefined) return "missing";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(10)));
  const said = typeof value === "object" ? JSON.stringify(value) : String(value);
  const time = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d*[1-9])?0*\.?0*Z$/.exec(said);
  return time ? `${time[1]} ${time[2]}${time[3] ?? ""}` : said;
}
