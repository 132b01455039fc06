"""Alarms, runbooks and curves: judged by promtool, and held to the metrics that a server really shows."""

import json
import math
import re
import subprocess

import pytest
import yaml
from server import Server
from waiting import until

RULES = "deploy/prometheus/faelled-alerts.yaml"
DASHBOARD = "deploy/dashboards/faelled.json"
METRIC = re.compile(r"\bfaelled_[a-z_]+")


@pytest.fixture(scope="module")
def alarms(root):
    return [rule for group in yaml.safe_load((root / RULES).read_text())["groups"] for rule in group["rules"]]


@pytest.fixture(scope="module")
def shown(metrics, root):
    """Names in a server's answer; those of TLS are there with certificates only, and stand in its source."""
    names = set(re.findall(r"^(faelled_\w+)(?:\{| )", metrics, re.MULTILINE))
    assert names
    return names | set(re.findall(r'"(faelled_tls_\w+)"', (root / "apps/faelled/tls.cpp").read_text()))


def test_promtool_accepts_the_rules(root):
    done = subprocess.run(["promtool", "check", "rules", str(root / RULES)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rules found" in done.stdout


def test_the_rules_fire_on_what_they_are_for_and_on_nothing_else(root):
    done = subprocess.run(["promtool", "test", "rules", "tests/deploy/alerts.test.yaml"], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alarm_is_tried_by_promtool(root, alarms):
    tried = {test["alertname"] for group in yaml.safe_load((root / "tests/deploy/alerts.test.yaml").read_text())["tests"]
             for test in group["alert_rule_test"] if test.get("exp_alerts")}
    assert {alarm["alert"] for alarm in alarms} == tried


def test_every_alarm_has_a_runbook_that_names_it(root, alarms):
    for alarm in alarms:
        page = root / alarm["annotations"]["runbook"]
        assert page.is_file(), page
        assert alarm["alert"] in page.read_text(), f"{page} does not name {alarm['alert']}"
        assert alarm["labels"]["severity"] in ("page", "ticket")
    pages = {path.name for path in (root / "docs/runbooks").glob("*.md")}
    assert pages == {alarm["annotations"]["runbook"].rpartition("/")[2] for alarm in alarms}


def test_every_runbook_says_as_whom_its_commands_are_typed_and_who_helps(root):
    for page in (root / "docs/runbooks").glob("*.md"):
        as_whom, helps = page.read_text().splitlines()[-2:]
        assert "FAELLED_CONFIG=/etc/faelled/faelled.yaml" in as_whom and "runuser -u faelled -- faelled" in as_whom, page
        assert helps.startswith("Still stuck: `faelled support-bundle FILE`"), page


def test_the_scraping_in_the_documents_is_what_the_alarms_ask_for(root, tmp_path, alarms):
    (sample,) = re.findall(r"^```yaml\n(.*?scrape_configs:.*?)^```", (root / "docs/operations.md").read_text(), re.DOTALL | re.MULTILINE)
    (tmp_path / "prometheus.yaml").write_text(sample)
    (tmp_path / "faelled-alerts.yaml").write_text((root / RULES).read_text())
    done = subprocess.run(["promtool", "check", "config", str(tmp_path / "prometheus.yaml")], capture_output=True, text=True)
    assert done.returncode == 0 and "rules found" in done.stdout, done.stdout + done.stderr
    jobs = {job["job_name"] for job in yaml.safe_load(sample)["scrape_configs"]}
    assert {job for alarm in alarms for job in re.findall(r'job="([^"]+)"', alarm["expr"])} == jobs


def test_alarms_ask_for_metrics_that_a_server_shows(alarms, shown):
    for alarm in alarms:
        missing = set(METRIC.findall(alarm["expr"])) - shown
        assert not missing, f"{alarm['alert']}: {missing}"


def test_the_restarts_of_a_model_are_told_from_its_first_engine_on(metrics):
    assert '\nfaelled_engine_restarts_total{model="vllm"} 0\n' in metrics, "increase() does not see with how many a series is born"


def test_where_the_system_does_not_say_how_much_is_free_that_is_no_full_disk(tmp_path):
    server = Server(tmp_path, [{"id": "m", "engine": "openai", "url": "http://127.0.0.1:9/v1", "upstream_model": "m"}])
    try:
        server.start(ready=False)
        server.data.rename(tmp_path / "elsewhere")

        def free():
            return float(re.search(r"^faelled_data_free_bytes (\S+)$", server.metrics(), re.MULTILINE).group(1))

        until("the folder is missed", lambda: not free() > 0, 40)
        assert math.isnan(free())
    finally:
        server.end()


def test_curves_ask_for_metrics_that_a_server_shows(root, shown):
    board = json.loads((root / DASHBOARD).read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(expressions) > 10
    missing = {name for expression in expressions for name in METRIC.findall(expression)} - shown
    assert not missing, missing
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    # Panels do not lie on each other: a board that Grafana would have to mend.
    cells = [(x, y) for panel in board["panels"] for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
             for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])]
    assert len(cells) == len(set(cells))


def test_promtool_understands_every_curve(root, tmp_path):
    board = json.loads((root / DASHBOARD).read_text())
    expressions = [target["expr"].replace("$__rate_interval", "5m") for panel in board["panels"] for target in panel["targets"]]
    rules = {"groups": [{"name": "curves", "rules": [{"record": f"curve:{number}", "expr": expression}
                                                       for number, expression in enumerate(expressions)]}]}
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules))
    done = subprocess.run(["promtool", "check", "rules", str(tmp_path / "rules.yaml")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
