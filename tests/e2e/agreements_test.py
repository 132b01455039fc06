"""Agreements from a file to a server and back: applied once, there after a kill, in a backup, on both of two servers and
after the change from SQLite to PostgreSQL."""

import json

import pytest

from backup_test import passphrase, restored_server, run  # noqa: F401
from postgres import Postgres
from waiting import until

FOLLOW_S = 10  # in which a server hears of another's change

FILE = """\
share_by:
  size_class: [{ below: 60000, value: 32 }, { value: 52 }]
tiers:
  - { id: stor, name: Stor kommune, places: 8, wait_s: 60, fee_ore: 566800 }
agreements:
  - { member: demo, tier: stor, from: 2026-01-01 }
  - { member: ribe, tier: stor, from: 2026-01-01, share: 7 }
"""
INHABITANTS = "member,inhabitants\ndemo,300000\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "agreements.yaml").write_text(FILE)
    (tmp_path / "inhabitants.csv").write_text(INHABITANTS)
    return tmp_path


def apply(server, files, *more, check=True):
    return server.faelled("apply", "-f", str(files / "agreements.yaml"), "--inhabitants", str(files / "inhabitants.csv"), *more, check=check)


def promised(server):
    """member → share, of what is in force."""
    listed = json.loads(server.faelled("agreement", "list", "--json").stdout)["agreements"]
    return {row["member"]: row["share"] for row in listed if row["state"] == "in_force"}


def history(server):
    return json.loads(server.faelled("agreement", "history", "--json").stdout)["agreements"]


def test_a_file_is_applied_once_and_holds_after_a_kill_and_in_a_backup(make_server, fake, files, tmp_path, passphrase):  # noqa: F811
    server = make_server([fake.model()]).start()
    server.faelled("member", "add", "ribe")
    shown = apply(server, files, check=False)
    assert shown.returncode == 1 and "Nothing was changed" in shown.stdout, "nobody said yes"
    assert promised(server) == {}
    assert "2 begin" in apply(server, files, "--yes").stdout
    assert apply(server, files).stdout == "There is nothing to do.\n"
    (files / "agreements.yaml").write_text(FILE.replace("share: 7", "share: 9"))
    assert "ribe: share 7 → 9" in apply(server, files, "--yes").stdout
    server.kill()
    server.start()
    assert promised(server) == {"demo": 52, "ribe": 9}
    before = history(server)
    assert [row["share"] for row in before if row["member"] == "ribe"] == [9, 7]
    assert "nothing to do" in apply(server, files, "--yes").stdout

    file = tmp_path / "it.faelled"
    server.faelled("backup", str(file), "--passphrase-file", str(passphrase))
    server.stop()
    (tmp_path / "again").mkdir()
    run("restore", file, "--data", tmp_path / "again/data", "--passphrase-file", passphrase)
    again = restored_server(server, tmp_path / "again")
    try:
        again.start()
        assert history(again) == before
    finally:
        again.end()


def test_two_servers_promise_the_same_and_a_file_becomes_a_database(make_server, fake, files):
    postgres = Postgres()
    try:
        server = make_server([fake.model()]).start()
        server.faelled("member", "add", "ribe")
        apply(server, files, "--yes")
        before = history(server)
        server.stop()
        server.config.update(postgres.config(postgres.new_database("agreements")))
        server.write_config()
        assert "rows copied" in server.faelled("store", "copy").stdout
        server.start()
        assert history(server) == before

        other = make_server([fake.model()])
        other.config.update({name: server.config[name] for name in server.config if name.startswith("store")})
        other.start()
        assert promised(other) == {"demo": 52, "ribe": 7}
        (files / "agreements.yaml").write_text(FILE.replace("share: 7", "share: 70"))
        apply(server, files, "--yes")
        until("the other server has heard of it", lambda: promised(other) == {"demo": 52, "ribe": 70}, FOLLOW_S)
        assert apply(other, files).stdout == "There is nothing to do.\n"
        (files / "agreements.yaml").write_text("tiers: []\nagreements: []\n")
        apply(other, files, "--yes")
        until("and of the end", lambda: promised(server) == {}, FOLLOW_S)
    finally:
        postgres.end()
