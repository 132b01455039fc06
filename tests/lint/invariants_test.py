"""Every invariant that ARCHITECTURE.md names has a test that says so, and the files it points to are there."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


def rows():
    text = (ROOT / "ARCHITECTURE.md").read_text()
    table = text.split("## Invariants", 1)[1]
    for line in table.splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if len(cells) == 3 and cells[0] not in ("name", "---"):
            yield cells[0], re.findall(r"`([^`]+)`", cells[2])


def test_there_are_invariants():
    assert len(list(rows())) >= 10


def test_each_invariant_has_a_test_that_names_it():
    missing = []
    for name, files in rows():
        assert files, f"{name}: no test named"
        for file in files:
            path = ROOT / file
            if not path.is_file():
                missing.append(f"{name}: {file} is not there")
            elif f"Invariant: {name}" not in path.read_text():
                missing.append(f"{name}: {file} does not say 'Invariant: {name}'")
    assert not missing, "\n".join(missing)
