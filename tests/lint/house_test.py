"""House rules that a machine can check."""

import re
import subprocess

LINES_MAX = 500
GENERATED = ("package-lock.json", "openapi.json", "LICENSE", "requirements.txt")
CODE = (".cpp", ".hpp", ".py", ".ts", ".svelte", ".mjs", ".js", ".sh", ".css", ".html", ".cmake")
NO_FILE_NAMES = re.compile(r"(manager|helper|utils?|impl2|common2)\.(cpp|hpp|ts)$", re.IGNORECASE)
# Hosts of package registries, in halves: they may not stand in the repository, here neither.
REGISTRIES = ["".join(halves) for halves in (
    ("pypi", ".org"), ("python", "hosted.org"), ("npm", "js.org"), ("npm", "js.com"), ("deb.", "debian.org"),
    ("snapshot.", "debian.org"), ("security.", "debian.org"), ("crates", ".io"), ("proxy.", "golang.org"),
    ("repo.", "mav", "en.apa", "che.org"), ("repo1.", "mav", "en.org"))]
OWN_PATHS = re.compile(r"(?<![\w.~$}*])/(work|root|home/\w+)/")
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")


def is_code(path):
    return path.endswith(CODE) or path in ("run", "test", "dev", ".ci/run")


def found(texts, pattern, skip=()):
    hits = []
    for path, text in texts.items():
        if path.endswith(("package-lock.json",)) or path in skip:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line):
                hits.append(f"{path}:{number}: {line.strip()[:120]}")
    return hits


def test_files_are_short(texts):
    long = [f"{path} has {text.count(chr(10))} lines" for path, text in texts.items()
            if is_code(path) and not path.endswith(GENERATED) and text.count("\n") > LINES_MAX]
    assert not long, f"over {LINES_MAX} lines; look for the missing noun:\n" + "\n".join(long)


def test_no_registry_host_stands_in_the_repository(texts):
    hits = found(texts, re.compile("|".join(map(re.escape, REGISTRIES))))
    hits += [f"{path}: {host}" for path, text in texts.items() if path.endswith("package-lock.json")
             for host in REGISTRIES if host in text]
    assert not hits, "\n".join(hits)


def test_no_path_of_one_machine_stands_in_the_repository(texts):
    hits = found(texts, OWN_PATHS)
    assert not hits, "\n".join(hits)


def test_nothing_is_left_to_do(texts):
    hits = found(texts, UNFINISHED)
    assert not hits, "file an issue instead:\n" + "\n".join(hits)


def test_no_secret_or_weights_are_committed(files, root):
    assert not [path for path in files if path.endswith((".gguf", ".safetensors", ".pem", ".key", ".db", ".sqlite"))]
    big = [path for path in files if (root / path).stat().st_size > 1024 * 1024]
    assert not big, f"over 1 MiB: {big}"


def test_file_names_are_in_the_house_style(files):
    odd = [path for path in files if path.startswith(("src/", "apps/", "fuzz/", "bench/")) and path.endswith((".cpp", ".hpp"))
           and (not re.fullmatch(r"[a-z0-9_]+\.[ch]pp", path.rpartition("/")[2]) or NO_FILE_NAMES.search(path))]
    assert not odd, odd


def test_headers_say_first_why_they_exist(texts):
    odd = [path for path, text in texts.items() if path.startswith(("src/", "apps/")) and path.endswith(".hpp")
           and (not text.startswith("//") or "#pragma once" not in text)]
    assert not odd, odd


def test_every_folder_of_code_has_tests(texts, root):
    folders = {path.split("/")[1] for path in texts if path.startswith("src/") and path.endswith(".cpp")}
    tested = {path.split("/")[1] for path in texts if path.startswith("src/") and path.endswith("_test.cpp")}
    assert not folders - tested


