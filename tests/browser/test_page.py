# SPDX-License-Identifier: BSD-3-Clause
"""The page of --admin in a browser: what it shows, of real servers under real traffic."""

import json
import re
import signal
import socket

import pytest

import browser as chromium
import cachemand
from admin import TOKEN, ask

RANGES = {"1": 300, "2": 3600, "3": 86400, "4": 604800}
ROWS = "app.servers[0].seconds.times.length"


def seconds_of(server, name="times"):
    text = ask(server.admin_port, "/history.json")[2]
    answer = json.loads(text)
    return answer["times"] if name == "times" else answer["series"][name]


def wait_for_history(server, rows):
    cachemand.wait_until(lambda: len(seconds_of(server)) >= rows, "a history")


# ---- figures ----

def test_opens_with_history(admin, stress, browser):
    """What was before somebody looked is there at once, and it goes on."""
    server = admin()
    load = stress(server, "-R", "3000", "-k", "1000", "-r", "get=10,set=3,delete=1,touch=1,incr=1")
    wait_for_history(server, 6)
    browser.open(server.page)
    browser.wait_for(f"{ROWS} >= 6", "what was before")
    browser.wait_for("app.charts[0].rows.filter((row) => row[1] + row[2] > 100).length >= 3", "lines")
    figure = browser.wait_for_text("#figure-requests .value", "/s")
    assert re.fullmatch(r"[\d.,]+ ?k?/s", figure)
    before = browser.eval("app.servers[0].seconds.times.at(-1)")
    browser.wait_for(f"app.servers[0].seconds.times.at(-1) > {before} + 2", "three seconds more")
    for name in ("hits", "latency", "memory", "connections"):
        browser.wait_for(f"/^[\\d.]+/.test(document.querySelector('#figure-{name} .value').innerText)",
                         name)
    rows = browser.wait_for("document.querySelectorAll('#commands tbody tr').length >= 5 && "
                            "[...document.querySelectorAll('#commands tbody th')]"
                            ".map((cell) => cell.innerText)", "commands")
    assert {"get", "set", "delete", "touch", "incr"} <= set(rows)
    assert browser.text("#who").startswith(f"127.0.0.1:{server.admin_port} ")
    load.terminate()
    load.wait(cachemand.DEADLINE_S)
    browser.wait_for("document.querySelector('#figure-requests .value').innerText === '0/s'",
                     "silence")
    browser.check_said(server.page)


def open_busy(admin, stress, browser):
    """A server with some traffic, and its page with some of its history."""
    server = admin()
    stress(server, "-R", "500")
    wait_for_history(server, 3)
    browser.open(server.page)
    browser.wait_for("app.charts[0].times.length > 3", "figures")
    return server


def test_every_range(admin, stress, browser):
    server = open_busy(admin, stress, browser)
    for key, seconds in RANGES.items():
        browser.press(key)
        browser.wait_for(f"app.range === {seconds} && (() => {{ const [a, b] = "
                         f"app.charts[0].graph.xAxisRange(); return b - a === {seconds * 1000}; }})()",
                         f"{seconds} seconds")
        assert browser.eval("document.querySelector('#ranges input:checked').value") == str(seconds)
    browser.check_said(server.page)


def test_every_chart_says_its_values(admin, stress, browser):
    """For those who do not see the lines."""
    open_busy(admin, stress, browser)
    charts = browser.wait_for("/Gets that hit \\d/.test(app.charts[0].plot.getAttribute('aria-label')) && "
                              "app.charts.map((chart) => [chart.definition.title, chart.labels, "
                              "chart.plot.getAttribute('aria-label'), chart.element.innerText])",
                              "values")
    assert len(charts) >= 10
    for title, labels, said, text in charts:
        assert said.startswith(f"{title}, at ")
        assert all(label in said and label in text for label in labels)


