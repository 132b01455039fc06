"""The threat model is held to the tests that it names."""

import re

MODEL = "docs/security/threat-model.md"
ROW = re.compile(r"^\| ([STRIDE]) \| (.+) \| (.+) \| (`[^`|]+`(?:, `[^`|]+`)*) \|$", re.MULTILINE)


def why_not_there(root, named):
    """Empty where the test is there: a file, or `FILE::TEST`."""
    path, _, name = named.partition("::")
    if not (root / path).is_file():
        return f"there is no {path}"
    text = (root / path).read_text()
    suite, _, case = name.partition(".")
    there = (not name or (f"def {name}(" in text if path.endswith(".py") else
                          re.search(rf"TEST(?:_F|_P)?\(\s*{suite},\s*{case or '.*'}\)", text)))
    return "" if there else f"{path} has no {name}"


def test_every_threat_names_tests_that_are_there(texts, root):
    rows = ROW.findall(texts[MODEL])
    assert len(rows) > 20
    missing = [f"{threat}: {why}" for _, threat, _, cell in rows for named in re.findall("`([^`]+)`", cell)
               if (why := why_not_there(root, named))]
    assert not missing, "\n".join(missing)


def test_every_line_of_a_table_names_one(texts):
    lines = [line for line in texts[MODEL].splitlines() if line.startswith("| ") and not line.startswith("| |")]
    assert lines and all(ROW.match(line) for line in lines), [line for line in lines if not ROW.match(line)]


def test_every_letter_of_stride_is_thought_of(texts):
    assert {letter for letter, *_ in ROW.findall(texts[MODEL])} == set("STRIDE")


def test_each_test_of_a_row_is_looked_for(root):
    (row,) = ROW.findall("| I | words get out | nothing lets them | `a_test.cpp::A.B`, `c_test.py::test_d` |")
    assert row[3] == "`a_test.cpp::A.B`, `c_test.py::test_d`"
    assert not ROW.match("| I | words get out | nothing lets them | `a_test.cpp::A.B`, by hand |")
    assert why_not_there(root, "src/absent_test.cpp::A.B") == "there is no src/absent_test.cpp"
    assert "has no test_absent" in why_not_there(root, "tests/lint/threats_test.py::test_absent")
