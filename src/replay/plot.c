/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay/plot.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Units are the picture's own, which is as large as wanted.
 *
 *      LEFT                    WIDTH - RIGHT
 *   title
 *   TOP  |~~~~~~~~~~~~~~~~~~~~~|
 *        |                     |
 *   BASE |_____________________|
 *          numbers, "requests"
 *          legend, a row a target */
#define WIDTH       860
#define LEFT        70
#define RIGHT       24
#define TOP         56
#define BASE        376
#define LEGEND_TOP  440
#define LEGEND_STEP 22
#define LINE_POINTS 160 /* more than that is noise */
#define Y_TICKS     5
#define X_TICKS     6
#define COLOURS     8

/* Not every viewer knows variables of CSS, so each colour is written twice. */
static const char *const style =
    "<style>\n"
    "  text { font-family: system-ui, -apple-system, \"Segoe UI\", \"DejaVu Sans\", sans-serif;\n"
    "    font-size: 13px; }\n"
    "  .title { font-size: 16px; font-weight: 600; }\n"
    "  .number { text-anchor: end; } .middle { text-anchor: middle; }\n"
    "  .line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }\n"
    "  text { fill: #1f2328; } .soft { fill: #59636e; } .paper { fill: #ffffff; }\n"
    "  .grid { stroke: #d9dee3; } .axis { stroke: #59636e; }\n"
    "  .c0 { stroke: #0b62c4; } .c1 { stroke: #c2410c; } .c2 { stroke: #0f7b4f; }\n"
    "  .c3 { stroke: #a21caf; } .c4 { stroke: #8a6100; } .c5 { stroke: #0e7490; }\n"
    "  .c6 { stroke: #b91c1c; } .c7 { stroke: #4b5563; }\n"
    "  @media (prefers-color-scheme: dark) {\n"
    "    text { fill: #e6edf3; } .soft { fill: #9da7b1; } .paper { fill: #0d1117; }\n"
    "    .grid { stroke: #30363d; } .axis { stroke: #9da7b1; }\n"
    "    .c0 { stroke: #6cb6ff; } .c1 { stroke: #ff9d5c; } .c2 { stroke: #57d39a; }\n"
    "    .c3 { stroke: #e59bf0; } .c4 { stroke: #e3c04a; } .c5 { stroke: #56d4dd; }\n"
    "    .c6 { stroke: #ff8a80; } .c7 { stroke: #b1bac4; }\n"
    "  }\n"
    "</style>\n";

/* ---- text ----------------------------------------------------------------------------------- */

/* Bytes that are no text in a document of ASCII characters become question marks. */
static void put_text(FILE *to, const char *text) {
    for (; *text != '\0'; text++) {
        if (*text == '<')
            fputs("&lt;", to);
        else if (*text == '&')
            fputs("&amp;", to);
        else if (*text == '>')
            fputs("&gt;", to);
        else
            fputc(*text >= ' ' && *text < 0x7f ? *text : '?', to);
    }
}

static void put_count(FILE *to, double count) {
    if (count >= 1e6)
        fprintf(to, "%gM", count / 1e6);
    else if (count >= 1e3)
        fprintf(to, "%gk", count / 1e3);
    else
        fprintf(to, "%g", count);
}

/* ---- scales --------------------------------------------------------------------------------- */

struct scale {
    double most; /* what the end of the axis stands for */
    double step; /* between its numbers */
};

