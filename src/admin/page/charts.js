/* SPDX-License-Identifier: BSD-3-Clause */
/* What the charts show, and drawing it with dygraphs. */

/* A series' value out of a row: `c` is the table's columns, `i` the row. */
const at = (name) => (c, i) => (c[name] ? c[name][i] : null);
const plus = (...names) => (c, i) => names.reduce((sum, name) => {
  const value = at(name)(c, i);
  return isKnown(value) ? (sum || 0) + value : sum;
}, null);

function ratio(part, whole, scale = 1) {
  return (c, i) => {
    const all = whole(c, i);
    return all > 0 ? (part(c, i) / all) * scale : null;
  };
}

const scaled = (value, factor) => (c, i) => {
  const number = value(c, i);
  return isKnown(number) ? number * factor : null;
};

const gets = plus("get_hits", "get_misses");
const requests = plus("get_hits", "get_misses", "stores", "deletes", "arithmetic", "touches");
const hitPercent = ratio(at("get_hits"), gets, 100);
const evictedAge = ratio(at("evicted_idle_s"), at("evicted"));
const loopLag = ratio(at("loop_lag_us"), at("loop_looks"));

/* Of segments: what was overwritten, deleted or has expired, and what is not written to yet. */
function otherMemory(c, i) {
  const used = at("memory_used")(c, i);
  return isKnown(used) ? Math.max(0, used - plus("memory_items", "memory_index")(c, i)) : null;
}

/* `whole` is a server's line where charts show one for each, of which the note is `each`; `limit` is
 * drawn as a line across. */
const CHARTS = [
  { id: "requests", title: "Requests", note: "per second, by kind",
    each: "per second, of all kinds", format: formatRate, stacked: true,
    whole: requests, series: [
      ["Gets that hit", at("get_hits")], ["Gets that miss", at("get_misses")],
      ["Sets", at("stores")], ["Deletes", at("deletes")], ["Counters", at("arithmetic")],
      ["Touches", at("touches")]] },
  { id: "hits", title: "Hit ratio", note: "of gets", format: formatPercent, range: [0, 102],
    whole: hitPercent, series: [["Hit ratio", hitPercent]] },
  { id: "latency", title: "Latency", note: "from a request's arrival to its answer",
    each: "p99, which one request of a hundred exceeds", format: formatMicroseconds,
    log: true, whole: at("latency_p99_us"), series: [
      ["Median", at("latency_p50_us")], ["p99", at("latency_p99_us")], ["p99.9", at("latency_p999_us")]] },
  { id: "memory", title: "Memory", note: "by use, up to its limit",
    each: "in use", format: formatBytes,
    stacked: true, limit: at("memory_limit"), whole: at("memory_used"), series: [
      ["Items", at("memory_items")], ["Index", at("memory_index")],
      ["Overwritten, gone or not written yet", otherMemory],
      ["Buffers of connections", at("memory_connections")]] },
  { id: "evictions", title: "Evicted and expired", note: "items per second",
    each: "items evicted per second", format: formatRate,
    whole: at("evicted"), series: [
      ["Evicted", at("evicted")], ["Evicted without being read", at("evicted_unread")],
      ["Expired", at("expired")]] },
  { id: "age", title: "Age of evicted items", note: "since their last use, on average",
    format: formatSeconds, whole: evictedAge, points: true, series: [["Age", evictedAge]] },
  { id: "connections", title: "Connections", note: "open, up to their limit",
    each: "open", format: formatNumber,
    limit: at("connections_allowed"), whole: at("connections"), series: [
      ["Open", at("connections")]] },
  { id: "arrivals", title: "Connections that come and go", note: "per second",
    each: "opened per second", format: formatRate,
    whole: at("connections_opened"), series: [
      ["Opened", at("connections_opened")], ["Refused", at("connections_refused")],
      ["Ended by the server", at("connections_ended")]] },
  { id: "network", title: "Network", note: "bytes per second",
    each: "bytes per second, both ways", format: formatByteRate,
    whole: plus("received_bytes", "sent_bytes"), series: [
      ["Sent", at("sent_bytes")], ["Received", at("received_bytes")]] },
  { id: "misses", title: "Misses", note: "per second, by reason",
    each: "per second", format: formatRate, stacked: true,
    whole: at("get_misses"), series: [
      ["Never seen", at("misses_never_seen")], ["Evicted", at("misses_evicted")],
      ["Expired", at("misses_expired")], ["Deleted", at("misses_deleted")],
      ["Flushed", at("misses_flushed")]] },
  { id: "cpu", title: "Processor", note: "100 % is one core", format: formatPercent,
    whole: scaled(at("cpu_us"), 1e-4), series: [["All threads", scaled(at("cpu_us"), 1e-4)]] },
  { id: "lag", title: "Lateness of workers", note: "how long what arrives waits for its turn, on average",
    format: formatMicroseconds, whole: loopLag, series: [["Late by", loopLag]] },
];

