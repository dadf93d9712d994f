/* SPDX-License-Identifier: BSD-3-Clause */
/* What somebody should know of a server, in plain words, out of its figures alone.
 *
 * figures: {
 *   rates     by the names of /history.json, means of the last minute
 *   seconds   how many of that minute there are
 *   settings  by the names of /config.json, texts
 *   stats     /stats.json
 * }
 * Answers [{level, text}], the worst first; level is "bad" or "warn". */

function computeWarnings(figures) {
  const found = [];
  for (const rule of WARNING_RULES) {
    const said = rule(new Figures(figures));
    if (said) found.push(said);
  }
  return found.sort((a, b) => (a.level === b.level ? 0 : a.level === "bad" ? -1 : 1));
}

const bad = (text) => ({ level: "bad", text });
const warn = (text) => ({ level: "warn", text });

class Figures {
  constructor({ rates, seconds, settings, stats }) {
    this.rates = rates || {};
    this.seconds = seconds || 0;
    this.settings = settings || {};
    this.stats = stats || {};
  }

  /* Of a name the mean, 0 if nothing is known. */
  of(name) {
    return isKnown(this.rates[name]) ? this.rates[name] : 0;
  }

  /* How many there were in the last minute, or what is known of it. A second that was long makes fewer
   * of them, but never none. */
  count(name) {
    return this.of(name) > 0 ? Math.max(1, Math.round(this.of(name) * this.seconds)) : 0;
  }

  get gets() {
    return this.of("get_hits") + this.of("get_misses");
  }
}

const LATE_MS = 50, PAUSED_US = 10000;

function sayShare(share) {
  if (share < 0.001) return "Fewer than 0.1 %";
  return `${trim(share * 100)} %`;
}

const sayCount = (count, one, many) => `${formatNumber(count)} ${count === 1 ? one : many}`;

const WARNING_RULES = [
  /* An item's age is the time since its last use. */
  function evictsYoungItems(f) {
    const stores = f.of("stores");
    const minute = f.of("evicted_within_1_min"), quarter = f.of("evicted_within_15_min");
    if (!(quarter > 0 && stores > 0 && quarter / stores >= 0.001)) return null;
    const isUrgent = minute >= quarter / 2;
    const count = isUrgent ? minute : quarter;
    const items = `items younger than ${isUrgent ? "a minute" : "15 minutes"}`;
    const end = "the cache is too small for its load.";
    if (count > stores * 1.05)
      return bad(`Each set is evicting ${trim(count / stores)} ${items}: ${end}`);
    return (isUrgent ? bad : warn)(`${trim(Math.min(100, (count / stores) * 100))} % of sets are ` +
                                   `evicting ${items}: ${end}`);
  },

  function refusesForLackOfRoom(f) {
    const count = f.count("refused_no_room");
    if (count === 0) return null;
    const why = f.settings["no-evict"] === "yes" ? "memory is full, and no-evict forbids to make room"
                                                 : "no room could be made in time";
    return bad(`${sayCount(count, "set was", "sets were")} refused within a minute: ${why}.`);
  },

  function refusesLargeItems(f) {
    const count = f.count("refused_too_large");
    if (count === 0) return null;
    return warn(`${sayCount(count, "set was", "sets were")} refused within a minute: items are larger ` +
                "than max-item-size allows.");
  },

  function findsLittle(f) {
    const ratio = f.of("get_hits") / f.gets;
    if (!(f.gets >= 5 && ratio < 0.5)) return null;
    return warn(`Only ${trim(ratio * 100)} % of gets find something: most requests go on to what is ` +
                "behind the cache.");
  },

  function refusesConnections(f) {
    const count = f.count("connections_refused");
    if (count === 0) return null;
    return bad(`${sayCount(count, "connection was", "connections were")} refused within a minute: no more ` +
               `than ${formatNumber(f.of("connections_allowed"))} are allowed by conn-limit.`);
  },

  function isShortOfConnections(f) {
    const { curr_connections: open, max_connections: allowed } = f.stats; /* no mean: who is in now */
    if (!(allowed > 0 && open >= allowed * 0.9)) return null;
    return warn(`${formatNumber(open)} of ${formatNumber(allowed)} connections are in use: the next clients ` +
                "will not be served. Raise conn-limit, or have clients share connections.");
  },

  function hasStoppedAccepting(f) {
    if (f.stats.accepting_conns === 0)
      return bad("New connections are not accepted now: a limit is reached, of connections or of open files.");
    const paused = f.of("accept_paused_us");
    if (paused < PAUSED_US) return null;
    return bad(`New connections were kept waiting for ${trim(paused / 1e4)} % of the last minute: a limit ` +
               "is reached, of connections or of open files.");
  },

  function endsConnections(f) {
    const count = f.count("connections_ended");
    if (count === 0 || f.settings["idle-timeout"] !== "0") return null;
    return warn(`${sayCount(count, "client was", "clients were")} hung up on within a minute: they do not ` +
                "read their answers, or memory is short.");
  },

  function failsHandshakes(f) {
    const count = f.count("handshakes_failed");
    if (count === 0) return null;
    return warn(`${sayCount(count, "TLS handshake", "TLS handshakes")} failed within a minute: clients do not ` +
                "accept the certificate, lack one of their own, or do not speak TLS.");
  },

  function refusesLogins(f) {
    const count = f.count("logins_failed");
    if (count === 0) return null;
    return warn(`${sayCount(count, "login", "logins")} failed within a minute: a client has an old password, ` +
                "or somebody is guessing.");
  },

  function answersLate(f) {
    const looks = f.of("loop_looks");
    const late = looks > 0 ? f.of("loop_lag_us") / looks / 1000 : 0;
    if (late < LATE_MS) return null;
    return (late < 250 ? warn : bad)(`Workers are ${trim(late)} ms late on average: the processor has too ` +
                                     "much to do, here or with other programs.");
  },

  function isShortOfProcessor(f) {
    const share = f.of("cpu_us") / 1e6 / (f.stats.threads || Infinity);
    if (share < 0.9) return null;
    return warn(`Workers are busy ${trim(Math.min(share, 1) * 100)} % of the time: more threads, or another ` +
                "server, are needed for more load.");
  },

  function waitsForRoom(f) {
    const share = f.of("store_waits") / f.of("stores");
    if (!(share >= 0.01)) return null;
    return warn(`${sayShare(share)} of sets wait until room is made for them: items come in faster than ` +
                "others can be evicted.");
  },

  function takesMoreMemory(f) {
    const resident = f.of("memory_resident"), limit = f.of("memory_limit");
    if (!(limit > 0 && resident > limit * 1.1 + (64 << 20))) return null;
    return warn(`The process takes ${formatBytes(resident)} of memory, more than its limit of ` +
                `${formatBytes(limit)} allows for.`);
  },
];