/* A step of 1, 2 or 5 times a power of ten. */
static double nice_step(double range, double ticks) {
    double rough = range / ticks;
    double power = pow(10, floor(log10(rough)));
    double times = rough / power;
    return power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

static double x_of(const struct scale *scale, double requests) {
    return LEFT + requests / scale->most * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct scale *scale, double ratio) {
    return BASE - ratio / scale->most * (BASE - TOP);
}

static void put_y_axis(FILE *to, const struct scale *scale) {
    for (int i = 0; i * scale->step <= scale->most * 1.0001; i++) {
        double ratio = i * scale->step, y = y_of(scale, ratio);
        fprintf(to, "<line class=\"%s\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>\n",
                i == 0 ? "axis" : "grid", LEFT, y, WIDTH - RIGHT, y);
        fprintf(to, "<text class=\"soft number\" x=\"%d\" y=\"%.1f\">%g %%</text>\n", LEFT - 8,
                y + 4.5, round(ratio * 1e6) / 1e4);
    }
}

static void put_x_axis(FILE *to, const struct scale *scale) {
    for (int i = 0; i * scale->step <= scale->most * 1.0001; i++) {
        double x = x_of(scale, i * scale->step);
        fprintf(to, "<line class=\"axis\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>\n", x, BASE,
                x, BASE + 5);
        fprintf(to, "<text class=\"soft middle\" x=\"%.1f\" y=\"%d\">", x, BASE + 21);
        put_count(to, i * scale->step);
        fputs("</text>\n", to);
    }
    fprintf(to, "<text class=\"soft middle\" x=\"%d\" y=\"%d\">requests</text>\n",
            (LEFT + WIDTH - RIGHT) / 2, BASE + 42);
}

/* ---- lines ---------------------------------------------------------------------------------- */

/* Points between which the ratio is drawn, each at the place in the middle. */
static long stride_of(const struct cm_series *series) {
    return (long)((series->count + LINE_POINTS - 1) / LINE_POINTS);
}

/* The end of the piece that begins after `from`; what would be left over behind belongs to it. */
static long piece_end(const struct cm_series *series, long from) {
    long stride = stride_of(series), last = (long)series->count - 1;
    return from + 2 * stride > last ? last : from + stride;
}

static double largest_ratio(const struct cm_series *series) {
    double most = 0;
    for (long from = -1, to; (to = piece_end(series, from)) > from; from = to) {
        for (size_t target = 0; target < series->targets; target++)
            most = fmax(most, cm_series_ratio(series, target, from, to));
    }
    return most;
}

static bool is_same_line(const struct cm_series *series, size_t one, size_t other) {
    for (size_t i = 0; i < series->count; i++) {
        const size_t at = i * series->targets;
        if (series->misses[at + one] != series->misses[at + other] ||
            series->answered[at + one] != series->answered[at + other])
            return false;
    }
    return true;
}

/* A line on top of the very same one has gaps, so that both are seen. */
static void put_stroke(FILE *to, const struct cm_series *series, size_t target) {
    size_t below = 0;
    for (size_t other = 0; other < target; other++)
        below += is_same_line(series, target, other) ? 1 : 0;
    fprintf(to, " class=\"line c%zu\"", target % COLOURS);
    if (below > 0 || target >= COLOURS)
        fprintf(to, " stroke-dasharray=\"6 %zu\"", below > 0 ? 6 * below : 4);
}

static void put_line(FILE *to, const struct cm_series *series, size_t target,
                     const struct scale scales[2]) {
    fputs("<polyline", to);
    put_stroke(to, series, target);
    fputs(" points=\"", to);
    for (long from = -1, end; (end = piece_end(series, from)) > from; from = end) {
        double begin = from < 0 ? 0 : (double)series->requests[from];
        double ratio = cm_series_ratio(series, target, from, end);
        if (ratio < 0)
            break; /* it has failed */
        fprintf(to, "%.1f,%.1f ", x_of(&scales[0], (begin + (double)series->requests[end]) / 2),
                y_of(&scales[1], ratio));
    }
    fputs("\"/>\n", to);
}

static void put_legend(FILE *to, const struct cm_plot *plot) {
    for (size_t target = 0; target < plot->series->targets; target++) {
        int y = LEGEND_TOP + (int)target * LEGEND_STEP;
        fprintf(to, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"", LEFT, y - 4, LEFT + 28, y - 4);
        put_stroke(to, plot->series, target);
        fprintf(to, "/>\n<text x=\"%d\" y=\"%d\">", LEFT + 38, y);
        put_text(to, plot->names[target]);
        fprintf(to, " <tspan class=\"soft\">%.2f %% overall</tspan></text>\n",
                plot->totals[target] * 100);
    }
}

void cm_plot_write(FILE *to, const struct cm_plot *plot) {
    const struct cm_series *series = plot->series;
    int height = LEGEND_TOP + (int)series->targets * LEGEND_STEP;
    double last = series->count == 0 ? 1 : (double)series->requests[series->count - 1];
    double top = series->count == 0 ? 0 : largest_ratio(series);
    double step = nice_step(top > 0 ? top : 1, Y_TICKS);
    struct scale scales[2] = {
        {last, nice_step(last, X_TICKS)},
        {fmax(step, ceil(top / step - 1e-9) * step), step},
    };
    fprintf(to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
            "height=\"%d\" role=\"img\" aria-labelledby=\"title\">\n<title id=\"title\">",
            WIDTH, height, WIDTH, height);
    put_text(to, plot->title);
    fprintf(to, "</title>\n%s<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n", style, WIDTH,
            height);
    fprintf(to, "<text class=\"title\" x=\"%d\" y=\"30\">", LEFT);
    put_text(to, plot->title);
    fputs("</text>\n", to);
    put_y_axis(to, &scales[1]);
    put_x_axis(to, &scales[0]);
    for (size_t target = 0; target < series->targets && series->count > 0; target++)
        put_line(to, series, target, scales);
    put_legend(to, plot);
    fputs("</svg>\n", to);
}
