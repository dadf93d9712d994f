/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers as people read them. What is not known is a dash. */

const NOTHING = "–";

const isKnown = (number) => typeof number === "number" && Number.isFinite(number);

/* Three digits that count, thousands in groups. */
function formatNumber(number) {
  if (!isKnown(number)) return NOTHING;
  const size = Math.abs(number);
  if (size >= 1e9) return trim(number / 1e9) + " G";
  if (size >= 1e6) return trim(number / 1e6) + " M";
  if (size >= 1e5) return trim(number / 1e3) + " k";
  return size >= 100 ? Math.round(number).toLocaleString("en") : trim(number);
}

function trim(number) {
  const size = Math.abs(number);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return String(Number(number.toFixed(digits)));
}

function formatBytes(bytes) {
  if (!isKnown(bytes)) return NOTHING;
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  while (Math.abs(bytes) >= 1000 && unit < units.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return `${trim(bytes)} ${units[unit]}`;
}

const formatRate = (number) => formatNumber(number);
const formatPerSecond = (number) => (isKnown(number) ? `${formatNumber(number)}/s` : NOTHING);
const formatByteRate = (bytes) => (isKnown(bytes) ? formatBytes(bytes) + "/s" : NOTHING);

function formatPercent(percent) {
  if (!isKnown(percent)) return NOTHING;
  return percent > 99 && percent < 99.995 ? `${percent.toFixed(2)} %` : `${trim(percent)} %`;
}

function formatMicroseconds(us) {
  if (!isKnown(us)) return NOTHING;
  if (us >= 1e6) return `${trim(us / 1e6)} s`;
  return us >= 1000 ? `${trim(us / 1000)} ms` : `${trim(us)} µs`;
}

function formatSeconds(seconds) {
  if (!isKnown(seconds)) return NOTHING;
  if (seconds < 120) return `${trim(seconds)} s`;
  if (seconds < 7200) return `${trim(seconds / 60)} min`;
  return seconds < 172800 ? `${trim(seconds / 3600)} h` : `${trim(seconds / 86400)} d`;
}

/* "10 minutes", for sentences. */
function sayDuration(seconds) {
  const say = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
  if (seconds < 90) return say(Math.max(1, Math.round(seconds)), "second");
  if (seconds < 5400) return say(Math.round(seconds / 60), "minute");
  return seconds < 172800 ? say(Math.round(seconds / 3600), "hour")
                          : say(Math.round(seconds / 86400), "day");
}

function formatTime(ms, withDate) {
  const date = new Date(ms);
  const time = date.toLocaleTimeString([], { hourCycle: "h23" });
  return withDate ? `${date.toLocaleDateString([], { weekday: "short" })} ${time}` : time;
}

/* ---- elements: whatever a server says goes in as text ---- */

function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name.includes("-") || name === "role" || name === "scope") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/* Only what differs is touched: a selection, and who listens, are not disturbed for nothing. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/* Rows of texts, the first cell a header; `numbers` are the columns that are aligned right. */
function fillTable(body, rows, numbers) {
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((row, r) => {
    const line = body.rows[r] || body.insertRow();
    row.forEach((text, c) => {
      let cell = line.cells[c];
      if (!cell) {
        cell = c === 0 ? make("th", { scope: "row" }) : make("td");
        if (numbers.includes(c)) cell.className = "number";
        line.append(cell);
      }
      setText(cell, text);
    });
  });
}