def test_part_of_a_chart(admin, stress, browser):
    """Chosen by dragging; all charts show it, until Escape."""
    server = open_busy(admin, stress, browser)
    browser.tell("drag", selector="#chart-requests .plot", **{"from": 0.5, "to": 0.9})
    browser.wait_for_text("#zoomed", "Charts show ")
    widths = browser.eval("app.charts.map(({ graph }) => "
                          "graph.xAxisRange()).map(([a, b]) => b - a)")
    assert max(widths) == min(widths) and widths[0] < 250000
    browser.press("Escape")
    browser.wait_for("document.querySelector('#zoomed').hidden", "the end of it")
    browser.wait_for("app.charts.every(({ graph }) => { const [a, b] = graph.xAxisRange(); "
                     "return b - a === 300000; })", "five minutes")
    browser.tell("hover", selector="#chart-hits .plot", at=0.97)
    browser.wait_for("app.charts.every(({ cross }) => !cross.hidden)", "a line across all")
    browser.check_said(server.page)


# ---- people ----

def contrasts(browser):
    """The least of all texts there are, by what the browser says of their colours."""
    return browser.eval("""(() => {
      const parts = (text) => text.match(/[\\d.]+/g).map(Number);
      const light = (rgb) => rgb.slice(0, 3).map((c) => c / 255)
        .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
      const below = (element) => {
        for (let e = element; e; e = e.parentElement) {
          const color = parts(getComputedStyle(e).backgroundColor);
          if (color.length < 4 || color[3] > 0) return light(color);
        }
        return 1;
      };
      const found = [];
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
        const a = light(parts(getComputedStyle(element).color)), b = below(element);
        found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.innerText.slice(0, 40)]);
      }
      return found.sort(([a], [b]) => a - b).slice(0, 5);
    })()""")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(admin, stress, browser, scheme):
    server = admin("-m", "8")
    stress(server, "-R", "5000", "-v", "1000", "-r", "set=1")
    browser.open(server.page, scheme=scheme)
    browser.wait_for_text("#warnings", "of sets")
    assert browser.eval("document.documentElement.dataset.theme") == scheme
    lowest = contrasts(browser)
    assert lowest[0][0] >= 4.5, lowest
    browser.tell("shot", path=str(chromium.shots() / f"{scheme}.png"))
    browser.press("t")
    assert browser.eval("document.documentElement.dataset.theme") == "light"
    browser.press("t")
    assert browser.eval("document.documentElement.dataset.theme") == "dark"
    browser.tell("reload")
    assert browser.eval("document.documentElement.dataset.theme") == "dark"
    browser.check_said(server.page)


@pytest.mark.parametrize("width", [320, 360, 414, 768])
def test_on_a_phone(admin, stress, browser, width):
    """Nothing is wider than the screen, a table that must be scrolls by itself."""
    server = admin("-m", "8")
    stress(server, "-R", "5000", "-v", "1000", "-r", "set=1")
    stress(server, "-R", "2000", "-k", "2", "-c", "1", "-r", "get=1")
    browser.open(server.page, width=width, height=800)
    browser.wait_for_text("#warnings", "of sets")
    browser.wait_for("document.querySelectorAll('#config tbody tr').length > 10", "the table")
    assert browser.eval("document.documentElement.scrollWidth") == width
    outside = browser.eval("""[...document.querySelectorAll('main *, header *')].filter((e) =>
      e.checkVisibility() && !e.closest('.scroll, .unseen, .plot') &&
      e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 80))""")
    assert outside == []
    browser.wait_for("document.querySelectorAll('#keys tbody tr').length > 0 && "
                     "document.querySelectorAll('#commands tbody tr').length > 0", "tables with rows")
    shadowed = browser.eval("""[...document.querySelectorAll('.scroll')].every((e) =>
      getComputedStyle(e).backgroundAttachment === 'local, local, scroll, scroll')""")
    assert shadowed
    browser.tell("shot", path=str(chromium.shots() / f"phone-{width}.png"), full=True)
    browser.check_said(server.page)


