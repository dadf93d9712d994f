# SPDX-License-Identifier: BSD-3-Clause
"""What ships for Prometheus and Grafana, with a real Prometheus that scrapes a real server."""

import json
import re
import subprocess
import urllib.parse
import urllib.request

import pytest
import yaml

from admin import BEARER, TOKEN, ask, port_of
from cachemand import ROOT, wait_until

RULES = ROOT / "packaging/prometheus/cacheman.rules.yml"
RULES_TEST = ROOT / "tests/monitoring/cacheman.rules.test.yml"
DASHBOARD = ROOT / "packaging/grafana/cacheman.json"
GUIDE = ROOT / "docs/monitoring.md"

CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: cacheman
    authorization: {{credentials_file: "{token}"}}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


def promtool(*words):
    done = subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def all_rules():
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"]
            for rule in group["rules"]]


def alerts():
    return {rule["alert"]: rule for rule in all_rules() if "alert" in rule}


def panels():
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"]
            if panel["type"] != "row"]


def expressions():
    """By title and letter, what Grafana would ask."""
    asked = {}
    for panel in panels():
        for target in panel["targets"]:
            text = target["expr"].replace("$__rate_interval", "20s")
            text = text.replace("$job", ".*").replace("$instance", ".*")
            assert "$" not in text, text
            asked[f"{panel['title']} {target['refId']}"] = text
    return asked


class Prometheus:
    def __init__(self, folder, server_port):
        token, config = folder / "token", folder / "prometheus.yml"
        token.write_text(TOKEN)
        config.write_text(CONFIG.format(rules=RULES, token=token, port=server_port))
        self.log = folder / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
                 "--web.listen-address=127.0.0.1:0"], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)
        where = re.compile(r'msg="Listening on" address=(\S+)')
        self.address = wait_until(lambda: where.search(self.log.read_text()), "Prometheus", 60)[1]
        wait_until(self.is_ready, "its readiness", 60)

    def get(self, path):
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=30) as answer:
            return answer.read()

    def is_ready(self):
        try:
            return self.get("/-/ready")
        except OSError:
            return False

    def query(self, expression):
        answer = json.loads(self.get("/api/v1/query?" +
                                     urllib.parse.urlencode({"query": expression})))
        assert answer["status"] == "success", expression
        return answer["data"]["result"]

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


@pytest.fixture(scope="module")
def watched(serve_module, tmp_path_factory):
    """A server that has seen hits, misses and evictions, and the Prometheus that saw them."""
    folder = tmp_path_factory.mktemp("prometheus")
    token = folder / "server-token"
    token.write_text(TOKEN)
    server = serve_module("-m", "8", "-t", "2", "--admin", "127.0.0.1:0", "--admin-token-file",
                          str(token))
    prometheus = Prometheus(folder, port_of(server))
    client = server.connect()
    number = 0

    def goes_on():
        nonlocal number
        for _ in range(1000):
            number += 1
            client.send(b"set k%d 0 0 1000 noreply\r\n%s\r\n" % (number, b"v" * 1000))
        assert client.get(b"k%d" % number)
        client.get(b"k1")
        client.get(b"none")
        return len(prometheus.query("cacheman_items_removed_total[20s]")) > 0 and any(
            float(row["value"][1]) > 0 for row in prometheus.query(
                'rate(cacheman_items_removed_total{reason="evicted"}[20s])'))

    try:
        wait_until(goes_on, "a rate of evictions", 120)
        yield prometheus, server
    finally:
        prometheus.stop()


# ---- files alone ----

def test_rules_are_good():
    promtool("check", "rules", RULES)


def test_every_alert_fires_and_is_silent():
    promtool("test", "rules", RULES_TEST)
    tested = [case["name"] for case in yaml.safe_load(RULES_TEST.read_text())["tests"]]
    assert tested == list(alerts())


def test_alerts_say_what_to_do():
    guide = GUIDE.read_text()
    for name, rule in alerts().items():
        assert rule["labels"]["severity"] in ("warning", "critical")
        notes = rule["annotations"]
        assert set(notes) == {"summary", "description", "runbook"}
        assert notes["runbook"] == f"docs/monitoring.md#{name.lower()}"
        assert f"\n### {name}\n" in guide
    assert re.findall(r"^### (Cacheman\w+)$", guide, re.M) == list(alerts())


def test_dashboard_is_whole():
    dashboard = json.loads(DASHBOARD.read_text())
    assert dashboard["uid"] == "cacheman"
    every = dashboard["panels"]
    assert len({panel["id"] for panel in every}) == len(every)
    taken = set()
    for panel in every:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                 for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    (job,) = [one for one in dashboard["templating"]["list"] if one["name"] == "job"]
    assert "allValue" not in job  # all of them are those of cachemand, not of Prometheus
    for panel in panels():
        assert panel["title"] and panel["targets"]
        assert panel["datasource"]["uid"] == "${datasource}"


# ---- with Prometheus ----

def test_every_metric_is_there(watched):
    """Whatever rules and panels name is on /metrics."""
    _, _, text = ask(port_of(watched[1]), "/metrics", Authorization=BEARER)
    served = set(re.findall(r"^(\w+)[{ ]", text, re.M))
    asked = " ".join([*expressions().values(), *(rule["expr"] for rule in all_rules())])
    named = set(re.findall(r"\bcacheman_\w+", asked))
    assert len(named) > 30
    assert named <= served


@pytest.mark.parametrize("title", list(expressions()))
def test_panels_have_data(watched, title):
    """Most need a value of just now, which there is not when the server took long to give one."""
    wait_until(lambda: watched[0].query(expressions()[title]), expressions()[title])


def test_rules_are_evaluated(watched):
    def seen():
        answer = json.loads(watched[0].get("/api/v1/rules"))
        rules = [rule for group in answer["data"]["groups"] for rule in group["rules"]]
        return rules if all(rule["health"] != "unknown" for rule in rules) else None

    rules = wait_until(seen, "every rule's evaluation", 60)
    assert len(rules) == len(all_rules())
    assert {(rule["name"], rule["health"], rule.get("lastError")) for rule in rules
            if rule["health"] != "ok"} == set()
    assert not [rule["name"] for rule in rules if rule.get("state") == "firing"]


