#!/usr/bin/env python3
"""Refuses what must not be in the tree: a second version of a core crate, an arrow against the river.

The order of the river stands in Cargo.toml, in [workspace.dependencies]: a crate may only depend on crates above it.
"""

import json
import subprocess
import sys

ONE_VERSION = ["arrow", "parquet", "datafusion", "object_store", "zstd-sys", "libsqlite3-sys"]


def main() -> int:
    output = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--locked"], check=True, capture_output=True, text=True
    ).stdout
    metadata = json.loads(output)
    problems = []
    for name in ONE_VERSION:
        versions = sorted({p["version"] for p in metadata["packages"] if p["name"] == name})
        if len(versions) > 1:
            problems.append(f"{name} is in the tree in {len(versions)} versions: {', '.join(versions)}")
    with open("Cargo.toml", encoding="utf-8") as manifest:
        river = [line.split(" = ")[0] for line in manifest if line.startswith("cauce-")]
    place = {name: index for index, name in enumerate(river)}
    for package in metadata["packages"]:
        if package["name"] not in place:
            continue
        for dependency in package["dependencies"]:
            downstream = place.get(dependency["name"], -1) >= place[package["name"]]
            if dependency["kind"] is None and downstream:
                problems.append(f"{package['name']} depends on {dependency['name']}, which is downstream of it")
            if dependency["kind"] is None and dependency["name"] == "datafusion":
                if place[package["name"]] < place["cauce-query"]:
                    problems.append(f"{package['name']} links DataFusion")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"dependencies: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