def test_keyboard(admin, browser):
    """Everything can be reached, and one sees where one is; keys do what the list of them says."""
    server = admin()
    browser.open(server.page)
    browser.wait_for("app.charts[0].times.length > 4 && document.querySelectorAll('#config tbody tr').length > 10",
                     "figures")
    reached = []
    for _ in range(25):
        browser.press("Tab")
        reached.append(browser.eval(
            "(() => { const e = document.activeElement; const shown = e.matches('.segments input') ? "
            "e.nextElementSibling : e; const { outlineStyle, outlineWidth } = getComputedStyle(shown); "
            "return [e.id || e.name || e.className || e.tagName, outlineStyle !== 'none' && "
            "parseFloat(outlineWidth) >= 2]; })()"))
    names = [name for name, _ in reached if name != "BODY"]
    wanted = ["skip", "range", "pause", "theme", "help-button", "filter", "changed", "config-scroll"]
    assert [name for name in names if name in wanted][:len(wanted)] == wanted
    assert [name for name, is_seen in reached if name != "BODY" and not is_seen] == []
    browser.eval("document.activeElement.blur()")
    browser.press("?")
    assert browser.eval("document.querySelector('#help').open")
    listed = browser.eval("[...document.querySelectorAll('#help kbd')].map((e) => e.innerText)")
    assert set(listed) == {"1", "2", "3", "4", "p", "←", "→", "Esc", "s", "t", "/", "?"}
    browser.press("Escape")
    assert not browser.eval("document.querySelector('#help').open")
    browser.press("p")
    assert browser.eval("document.querySelector('#pause').getAttribute('aria-pressed')") == "true"
    drawn = browser.eval("app.charts[0].times.length")
    browser.wait_for(f"{ROWS} > {drawn} + 2", "more seconds")
    assert browser.eval("app.charts[0].times.length") == drawn
    browser.press("ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowRight")
    assert browser.eval("app.lookAt === app.charts[0].times.at(-2) * 1000")
    browser.press("Escape")
    assert browser.eval("[app.lookAt, app.paused]") == [None, False]
    browser.press("/")
    browser.tell("type", text="p1?t")
    assert browser.eval("[document.querySelector('#filter').value, app.paused, app.range]") == \
        ["p1?t", False, 300]
    browser.check_said(server.page)


def test_configuration(admin, browser):
    server = admin("-c", "77", env={"CACHEMAN_IDLE_TIMEOUT": "600"})
    browser.open(server.page)
    browser.wait_for("document.querySelectorAll('#config tbody tr').length > 10", "the table")
    browser.tell("click", selector="#changed")
    rows = browser.eval("[...document.querySelectorAll('#config tbody tr')].map((row) => "
                        "[...row.cells].map((cell) => cell.innerText))")
    assert ["conn-limit", "77", "command line", "while it runs"] in rows
    assert ["idle-timeout", "600", "CACHEMAN_IDLE_TIMEOUT", "while it runs"] in rows
    assert not any(origin == "default" for _, _, origin, _ in rows)
    browser.tell("click", selector="#changed")
    browser.press("/")
    browser.tell("type", text="CONN-L")
    assert browser.eval("[...document.querySelectorAll('#config tbody th')].map((e) => e.innerText)") \
        == ["conn-limit"]
    assert browser.text("#config-note").startswith("1 of ")


# ---- servers that stop, ask for a token, are many ----

def check_says_nothing_of_now(browser):
    """The last figures of who does not answer are not shown as if they were today's."""
    figures = browser.eval("[...document.querySelectorAll('#figures .figure')].map((e) => "
                           "[...e.querySelectorAll('p')].map((p) => p.innerText))")
    assert len(figures) == 6
    for value, below in figures:
        assert value == "–"
        assert re.fullmatch(r"none since \d\d:\d\d:\d\d", below)
    assert browser.eval("getComputedStyle(document.querySelector('#figure-requests .value')).opacity") < "1"
    assert re.search(r" · no answer$", browser.text("#who"))
    assert browser.eval("[...document.querySelectorAll('.legend td')].map((e) => e.innerText)"
                        ".filter((text) => /\\d/.test(text))") == []
    assert browser.eval("document.querySelectorAll('#commands tbody tr, #keys tbody tr').length") == 0
    assert browser.text("#commands-note") == browser.text("#keys-note") == "Not known now."
    assert not re.search(r"\d", browser.text("#misses tbody"))