/* Its legend is of elements with styles, which the page's policy forbids; ours is a table. */
Dygraph.PLUGINS = Dygraph.PLUGINS.filter((plugin) => plugin !== Dygraph.Plugins.Legend);

/* Told apart by their dashes, too, where they are not stacked. */
const DASHES = [null, [6, 3], [2, 3], [8, 3, 2, 3], [12, 4], [4, 2]];

const cssValue = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const seriesColors = (count) => Array.from({ length: count }, (_, i) => cssValue(`--c${(i % 6) + 1}`));

class Chart {
  /* `onLook(row)` follows the pointer, null when it leaves; `onZoom(from, to)` a part chosen. */
  constructor(definition, { onLook, onZoom }) {
    this.isLive = true; /* whether the latest values are those of now */
    this.definition = definition;
    this.onLook = onLook;
    this.onZoom = onZoom;
    this.graph = null;
    this.labels = [];
    this.rows = [];
    this.build();
  }

  build() {
    const { id, title } = this.definition;
    this.note = make("span", { className: "soft" });
    this.plot = make("div", { className: "plot", role: "img" });
    this.cross = make("div", { className: "cross", hidden: true });
    this.values = make("tbody");
    const table = make("table", { className: "legend" },
      make("caption", { className: "unseen" }, `${title}: values`), this.values);
    this.element = make("section", { className: "card chart", id: `chart-${id}`,
      "aria-labelledby": `title-${id}` },
      make("h3", { id: `title-${id}` }, title, this.note),
      make("div", { className: "frame" }, this.plot, this.cross), table);
  }

  /* `lines` are [label, value] as the definition's series, each with the table it reads. */
  show(lines, times, window) {
    const labels = lines.map((line) => line.label);
    this.lines = lines;
    this.times = times;
    this.rows = this.makeRows(lines, times);
    const changed = labels.join("\n") !== this.labels.join("\n");
    this.labels = labels;
    const { note, each } = this.definition;
    setText(this.note, ` ${(lines[0].isWhole && each) || note}`);
    this.isStacked = Boolean(this.definition.stacked) && !lines[0].isWhole;
    if (this.graph && !changed) {
      this.graph.updateOptions({ file: this.rows, dateWindow: window, valueRange: this.valueRange() });
    } else {
      if (this.graph) this.graph.destroy();
      this.graph = new Dygraph(this.plot, this.rows, { ...this.options(), dateWindow: window });
      this.fillLegend();
    }
  }

  /* A hole in the times is a hole in the lines. */
  makeRows(lines, times) {
    const rows = [];
    const { step } = lines[0].table;
    times.forEach((time, i) => {
      if (i > 0 && time - times[i - 1] > 3 * step)
        rows.push([(times[i - 1] + step) * 1000, ...lines.map(() => null)]);
      rows.push([time * 1000, ...lines.map(({ value, table }) => {
        const number = value(table.columns, i);
        return isKnown(number) ? number : null;
      })]);
    });
    if (rows.length === 0) rows.push([Date.now(), ...lines.map(() => null)]);
    return rows;
  }

