"""The threat model is held to the tests that it names."""

import re

MODEL = "docs/security/threat-model.md"
ROW = re.compile(r"^\| ([STRIDE]) \| (.+) \| (.+) \| `([^`]+)` \|$", re.MULTILINE)


def test_every_threat_names_a_test_that_is_there(texts, root):
    rows = ROW.findall(texts[MODEL])
    assert len(rows) > 20
    missing = []
    for _, threat, _, named in rows:
        path, _, name = named.partition("::")
        if not (root / path).is_file():
            missing.append(f"{threat}: there is no {path}")
            continue
        text = (root / path).read_text()
        suite, _, case = name.partition(".")
        there = (not name or (f"def {name}(" in text if path.endswith(".py") else
                              re.search(rf"TEST(?:_F|_P)?\(\s*{suite},\s*{case or '.*'}\)", text)))
        if not there:
            missing.append(f"{threat}: {path} has no {name}")
    assert not missing, "\n".join(missing)


def test_every_line_of_a_table_names_one(texts):
    lines = [line for line in texts[MODEL].splitlines() if line.startswith("| ") and not line.startswith("| |")]
    assert lines and all(ROW.match(line) for line in lines), [line for line in lines if not ROW.match(line)]


def test_every_letter_of_stride_is_thought_of(texts):
    assert {letter for letter, *_ in ROW.findall(texts[MODEL])} == set("STRIDE")
