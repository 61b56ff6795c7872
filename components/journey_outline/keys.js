// The tree in the head: which lines are visible, and where a key leads.

export function visible(rows, folded) {
  const hidden = new Set();
  return rows.filter((row) => {
    const gone = hidden.has(row.parent) || folded.has(row.parent);
    if (gone) hidden.add(row.key);
    return !gone;
  });
}

// Where the arrow keys, Home and End lead from `key`: {to} a line, or {fold} / {unfold} this one.
export function journey(rows, folded, key, pressed) {
  const seen = visible(rows, folded);
  const at = seen.findIndex((row) => row.key === key);
  const row = seen[at];
  if (!row) return {};
  switch (pressed) {
    case "ArrowDown": return { to: seen[at + 1]?.key };
    case "ArrowUp": return { to: seen[at - 1]?.key };
    case "Home": return { to: seen[0].key };
    case "End": return { to: seen[seen.length - 1].key };
    case "ArrowRight":
      if (!row.children) return {};
      return folded.has(key) ? { unfold: key } : { to: seen[at + 1].key };
    case "ArrowLeft":
      if (row.children && !folded.has(key)) return { fold: key };
      return row.parent ? { to: row.parent } : {};
    default: return {};
  }
}

// Type-ahead: the next visible line that begins with what was typed, from here on and round again.
export function typedAhead(rows, folded, key, letters) {
  const seen = visible(rows, folded);
  const at = seen.findIndex((row) => row.key === key);
  const from = letters.length > 1 ? at : at + 1;
  const round = [...seen.slice(from), ...seen.slice(0, from)];
  const wanted = letters.toLowerCase();
  return round.find((row) => row.title.toLowerCase().startsWith(wanted) || String(row.number || "") === wanted)?.key;
}

// The way out a line stands for: where a step is added or a link is made from it.
export const wayOf = (row, rows) => {
  if (!row || row.key.includes("~")) return null;
  if (row.port) return { step: row.step_id, port: row.port };
  const ways = rows.filter((one) => one.what === "way" && one.step_id === row.step_id);
  const open = ways.find((way) => leadOf(way, rows)?.what === "open") ?? ways[0];
  return open ? { step: open.step_id, port: open.port } : null;
};

// What follows on a way out: the line that says so.
export const leadOf = (way, rows) => rows[rows.indexOf(way) + 1];

// Whether something follows on it already: an end cannot go between.
export const leadsOn = (way, rows) => {
  const open = rows.some((row) => row.what === "open" && row.step_id === way.step && row.port === way.port);
  return !open;
};
