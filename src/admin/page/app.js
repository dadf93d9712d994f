/* SPDX-License-Identifier: BSD-3-Clause */
/* The page: asks every second, shows, and does what people want. */

const POLL_MS = 1000;
const ROWS_MAX = 600; /* that a chart draws */
const REST_MS = 2000; /* at most, from showing to showing */
const THEMES = ["system", "light", "dark"];

const app = {
  servers: [],
  chosen: null, /* a server; null: all of them */
  charts: [],
  range: 300,
  each: false,  /* a line for each server in place of sums */
  zoom: null,   /* [from, to] in milliseconds that charts stay at */
  paused: false,
  lookAt: null, /* milliseconds; null: the latest */
  theme: "system",
};

/* ---- showing ---- */

const shownServers = () => (app.chosen ? [app.chosen] : app.servers);

function showAll() {
  const servers = shownServers();
  const answering = servers.filter((server) => server.answers());
  const recent = sumOf(servers, "seconds", SPARK_S + 10);
  showFigures(recent, servers);
  showWarnings([...warningsOfClocks(app.servers), ...app.servers.flatMap((server) =>
    warningsOf(server).map(({ level, text }) => ({ level,
      text: app.servers.length > 1 && server.answers() ? `${server.name}: ${text}` : text })))],
    app.servers.every((server) => server.answers()));
  showMisses(answering.length > 0 ? recent : emptyTable(1));
  showCommands(answering);
  showKeys(answering, servers.length > 1);
  showConfig(servers[0]);
  if (app.servers.length > 1) showServers(app.servers, app.chosen, choose);
  showWho();
  showTokenForm();
  if (!app.paused) showCharts();
}

function showWho() {
  const [server] = shownServers();
  const { stats, name } = server;
  const text = app.servers.length > 1 && !app.chosen ? `${app.servers.length} servers`
    : !stats ? name
    : `${name} · ${stats.version} · ${server.answers() ? `up ${formatSeconds(stats.uptime)}` : STATES[server.state]}`;
  setText(byId("who"), text);
  document.title = `${app.servers.some(({ state }) => state === "lost") ? "⚠ " : ""}cacheman ${name}`;
}

function windowNow() {
  if (app.zoom) return app.zoom;
  const now = Math.max(...shownServers().map((server) => server.now()));
  return [now - app.range * 1000, now];
}

/* The tables that charts read: one, or one for each server. */
function chartTables() {
  const name = app.range <= HOUR ? "seconds" : "minutes";
  const servers = shownServers();
  const from = Math.floor(windowNow()[0] / 1000) - 60;
  const back = Math.floor(windowNow()[1] / 1000) - from + 60;
  if (!app.each || servers.length === 1)
    return [sampleTable(sumOf(servers, name, back), from, ROWS_MAX)];
  const { times, tables } = alignTables(servers.map((server) => server[name]), from);
  return tables.map((table) => sampleTable({ ...table, times }, from, ROWS_MAX));
}

function showCharts() {
  const tables = chartTables();
  const servers = shownServers();
  const [{ times }] = tables;
  for (const chart of app.charts) {
    const { series, whole } = chart.definition;
    const lines = tables.length === 1
      ? series.map(([label, value]) => ({ label, value, table: tables[0] }))
      : tables.map((table, i) => ({ label: servers[i].name, value: whole, table, isWhole: true }));
    chart.isLive = servers.some((server) => server.answers());
    chart.show(lines, times, windowNow());
    chart.look(app.lookAt);
  }
}

function lookAt(ms) {
  app.lookAt = ms;
  for (const chart of app.charts) chart.look(ms);
}

/* ---- asking ---- */

async function poll() {
  if (document.hidden) return;
  const updates = app.servers.map((server) => server.update(app.range));
  for (const update of updates) void update.then((isNew) => isNew && scheduleShow());
  await Promise.all(updates);
}

let isScheduled = false, shownAt = 0, tookMs = 0;

/* Of many servers each answers when it likes, and to show all of them takes long: for four times as long
 * nothing is shown then. */
function scheduleShow() {
  if (isScheduled) return;
  isScheduled = true;
  const rest = Math.min(4 * tookMs, REST_MS) - (performance.now() - shownAt);
  setTimeout(() => requestAnimationFrame(() => {
    const begin = performance.now();
    isScheduled = false;
    showAll();
    shownAt = performance.now();
    tookMs = shownAt - begin;
  }), Math.max(0, rest));
}

/* ---- what people want ---- */

function setRange(seconds) {
  app.range = seconds;
  byId("ranges").querySelector(`input[value="${seconds}"]`).checked = true;
  for (const server of app.servers) delete server.asked.minutes;
  unzoom();
  void poll();
}

function zoom(from, to) {
  if (from === null) return unzoom();
  app.zoom = [from, to];
  const withDate = app.range > HOUR;
  setText(byId("zoomed").firstElementChild,
    `Charts show ${formatTime(from, withDate)} to ${formatTime(to, withDate)}.`);
  byId("zoomed").hidden = false;
  showCharts();
}

function unzoom() {
  app.zoom = null;
  byId("zoomed").hidden = true;
  setPaused(false);
  lookAt(null);
  scheduleShow();
}

function setPaused(paused) {
  app.paused = paused;
  byId("pause").setAttribute("aria-pressed", String(paused));
  setText(byId("pause"), paused ? "Go on" : "Pause");
  if (!paused) scheduleShow();
}

function choose(server) {
  app.chosen = server;
  scheduleShow();
}