  options() {
    const { format, limit, log } = this.definition;
    return {
      labels: ["Time", ...this.labels],
      colors: seriesColors(this.labels.length),
      stackedGraph: this.isStacked,
      fillAlpha: 0.35,
      strokeWidth: this.isStacked ? 1 : 1.6,
      series: this.isStacked ? {} : Object.fromEntries(
        this.labels.map((label, i) => [label, { strokePattern: DASHES[i % DASHES.length] }])),
      drawPoints: Boolean(this.definition.points),
      pointSize: 1.5,
      includeZero: !log,
      logscale: Boolean(log),
      labelsKMG2: format === formatBytes || format === formatByteRate,
      valueRange: this.valueRange(),
      gridLineColor: cssValue("--grid"),
      axisLineColor: cssValue("--grid"),
      axisLabelWidth: 58,
      highlightCircleSize: 3,
      animatedZooms: false,
      rightGap: 4,
      xRangePad: 0,
      axes: {
        x: { ticker: Dygraph.dateTicker, axisLabelFormatter: Dygraph.dateAxisLabelFormatter,
             axisLabelWidth: 60, pixelsPerLabel: 70 },
        y: { axisLabelFormatter: format, pixelsPerLabel: 32, axisLabelWidth: 58 },
      },
      interactionModel: this.interaction(),
      highlightCallback: (event, x, points, row) => this.onLook(this.rows[row] ? x : null),
      unhighlightCallback: () => this.onLook(null),
      zoomCallback: (from, to) => this.onZoom(from, to),
      underlayCallback: limit ? (canvas, area, graph) => this.drawLimit(canvas, area, graph) : null,
    };
  }

  /* null: dygraphs' choice, which on a logarithmic scale does not know what to do without values. */
  valueRange() {
    const { range, log } = this.definition;
    if (!log) return range || null;
    const values = this.rows.flatMap((row) => row.slice(1)).filter((value) => value > 0);
    if (values.length === 0) return [1, 1000];
    const [least, most] = values.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)],
                                        [Infinity, 0]);
    return [least * 0.8, most * 1.3];
  }

  /* The mouse chooses a part; fingers scroll the page, and look by tapping. */
  interaction() {
    const model = Dygraph.defaultInteractionModel;
    return { mousedown: model.mousedown, willDestroyContextMyself: true, dblclick: () => this.onZoom(null) };
  }

  drawLimit(canvas, area, graph) {
    const limit = this.limitNow();
    if (!isKnown(limit)) return;
    const y = graph.toDomYCoord(limit);
    if (y < area.y || y > area.y + area.h) return;
    canvas.save();
    canvas.strokeStyle = cssValue("--soft");
    canvas.setLineDash([5, 4]);
    canvas.beginPath();
    canvas.moveTo(area.x, y);
    canvas.lineTo(area.x + area.w, y);
    canvas.stroke();
    canvas.restore();
  }

  limitNow() {
    const { limit } = this.definition;
    if (!limit || this.lines[0].isWhole) return null;
    return limit(this.lines[0].table.columns, this.times.length - 1);
  }

  /* ---- values ---- */

  fillLegend() {
    const colors = seriesColors(this.labels.length);
    this.values.replaceChildren(...this.labels.map((label, i) => {
      const swatch = make("span", { className: "swatch", "aria-hidden": "true" });
      swatch.style.borderTopColor = colors[i];
      if (!this.isStacked && i > 0) swatch.style.borderTopStyle = i === 1 ? "dashed" : "dotted";
      return make("tr", {}, make("th", { scope: "row" }, swatch, label), make("td"));
    }));
  }

  /* The values at a time in milliseconds, null: the latest, if anybody answers; and the line across. */
  look(ms) {
    let row = ms === null && !this.isLive ? -1 : this.times.length - 1;
    if (ms !== null) row = Math.min(row, findRow(this.times, ms / 1000));
    this.lines.forEach(({ value, table }, i) => {
      const number = row < 0 ? null : value(table.columns, row);
      setText(this.values.rows[i].cells[1], this.definition.format(number));
    });
    this.cross.hidden = ms === null || row < 0;
    if (!this.cross.hidden) this.cross.style.left = `${this.graph.toDomXCoord(this.times[row] * 1000)}px`;
    this.describe(row);
  }

  describe(row) {
    const said = this.labels.map((label, i) => `${label} ${this.values.rows[i].cells[1].textContent}`);
    const when = row < 0 ? "" : `, at ${formatTime(this.times[row] * 1000)}`;
    this.plot.setAttribute("aria-label", `${this.definition.title}${when}: ${said.join(", ")}`);
  }

  /* Colours are another theme's now. */
  recolor() {
    if (!this.graph) return;
    this.graph.updateOptions({ colors: seriesColors(this.labels.length), gridLineColor: cssValue("--grid"),
      axisLineColor: cssValue("--grid") });
    this.fillLegend();
  }

  resize() {
    if (this.graph) this.graph.resize();
  }
}