def test_server_that_stops_and_returns(admin, serve, stress, browser, hold_port):
    """It is said, tried again, and what was before stays, with a hole."""
    server = admin("--admin", f"127.0.0.1:{hold_port()}")
    stress(server, "-R", "500")
    wait_for_history(server, 3)
    browser.open(server.page)
    browser.wait_for(f"{ROWS} > 3 && document.querySelectorAll('#commands tbody tr').length > 0",
                     "figures")
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    text = browser.wait_for_text("#warnings", "No answer from")
    assert f"127.0.0.1:{server.admin_port}" in text and "Trying again" in text
    assert "it cannot be reached, or refuses this page. Trying" in text
    assert browser.eval("document.title").startswith("⚠")
    check_says_nothing_of_now(browser)
    browser.tell("shot", path=str(chromium.shots() / "lost.png"), full=True)
    before = browser.eval("[app.servers[0].seconds.times.length, app.servers[0].seconds.times.at(-1)]")
    browser.wait_for(f"app.servers[0].now() / 1000 > {before[1]} + 5", "a hole of five seconds")
    again = serve("-t", "2", "--admin", f"127.0.0.1:{server.admin_port}")
    browser.wait_for(f"{ROWS} > {before[0]} + 2", "its return")
    browser.wait_for("!document.querySelector('#warnings').innerText.includes('No answer')", "its end")
    assert not browser.eval("document.title").startswith("⚠")
    browser.wait_for("app.charts[0].rows.some((row) => row.slice(1).every((value) => value === null))",
                     "a hole in the chart")
    assert again.error_text()
    said = browser.tell("said")
    assert said["errors"] == []
    assert all("net::ERR_" in line for line in said["console"])


def test_clock_of_the_browser(admin, browser):
    """Put back, it stops nothing."""
    server = admin()
    browser.open(server.page)
    browser.wait_for("app.servers[0].stats !== null", "figures")
    assert browser.eval("formatTime(new Date(2020, 0, 1, 0, 0, 5).getTime())") == "00:00:05"
    browser.eval("(() => { const real = Date.now; Date.now = () => real() - 3600000; })()")
    uptime = browser.eval("app.servers[0].stats.uptime")
    browser.wait_for(f"app.servers[0].stats.uptime > {uptime}", "newer figures")
    browser.wait_for("app.servers[0].now() > new Date().getTime() - 60000", "the server's clock")
    browser.check_said(server.page)


def test_token(admin, tmp_path, browser):
    """Asked for where the server wants one; kept for this tab, and nowhere else."""
    path = tmp_path / "token"
    path.write_text(TOKEN)
    server = admin("--admin-token-file", str(path))
    browser.open(server.page)
    browser.wait_for_text("#token-form", f"127.0.0.1:{server.admin_port} shows its figures to those")
    assert browser.text("#warnings") == ""
    browser.tell("type", text="not-the-token-at-all")
    browser.press("Enter")
    browser.wait_for_text("#token-fault", "That was not the token.")
    browser.tell("type", text="no token")
    browser.press("Enter")
    browser.wait_for_text("#token-fault", "one word of visible ASCII")
    browser.eval("document.querySelector('#token').value = ''")
    browser.tell("type", text=TOKEN)
    browser.press("Enter")
    browser.wait_for(f"{ROWS} > 0 && document.querySelector('#token-form').hidden", "figures")
    kept = browser.eval("[JSON.stringify(localStorage), document.cookie, location.href]")
    assert not any(TOKEN in text for text in kept)
    browser.tell("reload")
    browser.wait_for(f"{ROWS} > 0", "figures without asking again")
    said = browser.tell("said")
    assert said["errors"] == []
    assert not any(TOKEN in url for url in said["requests"])
    assert all("401" in line for line in said["console"])


