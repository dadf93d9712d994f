/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything but the charts: figures, warnings, tables. Each function shows what it is given. */

const byId = (id) => document.getElementById(id);

/* Means as a table of one row, which charts' functions can read. */
const asRow = (means) => Object.fromEntries(Object.entries(means).map(([name, value]) => [name, [value]]));
const readRow = (value, means) => value(asRow(means), 0);

/* ---- key figures ---- */

const FIGURES = [
  { id: "requests", title: "Requests", value: requests, format: formatPerSecond,
    below: (m) => `${formatNumber(readRow(gets, m))} gets, ${formatNumber(m.stores)} sets` },
  { id: "hits", title: "Hit ratio", value: hitPercent, format: formatPercent, range: 100,
    below: (m) => `${formatNumber(m.get_misses)} misses/s` },
  { id: "latency", title: "Latency p99", value: at("latency_p99_us"), format: formatMicroseconds,
    below: (m) => `median ${formatMicroseconds(m.latency_p50_us)}` },
  { id: "memory", title: "Memory", value: at("memory_used"), format: formatBytes,
    below: (m) => `of ${formatBytes(m.memory_limit)}` },
  { id: "evictions", title: "Evictions", value: at("evicted"), format: formatPerSecond,
    below: (m) => (m.evicted > 0 ? `unused for ${formatSeconds(readRow(evictedAge, m))}`
                                 : "nothing has to go") },
  { id: "connections", title: "Connections", value: at("connections"), format: formatNumber,
    below: (m) => `of ${formatNumber(m.connections_allowed)}` },
];

const SPARK_S = 300;

function buildFigures() {
  byId("figures").replaceChildren(...FIGURES.map(({ id, title }) =>
    make("div", { className: "figure card", id: `figure-${id}` },
      make("h2", {}, title), make("p", { className: "value" }), make("p", { className: "soft" }),
      make("canvas", { "aria-hidden": "true" }))));
}

/* What servers said last is none of now's figures once none of them answers: the lines stay. */
function showFigures(table, servers) {
  const isLive = servers.some((server) => server.answers());
  const means = isLive ? lastMeans(table, 3) : {};
  const since = Math.max(...servers.map(({ lostSince }) => lostSince || 0));
  const silence = since > 0 ? `none since ${formatTime(since)}` : NOTHING;
  byId("figures").classList.toggle("stale", !isLive);
  const first = table.times.length > 0 ? table.times[table.times.length - 1] - SPARK_S : 0;
  const recent = sampleTable(table, first, SPARK_S / 2);
  for (const { id, value, format, below, range } of FIGURES) {
    const [, shown, more, canvas] = byId(`figure-${id}`).children;
    setText(shown, format(readRow(value, means)));
    setText(more, !isLive ? silence : table.times.length > 0 ? below(means) : NOTHING);
    drawSpark(canvas, recent.times.map((_, i) => value(recent.columns, i)), range);
  }
}

function drawSpark(canvas, values, range) {
  const scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const most = range || Math.max(0, ...values.filter(isKnown));
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  context.strokeStyle = cssValue("--c1");
  context.lineWidth = 1.5;
  context.beginPath();
  let isDown = false;
  values.forEach((value, i) => {
    if (!isKnown(value)) { isDown = false; return; }
    const x = (i / Math.max(1, values.length - 1)) * width;
    const y = height - 1 - (most > 0 ? value / most : 0) * (height - 3);
    if (isDown) context.lineTo(x, y);
    else context.moveTo(x, y);
    isDown = true;
  });
  context.stroke();
}

/* ---- warnings ---- */

const LEVELS = { bad: "Problem", warn: "Warning", good: "Fine" };

/* Said again only when the words differ: a screen reader would read all of it every second. That all is
 * fine is for servers that have said something. */
function showWarnings(list, haveAnswered) {
  const section = byId("warnings");
  const fine = haveAnswered ? [{ level: "good", text: "Nothing to warn of." }] : [];
  const shown = list.length > 0 ? list : fine;
  const key = JSON.stringify(shown);
  if (section.dataset.key === key) return;
  section.dataset.key = key;
  section.replaceChildren(make("ul", {}, ...shown.map(({ level, text }) =>
    make("li", { className: `note ${level}` },
      make("strong", { className: "mark" }, LEVELS[level]), make("span", {}, text)))));
}

