#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""coverage-table.py FILE...: adds up what gcovr has written as JSON; part of tests/coverage."""
import collections
import json
import pathlib
import sys

top = pathlib.Path(__file__).resolve().parents[1]


def add_up(files):
    """Of each source file: how often each line ran. The first says which lines have code: compilers
    differ in what they count as such."""
    counts = collections.defaultdict(dict)
    for name in files:
        for file in json.loads(pathlib.Path(name).read_text())["files"]:
            lines = counts[file["file"]]
            for line in file["lines"]:
                number = line["line_number"]
                if not line.get("gcovr/noncode") and (name == files[0] or number in lines):
                    lines[number] = lines.get(number, 0) + line["count"]
    return {file: lines for file, lines in counts.items() if lines}


def exceptions():
    """Lines `FILE: TEXT' below their reason, which is a comment."""
    lines = (top / "tests/coverage-exceptions.txt").read_text().splitlines()
    return {tuple(line.split(": ", 1)) for line in lines if line and not line.startswith("#")}


def row(name, lines, covered):
    print(f"{name:<44} {lines:>6} {covered:>8} {100 * covered / lines:>7.1f}")


def table(counts):
    folders = collections.defaultdict(lambda: [0, 0])
    print(f"{'FILE':<44} {'LINES':>6} {'COVERED':>8} {'PERCENT':>7}")
    for file, lines in sorted(counts.items()):
        covered = sum(count != 0 for count in lines.values())
        row(file, len(lines), covered)
        for name in (str(pathlib.PurePath(file).parent) + "/", "all of it"):
            folders[name][0] += len(lines)
            folders[name][1] += covered
    print(f"\n{'FOLDER':<44}")
    for name, (lines, covered) in sorted(folders.items(), key=lambda item: (item[0] == "all of it", item[0])):
        row(name, lines, covered)


def not_run(counts):
    """Prints what no test runs and nothing explains; whether there is any."""
    reasons, explained, left = exceptions(), set(), []
    for file, lines in sorted(counts.items()):
        text = (top / file).read_text().splitlines()
        for number in sorted(number for number, count in lines.items() if count == 0):
            line = (file, text[number - 1].strip())
            explained.add(line) if line in reasons else left.append((file, number, line[1]))
    print(f"\n{len(explained)} lines with a reason (tests/coverage-exceptions.txt), {len(left)} without:")
    for file, number, text in left:
        print(f"{file}:{number}: {text}")
    for file, text in sorted(reasons - explained):
        print(f"has a reason, and is run: {file}: {text}")


counted = add_up(sys.argv[1:])
table(counted)
not_run(counted)
