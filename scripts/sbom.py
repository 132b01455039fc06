#!/usr/bin/env python3
"""The bill of materials of a release, as CycloneDX 1.5: what the binary is linked with, what is compiled or bundled into
it, the engine's source and the tools' pins; each with version, licence and hash where there is one. The same inputs give
the same bytes."""

import argparse
import base64
import hashlib
import json
import os
import re
import subprocess
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Compiled in from headers, sources or archives: ldd does not show them.
BUILT_IN = ("libboost1.81-dev", "libcli11-dev", "node-llhttp", "prometheus-cpp-dev", "libgcc-12-dev", "libstdc++-12-dev")
# What Debian's copyright files call licences, in SPDX's words.
SPDX = {"Apache-2": "Apache-2.0", "Apache-2.0": "Apache-2.0", "BSD-3-clause": "BSD-3-Clause", "BSD-3-Clause": "BSD-3-Clause",
        "BSD-2-clause": "BSD-2-Clause", "MIT": "MIT", "Expat": "MIT", "ISC": "ISC", "BSL-1.0": "BSL-1.0", "Zlib": "Zlib",
        "zlib": "Zlib", "public-domain": None, "LGPL-2.1+": "LGPL-2.1-or-later", "GPL-2+": "GPL-2.0-or-later",
        "LGPL-2+": "LGPL-2.0-or-later", "GPL-3+": "GPL-3.0-or-later", "PostgreSQL": "PostgreSQL"}


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def licences(package):
    """The licences that a package's machine-readable copyright file names for its main part."""
    try:
        text = Path(f"/usr/share/doc/{package}/copyright").read_text(errors="replace")
    except OSError:
        return []
    found = re.search(r"^Files:\s*\*\s*$.*?^License:\s*(\S+)", text, re.MULTILINE | re.DOTALL)
    if not found:
        return []
    name = found.group(1)
    known = SPDX.get(name)
    return [{"license": {"id": known} if known else {"name": name}}]


def debian(package, version, digest=None, scope="required"):
    architecture = output_of("dpkg", "--print-architecture").strip()
    component = {"type": "library", "bom-ref": f"deb/{package}", "name": package, "version": version, "scope": scope,
                 "purl": f"pkg:deb/debian/{package}@{version}?arch={architecture}&distro=debian-12"}
    if found := licences(package):
        component["licenses"] = found
    if digest:
        component["hashes"] = [{"alg": "SHA-256", "content": digest}]
    return component


def linked(binary):
    """The Debian packages of the shared libraries that the binary loads."""
    components = {}
    for line in output_of("ldd", str(binary)).splitlines():
        match = re.search(r"=> (/\S+)", line) or re.match(r"\s*(/\S+)", line)
        if not match:
            continue
        file = Path(match.group(1)).resolve()
        owner = subprocess.run(["dpkg", "-S", str(file)], capture_output=True, text=True).stdout
        if not owner:  # a merged /usr: dpkg knows the file under its old name
            owner = subprocess.run(["dpkg", "-S", str(file).removeprefix("/usr")], capture_output=True, text=True).stdout
        package = owner.partition(":")[0]
        assert package, f"no package owns {file}"
        version = output_of("dpkg-query", "-W", "-f", "${Version}", package).strip()
        components[package] = debian(package, version, sha256(file))
    assert components, "the binary loads no library: is it the right file?"
    return list(components.values())


def built_in():
    components = []
    for package in BUILT_IN:
        version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True).stdout.strip()
        if version:
            components.append(debian(package, version))
    return components


def npm():
    lock = json.loads((ROOT / "ui/package-lock.json").read_text())
    for path, entry in sorted(lock["packages"].items()):
        if not path:
            continue
        name = path.rpartition("node_modules/")[2]
        component = {"type": "library", "bom-ref": f"npm/{path}", "name": name, "version": entry["version"],
                     "scope": "excluded" if entry.get("dev") else "required", "purl": f"pkg:npm/{name.replace('@', '%40')}@{entry['version']}"}
        if isinstance(entry.get("license"), str):
            component["licenses"] = [{"expression": entry["license"]}]
        algorithm, _, digest = entry.get("integrity", "").partition("-")
        if algorithm == "sha512":
            component["hashes"] = [{"alg": "SHA-512", "content": base64.b64decode(digest).hex()}]
        yield component


def pinned():
    """What scripts/pins.sh fetches: the engine's source and Node.js."""
    pins = dict(re.findall(r'^(\w+)="([^"]+)"', (ROOT / "scripts/pins.sh").read_text(), re.MULTILINE))
    name, _, version = pins["engine_package"].rpartition("@")
    yield {"type": "application", "bom-ref": "engine", "name": "llama.cpp (in " + name + ")", "version": version, "scope": "optional",
           "purl": f"pkg:npm/{name}@{version}", "licenses": [{"license": {"id": "MIT"}}],
           "hashes": [{"alg": "SHA-256", "content": pins["engine_package_sha256"]}]}
    yield {"type": "application", "bom-ref": "node", "name": "Node.js (builds the pages)", "version": pins["node_version"],
           "scope": "excluded", "purl": f"pkg:pypi/{pins['node_project']}@{pins['node_version']}", "licenses": [{"license": {"id": "MIT"}}],
           "hashes": [{"alg": "SHA-256", "content": pins["node_sha256_x86_64"]}]}


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("binary", type=Path, help="the release binary")
    options.add_argument("--version", required=True)
    options.add_argument("--out", type=Path, required=True)
    given = options.parse_args()
    components = [*linked(given.binary), *built_in(), *npm(), *pinned()]
    bom = {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {
            "timestamp": output_of("date", "-u", "-d", f"@{os.environ.get('SOURCE_DATE_EPOCH', '0')}", "+%Y-%m-%dT%H:%M:%SZ").strip(),
            "component": {"type": "application", "bom-ref": "faelled", "name": "faelled", "version": given.version,
                          "licenses": [{"license": {"id": "MPL-2.0"}}],
                          "hashes": [{"alg": "SHA-256", "content": sha256(given.binary)}]}},
        "components": sorted(components, key=lambda component: component["bom-ref"]),
        "dependencies": [{"ref": "faelled", "dependsOn": sorted(component["bom-ref"] for component in components
                                                                if component["scope"] == "required")}],
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, hashlib.sha256(json.dumps(bom, sort_keys=True).encode()).hexdigest())
    bom["serialNumber"] = f"urn:uuid:{serial}"
    given.out.write_text(json.dumps(bom, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