function namedSettings(config) {
  const named = {};
  for (const { name, value } of config || []) named[name] = value;
  return named;
}

function warningsOf(server) {
  if (server.state === "lost")
    return [bad(`No answer from ${server.name} since ${formatTime(server.lostSince)}: ${server.fault}. ` +
                "Trying again every second.")];
  if (!server.answers()) return [];
  const { seconds, stats, config } = server;
  const end = seconds.times.length;
  return computeWarnings({ stats, settings: namedSettings(config), rates: lastMeans(seconds, 60),
    seconds: end === 0 ? 0 : end - findRow(seconds.times, seconds.times[end - 1] - 59) });
}

/* Of servers whose latest second is too far from the others' for alignTables(). */
function warningsOfClocks(servers) {
  const latest = ({ seconds }) => seconds.times[seconds.times.length - 1];
  const known = servers.filter((server) => server.answers() && isKnown(latest(server)));
  const [first] = [...known].sort((a, b) => latest(b) - latest(a));
  return known.filter((server) => latest(server) < latest(first) - LAG_STEPS).map((server) =>
    warn(`What ${server.name} says is ${sayDuration(latest(first) - latest(server))} behind ${first.name}, ` +
         "and left out of sums: their clocks differ, or it answers late."));
}

/* ---- tables ---- */

const STATES = { new: "asking", ok: "answers", lost: "no answer", token: "needs a token",
                 refused: "token refused" };

/* `choose(server)`: null is all of them. */
function showServers(servers, chosen, choose) {
  const body = byId("servers").querySelector("tbody");
  const all = [null, ...servers];
  if (body.rows.length !== all.length)
    body.replaceChildren(...all.map((server) => {
      const button = make("button", { type: "button" }, server ? server.name : "All");
      button.addEventListener("click", () => choose(server));
      return make("tr", {}, make("th", { scope: "row" }, button), make("td"),
        ...Array.from({ length: 6 }, () => make("td", { className: "number" })));
    }));
  all.forEach((server, r) => {
    const row = body.rows[r];
    row.cells[0].firstChild.setAttribute("aria-pressed", String(server === chosen));
    row.classList.toggle("chosen", server === chosen);
    serverCells(server, servers).forEach((text, c) => setText(row.cells[c + 1], text));
    row.cells[1].className = server ? `state ${server.state}` : "";
  });
}

function serverCells(server, servers) {
  const table = server ? server.seconds : sumOf(servers, "seconds", 30);
  const answering = servers.filter((one) => one.answers()).length;
  const means = (server ? server.answers() : answering > 0) ? lastMeans(table, 3) : {};
  const state = server ? STATES[server.state] : `${answering} of ${servers.length} answer`;
  return [state, formatNumber(readRow(requests, means)), formatPercent(readRow(hitPercent, means)),
    formatMicroseconds(means.latency_p99_us),
    `${formatBytes(means.memory_used)} of ${formatBytes(means.memory_limit)}`,
    formatNumber(means.evicted), formatNumber(means.connections)];
}

/* The servers' tables as one, from so many seconds back. */
function sumOf(servers, name, range) {
  const tables = servers.map((server) => server[name]);
  if (tables.length === 1) return tables[0];
  const ends = tables.map(({ times }) => times[times.length - 1]).filter(isKnown);
  const { times, tables: aligned } = alignTables(tables, Math.max(0, ...ends) - range);
  return sumTables(aligned, times);
}

/* How often each command came in a second, between the two readings; percentiles are the worst
 * server's. */
