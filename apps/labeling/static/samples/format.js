// Values as text: numbers, texts and timestamps as people write them.

/** A number, text or moment as people write it; null when it is missing. */
export function written(value) {
  if (value === null || value === undefined) return "missing";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(10)));
  const said = typeof value === "object" ? JSON.stringify(value) : String(value);
  const moment = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d*[1-9])?0*\.?0*Z$/.exec(said);
  return moment ? `${moment[1]} ${moment[2]}${moment[3] ?? ""}` : said;
}
