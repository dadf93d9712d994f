/* SPDX-License-Identifier: BSD-3-Clause */
/* A server that is looked at: what it has answered, and asking it again. */

const HOUR = 3600, WEEK = 604800;
const ANSWER_MS = 10000; /* what an answer may take */

class NeedsToken extends Error {}

class Server {
  /* `base` goes before paths: "" is where the page came from. */
  constructor(name, base) {
    this.name = name;
    this.base = base;
    this.token = readSession(`token ${base}`);
    this.state = "new"; /* ok, lost, token, refused */
    this.fault = "";
    this.lostSince = null;
    this.isAsking = false;
    this.seconds = emptyTable(1);
    this.minutes = emptyTable(60);
    this.reach = { 1: 0, 60: 0 }; /* how many seconds back what is known begins */
    this.asked = {};              /* when a path was asked for last */
    this.offset = 0;              /* of its clock, milliseconds ahead of ours */
    this.stats = null;
    this.before = null; /* the stats before, with when */
    this.config = null;
  }

  giveToken(token) {
    this.token = token;
    this.state = "new";
    writeSession(`token ${this.base}`, token);
  }

  async get(path) {
    const headers = this.token ? { Authorization: `Bearer ${this.token}` } : {};
    const answer = await inOurWords(fetch(this.base + path, {
      headers, cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS),
      credentials: this.base === "" ? "same-origin" : "omit", /* certificates are shown to our own */
    }));
    if (answer.status === 401) throw new NeedsToken();
    if (!answer.ok) throw new Error((await answer.text()).trim() || `status ${answer.status}`);
    return inOurWords(answer.json());
  }

  /* All that is due, for charts that go `range` seconds back. True: there is something new. */
  async update(range) {
    if (this.isAsking || this.state === "token" || this.state === "refused") return false;
    this.isAsking = true;
    try {
      await this.updateHistory(1, range <= HOUR ? range : 90);
      if (range > HOUR && this.isDue("minutes", 15000)) await this.updateHistory(60, range);
      if (this.isDue("stats", 2000)) this.takeStats(await this.get("/stats.json"));
      if (this.isDue("config", 30000)) this.config = await this.get("/config.json");
      this.state = "ok";
      this.lostSince = null;
    } catch (error) {
      this.lose(error);
    } finally {
      this.isAsking = false;
    }
    return true;
  }

  lose(error) {
    if (error instanceof NeedsToken) {
      this.state = this.token ? "refused" : "token";
      return;
    }
    this.asked = {};
    this.fault = error.message;
    if (this.state !== "lost") this.lostSince = Date.now();
    this.state = "lost";
  }

  isDue(what, everyMs) {
    const now = performance.now(); /* which nobody sets */
    if (now - (this.asked[what] ?? -Infinity) < everyMs) return false;
    this.asked[what] = now;
    return true;
  }

  takeStats(stats) {
    this.before = this.stats;
    this.stats = stats;
    this.stats.seen_ms = performance.now();
  }

  /* What is new; if it is to go further back than before, all of it. */
  async updateHistory(step, range) {
    const name = step === 1 ? "seconds" : "minutes";
    const goesBack = range > this.reach[step];
    const span = Math.max(range, this.reach[step]) + 2 * step;
    let table = goesBack ? emptyTable(step) : this[name];
    let more = true;
    while (more) {
      const last = table.times[table.times.length - 1];
      const since = last === undefined ? -span : last;
      const answer = await this.get(`/history.json?step=${step}&since=${since}`);
      this.offset = answer.now * 1000 - Date.now();
      if (last > answer.now + 2 * step || !appendRows(table, answer, step === 1 ? HOUR : WEEK)) {
        table = emptyTable(step); /* its clock was put back */
        continue;
      }
      more = answer.more;
    }
    if (goesBack && this[name].times.length > 0 && table.times.length === 0) return;
    this[name] = goesBack ? keepOlder(this[name], table) : table;
    this.reach[step] = Math.max(range, this.reach[step]);
  }

  answers() {
    return this.state === "ok";
  }

  now() {
    return Date.now() + this.offset;
  }
}

/* Browsers name faults as they like, and tell a page no more of them than this. */
async function inOurWords(promise) {
  try {
    return await promise;
  } catch ({ name }) {
    if (name === "TimeoutError") throw new Error(`it took longer than ${ANSWER_MS / 1000} seconds`);
    if (name === "SyntaxError") throw new Error("what it says is no JSON");
    throw new Error("it cannot be reached, or refuses this page");
  }
}

/* A server that was started anew remembers less than we do. */
function keepOlder(old, table) {
  if (old.times.length === 0 || table.times.length === 0 || old.times[0] >= table.times[0])
    return table;
  const joined = { step: old.step, times: [...old.times], columns: {} };
  for (const [name, values] of Object.entries(old.columns)) joined.columns[name] = [...values];
  const count = findRow(joined.times, table.times[0]);
  joined.times.length = count;
  for (const values of Object.values(joined.columns)) values.length = count;
  appendRows(joined, { times: table.times, series: table.columns }, Infinity);
  return joined;
}

/* ---- what the browser keeps, which it may refuse to ---- */

function readSession(name) {
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null;
  }
}

function writeSession(name, value) {
  try {
    sessionStorage.setItem(name, value);
  } catch {
    /* until the page is closed, then */
  }
}

/* ?servers=HOST:PORT,HOST:PORT, or the one that the page came from. Blanks and commas too many do no
 * harm, as in admin/origin.h. */
function serversOf(location) {
  const list = new URLSearchParams(location.search).get("servers") || "";
  const entries = list.split(",").map((entry) => entry.replace(/^ +| +$/g, "")).filter(Boolean);
  if (entries.length === 0) return [new Server(location.host, "")];
  const names = entries.map((name) => (/:\d+$/.test(name) ? name : `${name}:16181`));
  return [...new Set(names)].map((name) => {
    const isOwn = name === location.host;
    return new Server(name, isOwn ? "" : `${location.protocol}//${name}`);
  });
}