function commandsOf(servers) {
  const commands = new Map();
  for (const { stats, before } of servers) {
    if (!stats || !before || typeof stats.latency !== "object") continue;
    const seconds = (stats.seen_ms - before.seen_ms) / 1000;
    for (const [name, now] of Object.entries(stats.latency)) {
      const then = before.latency?.[name]?.count || 0;
      const sum = commands.get(name) || { rate: 0, p50: 0, p99: 0, p999: 0 };
      sum.rate += Math.max(0, now.count >= then ? now.count - then : now.count) / seconds;
      sum.p50 = Math.max(sum.p50, now.p50_us);
      sum.p99 = Math.max(sum.p99, now.p99_us);
      sum.p999 = Math.max(sum.p999, now.p999_us);
      if (now.count > 0) commands.set(name, sum);
    }
  }
  return [...commands].sort(([a, x], [b, y]) => y.rate - x.rate || (a < b ? -1 : 1));
}

function showCommands(servers) {
  const commands = commandsOf(servers).slice(0, 12);
  const all = commands.reduce((sum, [, { rate }]) => sum + rate, 0);
  fillTable(byId("commands").tBodies[0], commands.map(([name, { rate, p50, p99, p999 }]) => [
    name, formatNumber(rate), all > 0 ? formatPercent((rate / all) * 100) : NOTHING,
    formatMicroseconds(p50), formatMicroseconds(p99), formatMicroseconds(p999)]), [1, 2, 3, 4, 5]);
  setText(byId("commands-note"), servers.length === 0 ? "Not known now."
    : commands.length > 0 ? "Percentiles since the start, or stats reset." : "No commands yet.");
}

/* A key of several servers has a row for each: it is hot where it is. `several`: say which. */
function showKeys(servers, several) {
  const keys = servers.flatMap(({ name, stats }) =>
    ((stats && stats.hot_keys) || []).map((hot) => ({ ...hot, server: name })));
  keys.sort((a, b) => b.share - a.share || b.requests - a.requests);
  byId("keys").classList.toggle("several", several);
  fillTable(byId("keys").tBodies[0], keys.slice(0, 12).map(({ key, share, requests: count, writes, misses, server }) => [
    key, formatPercent(share * 100), formatNumber(count), formatNumber(writes), formatNumber(misses), server]),
  [1, 2, 3, 4]);
  setText(byId("keys-note"), servers.length === 0 ? "Not known now."
    : keys.length === 0 ? "None stands out, or keys are not counted."
    : `Requests of late, older ones less.${several ? " Shares are those of a key's own server." : ""}`);
}

const REASONS = [
  ["misses_never_seen", "Never seen, or gone for long"],
  ["misses_evicted", "Evicted: there was no room"],
  ["misses_expired", "Expired: its time was over"],
  ["misses_deleted", "Deleted by a client"],
  ["misses_flushed", "Flushed"],
];

function showMisses(table) {
  const means = lastMeans(table, 60);
  const rows = REASONS.map(([name, text]) => [text, means[name]]);
  const all = rows.reduce((sum, [, count]) => sum + (count || 0), 0);
  rows.sort(([, a], [, b]) => (b || 0) - (a || 0));
  fillTable(byId("misses").tBodies[0], rows.map(([text, count]) => [
    text, formatNumber(count), all > 0 ? formatPercent((count / all) * 100) : NOTHING]), [1, 2]);
  setText(byId("misses-note"), "Of gets, in the last minute.");
}

function showConfig(server) {
  const words = byId("filter").value.toLowerCase();
  const onlySet = byId("changed").checked;
  const rows = (server.config || []).filter(({ name, value, from, text }) =>
    (!onlySet || from !== "default") &&
    `${name} ${value} ${from} ${text}`.toLowerCase().includes(words));
  const body = byId("config").tBodies[0];
  fillTable(body, rows.map(({ name, value, from, scope }) => [
    name, value === "" ? "not set" : value, from, scope === "live" ? "while it runs" : "at a restart"]), []);
  rows.forEach(({ text, value, from }, r) => {
    body.rows[r].cells[0].title = text;
    body.rows[r].cells[1].classList.toggle("soft", value === "");
    body.rows[r].classList.toggle("set", from !== "default");
  });
  const count = (server.config || []).length;
  setText(byId("config-note"), count === 0 ? "Not known yet."
    : `${rows.length} of ${count} settings, of ${server.name}.`);
}
