#!/usr/bin/env python3
"""Writes an assembler file with every file of the built UI and a C++ table that names them.

usage: embed.py UI_FOLDER OPENAPI_JSON OUT.S OUT.cpp
"""
import hashlib
import pathlib
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}


def main() -> int:
    folder, openapi, out_s, out_cpp = (pathlib.Path(a) for a in sys.argv[1:5])
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix not in (".br", ".gz", ".map"))
    if not (folder / "index.html").is_file():
        sys.exit(f"{folder} holds no built UI (no index.html). Run './dev ui' first; './dev build' does it for you.")
    parts: list[tuple[str, pathlib.Path]] = []
    rows = []

    def blob(path: pathlib.Path) -> str:
        if not path.is_file():
            return "{}"
        name = f"faelled_asset_{len(parts)}"
        parts.append((name, path))
        return f"view({name}, {name}_end)"

    for path in files:
        url = "/" + path.relative_to(folder).as_posix()
        etag = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        kind = TYPES.get(path.suffix, "application/octet-stream")
        forms = [path, path.with_name(path.name + ".gz"), path.with_name(path.name + ".br")]
        rows.append(f'  {{"{url}", "{kind}", {", ".join(blob(f) for f in forms)}, "\\"{etag}\\""}},')
    description = blob(openapi)
    out_s.write_text(
        "".join(
            f'.section .rodata\n.balign 16\n.global {n}\n{n}:\n.incbin "{p}"\n.global {n}_end\n{n}_end:\n.byte 0\n'
            for n, p in parts
        )
        + '.section .note.GNU-stack,"",@progbits\n'
    )
    externs = "\n".join(f"extern const char {n}[];\nextern const char {n}_end[];" for n, _ in parts)
    table = "\n".join(rows)
    out_cpp.write_text(f"""#include "portal/assets.hpp"
#include "portal/description.hpp"

extern "C" {{
{externs}
}}

namespace faelled::portal {{
namespace {{

std::string_view view(const char* begin, const char* end) {{ return {{begin, static_cast<std::size_t>(end - begin)}}; }}

const Asset table[] = {{
{table}
}};

}}  // namespace

std::span<const Asset> all_assets() {{ return table; }}
std::string_view api_description() {{ return {description}; }}

}}  // namespace faelled::portal
""")
    return 0


if __name__ == "__main__":
    sys.exit(main())