def test_many_servers(admin, stress, browser):
    """Their sum, each of them, and lines for each."""
    one, two = admin(), admin("-m", "50")
    stress(one, "-R", "1000", "-c", "3")
    stress(two, "-R", "2000", "-c", "4")
    names = [f"127.0.0.1:{server.admin_port}" for server in (one, two)]
    browser.open(f"{one.page}/?servers={',%20'.join(names)},")
    browser.wait_for("app.servers.every(({ seconds }) => seconds.times.length > 3)", "both")
    rows = browser.wait_for("""(() => { const rows = [...document.querySelectorAll('#servers tbody tr')]
      .map((row) => [...row.cells].map((cell) => cell.innerText));
      return rows.length === 3 && rows[0][7] === '7' && rows[1][7] === '3' && rows[2][7] === '4' ? rows : null; })()""",
                            "all rows")
    assert [row[0] for row in rows] == ["All", *names]
    assert rows[0][1] == "2 of 2 answer"
    assert rows[0][5].endswith("of 150 MB") and rows[2][5].endswith("of 50 MB")
    browser.wait_for_text("#figure-connections .value", "7")
    browser.press("s")
    browser.wait_for_text("#figure-connections .value", "3")
    browser.press("s")
    browser.wait_for_text("#figure-connections .value", "4")
    browser.press("s")
    browser.wait_for_text("#figure-connections .value", "7")
    browser.eval("document.querySelector('#modes input[value=each]').click()")
    browser.wait_for(f"app.charts.every(({{ labels }}) => labels.join() === '{','.join(names)}')",
                     "a line each")
    browser.tell("shot", path=str(chromium.shots() / "servers.png"))
    two.signal(signal.SIGSTOP)
    try:
        browser.wait_for_text("#warnings", f"No answer from {names[1]}")
        assert "it took longer than 10 seconds. Trying" in browser.text("#warnings")
        assert "1 of 2 answer" in browser.text("#servers")
    finally:
        two.signal(signal.SIGCONT)
    browser.wait_for_text("#servers", "2 of 2 answer")
    assert browser.tell("said")["errors"] == []


def ask_for(server, count, *keys):
    client = server.connect()
    for _ in range(count):
        for key in keys:
            client.get(key)


KEYS_SHOWN = ("[...document.querySelectorAll('#keys tbody tr')].map((row) => [...row.cells]"
              ".filter((cell) => cell.checkVisibility()).map((cell) => cell.innerText))")


def test_hot_keys(admin, browser):
    """Of each its writes and misses; of several servers, where it is hot; the largest share first."""
    one, two = admin(), admin()
    client = one.connect()
    for _ in range(100):
        client.set(b"kept", b"v")
    ask_for(one, 300, b"kept")
    ask_for(one, 100, b"missed", b"shared")
    ask_for(two, 50, b"shared")
    browser.open(one.page)
    rows = browser.wait_for(f"{KEYS_SHOWN}.length === 3 ? {KEYS_SHOWN} : null", "keys")
    assert rows[0][0] == "kept" and {row[0] for row in rows[1:]} == {"missed", "shared"}
    assert [len(row) for row in rows] == [5, 5, 5]
    shown = {row[0]: [float(text) for text in row[2:]] for row in rows}
    requests, writes, misses = shown["kept"]
    assert 0 < writes < requests and misses == 0
    requests, writes, misses = shown["missed"]
    assert writes == 0 and misses == requests > 0
    names = [f"127.0.0.1:{server.admin_port}" for server in (one, two)]
    browser.open(f"{one.page}/?servers={','.join(names)}")
    rows = browser.wait_for(f"{KEYS_SHOWN}.length === 4 ? {KEYS_SHOWN} : null", "keys of both")
    assert [(row[0], row[-1]) for row in rows[:2]] == [("shared", names[1]), ("kept", names[0])]
    assert rows[0][1] == "100 %" and ("shared", names[0]) in [(row[0], row[-1]) for row in rows[2:]]
    assert browser.text("#keys-note").endswith("Shares are those of a key's own server.")
    browser.press("s")
    browser.wait_for(f"{KEYS_SHOWN}.length === 3 && {KEYS_SHOWN}[0].length === 5", "one server's")
    assert browser.eval("[...document.querySelectorAll('.tables .scroll')].filter((e) => "
                        "e.scrollWidth > e.clientWidth).length") == 0
    browser.tell("shot", path=str(chromium.shots() / "keys.png"), full=True)


