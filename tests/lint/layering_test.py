"""Arrows point one way: a folder includes only what its DEPS in CMakeLists.txt reach, and each library has one home."""

import re

LIBRARY_HOMES = {
    "simdjson": "src/json", "boost": "src/net", "openssl": "src/crypto", "sqlite3": "src/store", "libpq-fe": "src/store",
    "prometheus": "src/observe", "spdlog": "src/observe", "yaml-cpp": "src/config", "llhttp": "src/http", "curl": "src/fetch", "CLI": "apps", "benchmark": "bench",
}
TEST_LIBRARIES = {"gtest", "gmock"}
EVERYWHERE = {"fmt"}
SYSTEM_FOLDERS = {"sys", "netinet", "arpa", "linux", "sanitizer", "net"}
PURE = ("commons", "residency", "ledger")  # base alone
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)


def dependencies(root):
    text = (root / "CMakeLists.txt").read_text()
    direct = {}
    for call in re.findall(r"^faelled_library\(([^)]*)\)", text, re.MULTILINE):
        words = call.split()
        deps, reading = [], False
        for word in words[1:]:
            if word in ("DEPS", "LINK", "PRIVATE"):
                reading = word == "DEPS"
            elif reading:
                deps.append(word)
        direct[words[0]] = deps
    return direct


def reach(direct, folder):
    seen, todo = set(), [folder]
    while todo:
        at = todo.pop()
        if at not in seen:
            seen.add(at)
            todo += direct.get(at, [])
    return seen


def sources(texts):
    return {path: text for path, text in texts.items() if path.endswith((".cpp", ".hpp", ".h"))}


# Invariant: arrows point one way
def test_folders_include_only_what_their_arrows_reach(root, texts):
    direct = dependencies(root)
    assert direct, "no faelled_library() found in CMakeLists.txt"
    wrong = []
    for path, text in sources(texts).items():
        if not path.startswith("src/"):
            continue
        folder = path.split("/")[1]
        allowed = reach(direct, folder)
        for _, name in (match for match in INCLUDE.findall(text) if match[0] == '"'):
            if name.split("/")[0] not in allowed:
                wrong.append(f"{path} includes {name}; {folder} reaches {', '.join(sorted(allowed))}")
    assert not wrong, "\n".join(wrong)


def test_arrows_have_no_circle(root):
    direct = dependencies(root)
    for folder in direct:
        for dep in direct[folder]:
            assert folder not in reach(direct, dep), f"{folder} → {dep} → … → {folder}"
            assert dep in direct, f"{folder} depends on {dep}, which is no folder"


def test_pure_folders_know_base_alone(root):
    direct = dependencies(root)
    for folder in PURE:
        assert direct.get(folder, ["base"]) == ["base"], folder


def test_gateway_and_mesh_do_not_know_each_other(root):
    direct = dependencies(root)
    assert "mesh" not in reach(direct, "gateway")
    assert "gateway" not in reach(direct, "mesh")


def test_each_library_is_included_from_its_one_home(texts):
    wrong = []
    for path, text in sources(texts).items():
        for kind, name in INCLUDE.findall(text):
            library = re.split(r"[/.]", name)[0]
            home = LIBRARY_HOMES.get(library)
            if home:
                if not path.startswith(home + "/"):
                    wrong.append(f"{path} includes {name}; only {home} may")
            elif library in TEST_LIBRARIES:
                if not re.search(r"test|conformance", path.rpartition("/")[2]) and not path.startswith("tests/"):
                    wrong.append(f"{path} includes {name}; only tests may")
            elif kind == "<" and "/" in name and library not in EVERYWHERE | SYSTEM_FOLDERS:
                wrong.append(f"{path} includes <{name}>, a library without a home in tests/lint/layering_test.py")
    assert not wrong, "\n".join(wrong)


def test_our_includes_name_folder_and_file(root, texts):
    wrong = [f'{path} includes "{name}"' for path, text in sources(texts).items() if path.startswith(("src/", "apps/"))
             for kind, name in INCLUDE.findall(text)
             if kind == '"' and not (root / "src" / name).is_file() and not (path.startswith("apps/") and
                                                                            (root / path).parent.joinpath(name).is_file())]
    assert not wrong, "write includes as folder/file.hpp:\n" + "\n".join(wrong)


def test_the_code_map_has_each_folder_above_those_that_it_knows(root):
    direct = dependencies(root)
    rows = re.findall(r"^\| `src/(\w+)` \|", (root / "ARCHITECTURE.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(direct)
    place = {folder: row for row, folder in enumerate(rows)}
    wrong = [f"{folder} stands below {dep}" for folder in direct for dep in direct[folder] if place[folder] > place[dep]]
    assert not wrong, "\n".join(wrong)