function step(rows) {
  const { times } = app.charts[0];
  if (!times || times.length === 0) return;
  const last = times.length - 1;
  const now = app.lookAt === null ? last + (rows < 0 ? 1 : 0) : findRow(times, app.lookAt / 1000);
  const row = Math.max(0, now + rows);
  lookAt(row > last ? null : times[row] * 1000);
}

/* ---- light and dark ---- */

function setTheme(theme) {
  app.theme = theme;
  const isDark = theme === "dark" ||
                 (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  for (const chart of app.charts) chart.recolor();
}

function nextTheme() {
  setTheme(THEMES[(THEMES.indexOf(app.theme) + 1) % THEMES.length]);
  setText(byId("theme"), `Theme: ${app.theme}`);
  try {
    localStorage.setItem("theme", app.theme);
  } catch {
    /* for this time only, then */
  }
  scheduleShow();
}

function storedTheme() {
  try {
    return THEMES.find((theme) => theme === localStorage.getItem("theme")) || "system";
  } catch {
    return "system";
  }
}

/* ---- the token ---- */

const lockedServers = () => app.servers.filter(({ state }) => state === "token" || state === "refused");

/* It is asked for, and sent to, one server at a time: the page's address may be somebody else's idea,
 * and with it the names of others. */
function showTokenForm() {
  const form = byId("token-form");
  const [server, ...others] = lockedServers();
  form.hidden = !server;
  if (!server) return;
  showTokenOthers(others.map(({ name }) => name).join(", "));
  if (form.dataset.server === server.name + server.state) return;
  form.dataset.server = server.name + server.state;
  setText(byId("token-text"), `${server.name} shows its figures to those who have the token of its ` +
    "--admin-token-file, or a certificate of its --admin-client-ca. A token is kept until this tab is closed.");
  setText(byId("token-fault"), server.state === "refused" ? "That was not the token." : "");
  byId("token").focus();
}

/* Who said yes said so to the names that were there: those of who answers later are another question. */
function showTokenOthers(names) {
  const label = byId("token-others");
  if (label.dataset.names === names) return;
  label.dataset.names = names;
  label.hidden = names === "";
  byId("token-share").checked = false;
  setText(label.querySelector("span"), `Send it to these servers, too: ${names}`);
}

function submitToken(event) {
  event.preventDefault();
  const token = byId("token").value.trim();
  if (!/^[!-~]+$/.test(token)) {
    setText(byId("token-fault"), "A token is one word of visible ASCII characters.");
    return;
  }
  const { dataset: asked } = byId("token-form"), { dataset: shared } = byId("token-others");
  const names = byId("token-share").checked ? (shared.names || "").split(", ") : [];
  for (const server of lockedServers()) /* that were named: others may have come since */
    if (server.name + server.state === asked.server || names.includes(server.name)) server.giveToken(token);
  byId("token").value = "";
  delete asked.server;
  delete shared.names;
  void poll();
}

/* ---- the keyboard ---- */

const KEYS = {
  1: () => setRange(300), 2: () => setRange(3600), 3: () => setRange(86400), 4: () => setRange(604800),
  p: () => setPaused(!app.paused),
  t: nextTheme,
  s: () => choose([null, ...app.servers][(app.servers.indexOf(app.chosen) + 2) % (app.servers.length + 1)]),
  "/": () => byId("filter").focus(),
  "?": () => byId("help").showModal(),
  Escape: unzoom,
  ArrowLeft: () => step(-1),
  ArrowRight: () => step(1),
};

function onKey(event) {
  const { target, key } = event;
  const types = target instanceof HTMLInputElement && target.type !== "checkbox";
  if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
  if (types && (target.type !== "radio" || key.startsWith("Arrow"))) {
    if (key === "Escape") target.blur();
    return;
  }
  const scrolls = key.startsWith("Arrow") && target.closest(".scroll");
  if (!Object.hasOwn(KEYS, key) || scrolls) return;
  event.preventDefault();
  KEYS[key]();
}

/* ---- the beginning ---- */

function listen() {
  byId("ranges").addEventListener("change", ({ target }) => setRange(Number(target.value)));
  byId("modes").addEventListener("change", ({ target }) => {
    app.each = target.value === "each";
    scheduleShow();
  });
  byId("pause").addEventListener("click", () => setPaused(!app.paused));
  byId("theme").addEventListener("click", nextTheme);
  byId("unzoom").addEventListener("click", unzoom);
  byId("help-button").addEventListener("click", () => byId("help").showModal());
  byId("help-close").addEventListener("click", () => byId("help").close());
  byId("filter").addEventListener("input", () => showConfig(shownServers()[0]));
  byId("changed").addEventListener("change", () => showConfig(shownServers()[0]));
  byId("token-form").addEventListener("submit", submitToken);
  document.addEventListener("keydown", onKey);
  document.addEventListener("visibilitychange", () => void poll());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTheme(app.theme));
  window.addEventListener("resize", () => {
    for (const chart of app.charts) chart.resize();
  });
}

function start() {
  app.servers = serversOf(window.location);
  byId("servers").hidden = app.servers.length < 2;
  setText(byId("theme"), `Theme: ${app.theme}`);
  buildFigures();
  app.charts = CHARTS.map((definition) => new Chart(definition, { onLook: lookAt, onZoom: zoom }));
  byId("charts").append(...app.charts.map(({ element }) => element));
  listen();
  showAll();
  void poll();
  setInterval(() => {
    void poll();
    if (app.servers.some(({ state }) => state === "lost")) scheduleShow();
  }, POLL_MS);
}

setTheme(storedTheme());
document.addEventListener("DOMContentLoaded", start);