def test_tokens_of_many(admin, tmp_path, browser):
    """The token for one is not sent to another unless somebody says so."""
    other = "another-token-of-mine"
    paths = [tmp_path / "one", tmp_path / "two"]
    for path, text in zip(paths, (TOKEN, other)):
        path.write_text(text)
    servers = [admin("--admin-token-file", str(path)) for path in paths]
    names = [f"127.0.0.1:{server.admin_port}" for server in servers]
    browser.open(f"{servers[0].page}/?servers={','.join(names)}")
    browser.wait_for_text("#token-form", f"{names[0]} shows its figures")
    browser.wait_for_text("#token-form", f"Send it to these servers, too: {names[1]}")
    browser.eval("document.querySelector('#token-share').click()")
    browser.eval("(showTokenOthers(''), scheduleShow())")
    browser.wait_for("document.querySelector('#token-share').checked === false && "
                     "!document.querySelector('#token-others').hidden", "to be asked anew")
    browser.tell("type", text=TOKEN)
    browser.press("Enter")
    browser.wait_for_text("#token-form", f"{names[1]} shows its figures")
    assert browser.eval("app.servers[1].token") is None
    browser.tell("type", text=other)
    browser.press("Enter")
    browser.wait_for_text("#servers", "2 of 2 answer")
    browser.wait_for("document.querySelector('#token-form').hidden", "the end of the form")
    assert browser.tell("said")["errors"] == []


# ---- servers and clients that mean no good ----

def test_hostile_texts(admin, tmp_path, browser):
    """Keys and paths are texts, whatever they look like."""
    image = "<img/src=x/onerror=window.hit=1>"
    folder = tmp_path / "<svg onload=window.hit=2>\"'`"
    folder.mkdir()
    server = admin("-P", str(folder / "<script>window.hit=3<"))
    client = server.connect()
    client.set(image.encode(), b"v")
    for _ in range(3000):
        assert client.get(image.encode())
    browser.open(server.page)
    seen = browser.wait_for_text("#keys", "onerror")
    assert image in seen or "%3Cimg" in seen
    browser.wait_for_text("#config", "<svg onload=window.hit=2>")
    assert browser.eval("[window.hit === undefined, "
                        "document.querySelectorAll('main img, main svg, main script').length]") == \
        [True, 0]
    browser.check_said(server.page)


def test_what_is_run_is_in_the_page(admin, browser):
    """The policy holds: no script, style, image or request of others."""
    server = admin()
    with socket.create_server(("127.0.0.1", 0)) as other:
        outside = f"http://127.0.0.1:{other.getsockname()[1]}"
        browser.open(server.page)
        browser.wait_for(f"{ROWS} > 0", "figures")
        assert browser.eval(f"fetch('{outside}/').then(() => 'asked', () => 'refused')") == "refused"
        browser.eval("""(() => { const script = document.createElement('script');
          script.textContent = 'window.hit = 1'; document.body.append(script); })()""")
        assert browser.eval("window.hit === undefined")
        other.settimeout(0.2)
        with pytest.raises(TimeoutError):
            other.accept()
