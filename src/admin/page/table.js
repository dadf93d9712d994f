/* SPDX-License-Identifier: BSD-3-Clause */
/* Columns over time: what /history.json answers, several answers joined, several servers summed.
 *
 * A table is {step, times, columns}: seconds between rows, Unix times rising, and by name an array of
 * numbers as long, null where there was nothing to tell. */

const emptyTable = (step) => ({ step, times: [], columns: {} });

/* Of these the worst is kept where others are averaged or summed. */
const isWorst = (name) => name.startsWith("latency_");

/* An answer's rows after those of the table; the clock may have been put back (`false`: the table is
 * not to be gone on with). */
function appendRows(table, answer, keepSeconds) {
  const last = table.times.length > 0 ? table.times[table.times.length - 1] : -Infinity;
  if (answer.times.length > 0 && answer.times[0] <= last) return false;
  for (const [name, values] of Object.entries(answer.series)) {
    const known = table.columns[name] ||
                  (table.columns[name] = new Array(table.times.length).fill(null));
    for (const value of values) known.push(value);
  }
  for (const time of answer.times) table.times.push(time);
  dropBefore(table, table.times[table.times.length - 1] - keepSeconds);
  return true;
}

function dropBefore(table, time) {
  let count = 0;
  while (count < table.times.length && table.times[count] < time) count++;
  if (count === 0) return;
  table.times.splice(0, count);
  for (const values of Object.values(table.columns)) values.splice(0, count);
}

/* The first row that is not before the time. */
function findRow(times, time) {
  let low = 0, high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* ---- several servers ---- */

/* Who is more steps behind than that is not waited for. */
const LAG_STEPS = 3;

/* All of them at the same times. A second that one of them lacks, because its clock ticks a little
 * differently, is what it said up to two steps before; past what all have said there is nothing. */
function alignTables(tables, from) {
  const step = tables[0].step;
  const begins = tables.map((table) => table.times[table.times.length - 1]).filter(isKnown);
  const end = begins.length > 0 ? Math.max(...begins) - LAG_STEPS * step : 0;
  const live = begins.filter((time) => time >= end);
  const until = live.length > 0 ? Math.min(...live) : -Infinity;
  const times = new Set();
  for (const table of tables)
    for (let i = findRow(table.times, from); i < table.times.length; i++)
      if (table.times[i] <= until) times.add(table.times[i]);
  const sorted = [...times].sort((a, b) => a - b);
  return { times: sorted, tables: tables.map((table) => pickRows(table, sorted)) };
}

function pickRows(table, times) {
  const rows = times.map((time) => {
    const row = findRow(table.times, time + 1) - 1;
    return row >= 0 && time - table.times[row] <= 2 * table.step ? row : -1;
  });
  const columns = {};
  for (const [name, values] of Object.entries(table.columns))
    columns[name] = rows.map((row) => (row < 0 ? null : values[row]));
  return { step: table.step, times, columns };
}

/* Tables of the same times as one. */
function sumTables(tables, times) {
  const columns = {};
  const names = new Set(tables.flatMap((table) => Object.keys(table.columns)));
  for (const name of names) {
    const join = isWorst(name) ? (a, b) => Math.max(a, b) : (a, b) => a + b;
    columns[name] = times.map((_, row) => {
      let sum = null;
      for (const { columns: { [name]: values } } of tables) {
        const value = values ? values[row] : null;
        if (isKnown(value)) sum = sum === null ? value : join(sum, value);
      }
      return sum;
    });
  }
  return { step: tables[0].step, times, columns };
}

/* ---- parts of a table ---- */

/* The rows from a time on, of so many as fit into `rowsMax`: means of several each. */
function sampleTable(table, from, rowsMax) {
  const first = findRow(table.times, from);
  const span = table.times.length > 0 ? table.times[table.times.length - 1] - from : 0;
  const each = Math.max(1, Math.ceil(span / table.step / rowsMax)) * table.step;
  const groups = groupRows(table.times, first, each);
  const columns = {};
  for (const [name, values] of Object.entries(table.columns))
    columns[name] = groups.map((group) => reduce(values, group, isWorst(name)));
  return { step: each, times: groups.map((group) => table.times[group.end - 1]), columns };
}

function groupRows(times, first, each) {
  const groups = [];
  let slot = null;
  for (let row = first; row < times.length; row++) {
    if (Math.floor(times[row] / each) !== slot) {
      slot = Math.floor(times[row] / each);
      groups.push({ begin: row, end: row });
    }
    groups[groups.length - 1].end = row + 1;
  }
  return groups;
}

function reduce(values, { begin, end }, worst) {
  let count = 0, sum = 0, most = 0;
  for (let row = begin; row < end; row++) {
    const value = values[row];
    if (!isKnown(value)) continue;
    count++;
    sum += value;
    most = Math.max(most, value);
  }
  if (count === 0) return null;
  return worst ? most : sum / count;
}

/* By name the mean of the last so many seconds, before the latest second of all or of the table. */
function lastMeans(table, seconds) {
  const end = table.times.length;
  const begin = end > 0 ? findRow(table.times, table.times[end - 1] - seconds + 1) : 0;
  const means = {};
  for (const [name, values] of Object.entries(table.columns))
    means[name] = reduce(values, { begin, end }, isWorst(name));
  return means;
}