def test_every_configuration_key_is_documented(root):
    source = (root / "src/config/keys.hpp").read_text()
    documented = (root / "docs/configuration.md").read_text()
    sections = dict(re.findall(r"constexpr auto (\w+) =\s*std::to_array<std::string_view>\(\s*\{(.*?)\}\)", source, re.DOTALL))
    assert sections
    prefixes = {"top": "", "card": "models[].card.", "aliases": "models[].aliases[].", "adapters": "models[].adapters[].", "front_end_key": "front_ends[].key.",
                "front_end_token": "front_ends[].token.", "front_end_members": "front_ends[].members[].", "card_text": "models[].card.da.", "limits": "limits.", "residency": "residency.", "downloads": "downloads.", "log": "log.", "tls": "tls."}
    missing = []
    for section, names in sections.items():
        prefix = prefixes.get(section, f"{section}[].")
        for name in re.findall(r'"([^"]+)"', names):
            if f"| `{prefix}{name}`" not in documented:
                missing.append(prefix + name)
    assert not missing, f"docs/configuration.md has no row for: {missing}"
    known = {prefixes.get(section, f"{section}[].") + name for section, names in sections.items()
             for name in re.findall(r'"([^"]+)"', names)}
    rows = set(re.findall(r"^\| `([^`]+)`", documented, re.MULTILINE))
    assert not rows - known, f"docs/configuration.md describes what is no key: {rows - known}"


def test_every_key_of_a_world_is_documented(root):
    source = (root / "src/config/world.cpp").read_text()
    documented = (root / "docs/simulation.md").read_text()
    words = {word for name in re.findall(r"`([\w.\[\]]+)`", documented) for word in re.split(r"[.\[\]]+", name)}
    sections = dict(re.findall(r"constexpr auto (\w+_keys) =\s*std::to_array<std::string_view>\(\s*\{(.*?)\}\)", source, re.DOTALL))
    assert len(sections) >= 5
    missing = [f"{section}: {name}" for section, names in sections.items() for name in re.findall(r'"([^"]+)"', names)
               if name not in words]
    assert not missing, f"docs/simulation.md does not name: {missing}"


def test_every_workload_and_policy_of_the_simulator_is_documented(root):
    documented = (root / "docs/simulation.md").read_text()
    workloads = re.findall(r'^    \{"([\w-]+)",', (root / "src/sim/workload.cpp").read_text(), re.MULTILINE)
    policies = re.findall(r'^    \{"([\w-]+)",', (root / "src/sim/policy.cpp").read_text(), re.MULTILINE)
    assert workloads and policies
    missing = [name for name in workloads + policies if f"| `{name}` |" not in documented]
    assert not missing, f"docs/simulation.md has no row for: {missing}"


def test_paths_named_in_the_documents_exist(texts, root):
    dead = []
    for path, text in texts.items():
        if not path.endswith(".md") or path == "CHANGELOG.md":
            continue
        for name in re.findall(r"`((?:src|apps|scripts|tests|docs|ui|bench|fuzz|share|cmake)/[\w./-]+)`", text):
            if not (root / name).exists() and not (root / path).parent.joinpath(name).exists():
                dead.append(f"{path} names {name}")
        for name in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text):
            if not (root / path).parent.joinpath(name).exists():
                dead.append(f"{path} links to {name}")
    assert not dead, "\n".join(dead)


def test_shell_scripts_pass_shellcheck(root, texts):
    scripts = [path for path, text in texts.items() if path.endswith(".sh") or text.startswith(("#!/usr/bin/env bash", "#!/bin/"))]
    done = subprocess.run(["shellcheck", "-x", "-P", ".", *scripts], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_sources_are_laid_out_by_clang_format(root, files):
    sources = [path for path in files if path.endswith((".cpp", ".hpp"))]
    done = subprocess.run(["clang-format-19", "--dry-run", "--Werror", *sources], cwd=root, capture_output=True, text=True)
    odd = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", done.stderr, re.MULTILINE)))
    assert not odd, "run ./dev fmt:\n" + "\n".join(odd)
