// How things are said to people.

export function clock(milliseconds) {
  return new Date(milliseconds).toLocaleTimeString("en-GB"); // 15:04:05
}

// span is how long something took.
export function span(milliseconds) {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 1) return "less than a second";
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function count(n, one, many) {
  return `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
}

const causes = {
  reconnect: "the link to Redis was lost",
  overflow: "this browser was too slow",
  moved: "the channel moved to another server",
  closed: "a channel was given up",
  browser: "this page had no connection",
};

// gapWords says what is missing, why, and how long.
export function gapWords(gap) {
  const title = gap.dropped > 0
    ? `${count(gap.dropped, "message is", "messages are")} missing here`
    : "Messages may be missing here";
  const why = gap.reasons.map((reason) => causes[reason] ?? reason).join(", and ");
  // What was dropped is known exactly; a lost link is noticed some time after it broke.
  const exact = gap.reasons.every((reason) => reason === "overflow");
  const long = exact ? span(gap.to - gap.from) : `up to ${span(gap.to - gap.from)}`;
  const [from, to] = [clock(gap.from), clock(gap.to)];
  const when = from === to ? `at ${from}` : `between ${from} and ${to}`;
  let detail = `${why[0].toUpperCase()}${why.slice(1)}: for ${long}, ${when}.`;
  if (gap.dropped > 0 && !exact) detail += " There may have been more.";
  return { title, detail };
}
