#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""report.py FOLDER [--json]: what samples.txt in the folder amounts to. Prints a table, or
JSON; leaves table.txt, bench.json and bench.svg in the folder."""

import json
import math
import pathlib
import shutil
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SCALES = {"ns": 1, "us": 1e3, "ms": 1e6}


class Row:
    """A line of `rows', and the samples of both sides."""

    def __init__(self, line, where):
        self.where = where
        self.name, goal, self.what, self.against = [part.strip() for part in line.split(" | ")]
        # One that begins with a space belongs to the one before.
        if line.split(" | ")[2].startswith(" "):
            self.what = " " + self.what
        self.kind, number, *unit = goal.split()
        self.goal = float(number)
        self.unit = unit[0] if unit else ""
        self.samples = {"ours": [], "reference": []}

    def middle(self, side):
        """The median of one side; None without samples."""
        return statistics.median(self.samples[side]) if self.samples[side] else None

    def quartiles(self, side):
        """What the middle half spans."""
        values = self.samples[side]
        if len(values) < 2:
            return [self.middle(side)] * 2
        first, _, third = statistics.quantiles(values, n=4, method="inclusive")
        return [first, third]

    def ratios(self):
        """Of each round's pair."""
        return [ours / reference for ours, reference
                in zip(self.samples["ours"], self.samples["reference"]) if reference]

    def value(self):
        """What the goal speaks of; None if it was not measured."""
        ours, reference = self.middle("ours"), self.middle("reference")
        if ours is None or (self.kind != "value" and not reference):
            return None
        if self.kind == "ratio":
            return ours / reference
        if self.kind == "more":
            ours -= reference
        return ours / SCALES.get(self.unit, 1)

    def held(self):
        """Whether the goal is, to the digits that are printed."""
        return round(self.value(), 2) <= self.goal

    def value_text(self):
        """With its unit."""
        value = self.value()
        if self.kind == "ratio":
            return f"{value:.3f}"
        return f"{value:{'+' if self.kind == 'more' else ''}.4g} {self.unit}"

    def goal_text(self):
        """The same of the goal."""
        sign = "+" if self.kind == "more" else ""
        return f"{sign}{self.goal:g} {self.unit}".strip()

    def record(self):
        """For JSON."""
        record = {"name": self.name, "what": self.what.strip(), "against": self.against,
                  "where": self.where,
                  "goal": {"kind": self.kind, "at_most": self.goal, "unit": self.unit or None},
                  "value": self.value(), "held": self.held()}
        for side, values in self.samples.items():
            if values:
                record[side] = {"median": self.middle(side), "quartiles": self.quartiles(side),
                                "samples": values}
        return record


def read(folder):
    """Rows, facts, and the growth of what is simulated: name -> {size: value}."""
    rows, where = {}, None
    for line in (HERE / "rows").read_text(encoding="ascii").partition("\n\n")[2].splitlines():
        if line.startswith("# "):
            where = line[2:]
        else:
            row = Row(line, where)
            rows[row.name] = row
    facts, growth = {}, {}
    for line in (folder / "samples.txt").read_text(encoding="ascii").splitlines():
        kind, name, key, *rest = line.split(" ")
        if kind == "fact":
            facts[name] = " ".join([key] + rest)
        elif kind == "sample" and key in ("ours", "reference"):
            rows[name].samples[key].append(float(rest[0]))
        elif kind == "growth":
            growth.setdefault(name, {}).setdefault(int(key), []).append(float(rest[0]))
    growth = {name: {size: statistics.median(values) for size, values in sorted(sizes.items())}
              for name, sizes in growth.items()}
    return list(rows.values()), facts, growth


def number(value):
    """Nanoseconds, or what it is, in few digits."""
    if value is None:
        return "-"
    for unit, scale in [("s", 1e9), ("ms", 1e6), ("us", 1e3)]:
        if value >= scale:
            return f"{value / scale:.4g} {unit}"
    return f"{value:.4g} ns"


def figure(row, side):
    """The median, and half of what the middle half spans in percent of it."""
    middle = row.middle(side)
    if middle is None:
        return ""
    first, third = row.quartiles(side)
    text = number(middle) if row.unit in ("", *SCALES) else f"{middle:.4g} {row.unit}"
    spread = (third - first) / 2 / middle * 100 if middle else 0
    return f"{text:>9} +-{spread:3.0f}%"


def table(rows, facts):
    """Text in 110 columns."""
    counted = facts.get("clock") == "instructions"
    yield "Medians of rounds, each of many operations, with half of what the middle half spans."
    if "kernel" in facts:
        yield (f"Kernel {facts['kernel']}, {facts.get('processors', '?')} processors of a "
               "virtual PC under software emulation: ratios tell, times do not.")
    yield ""
    yield (f"{'WHAT':40} {'OURS':>16} {'REFERENCE':>16} {'RESULT':>10} {'GOAL':>9}"
           "         REFERENCE IS")
    where = None
    for row in rows:
        if row.value() is not None:
            # In a run that goes by emulation's time all of the virtual PC's rows do.
            if row.where != where and (counted or "PC" not in row.where):
                yield f"-- {row.where}:"
                where = row.where
            yield (f"{row.what:40} {figure(row, 'ours'):>16} {figure(row, 'reference'):>16} "
                   f"{row.value_text():>10} {row.goal_text():>9} "
                   f"{'held' if row.held() else 'MISSED':6} "
                   f"{'' if row.against == '-' else ' ' + row.against}").rstrip()
    missing = [row.what.strip() for row in rows if row.value() is None]
    if missing:
        yield ""
        yield "Not measured: " + "; ".join(missing)


def growth_table(growth):
    """How each figure grows as the work doubles, and what n log n would."""
    if not growth:
        return
    yield ""
    yield "Growth as the work doubles; how much of it is in the brackets, devices and rules simulated:"
    for name, sizes in growth.items():
        steps = list(sizes.items())
        show = str if "KiB" in name else number
        text = show(steps[0][1])
        for (small, before), (large, after) in zip(steps, steps[1:]):
            text += f" -> x{after / before if before else math.nan:.2f} " if large == 2 * small \
                else " -> "
            text += show(after)
        yield f"{name.replace('_', ' '):26} [{steps[0][0]} ... {steps[-1][0]}] {text}"
    yield "(n log n is x2.2 or less; of a time for each, x1.1)"


def plot(rows, facts, target):
    """What each row comes to, by its goal: at most 1 is held."""
    measured = [row for row in rows if row.value() is not None and row.goal > 0]
    lines = []
    for place, row in enumerate(reversed(measured)):
        value = max(row.value(), 0) / row.goal
        low, high = value, value
        ratios = row.ratios() if row.kind == "ratio" else []
        if len(ratios) > 1:
            low, _, high = [part / row.goal for part
                            in statistics.quantiles(ratios, n=4, method="inclusive")]
        lines.append(f'{place} {value:.4f} {low:.4f} {high:.4f} {int(not row.held())} '
                     f'"{row.what.strip()} (at most {row.goal_text()}): {row.value_text()}"')
    script = f"""
set terminal svg noenhanced size 960,{80 + 24 * len(measured)} background "#ffffff" font "sans,12"
set output "{target}"
set title "hwbrokerd: each figure by its goal; left of the line it is held"
set xlabel "Linux {facts.get('kernel', '?')}, emulated, by {facts.get('clock', 'time')}; bars: the middle half of the rounds"
set xrange [0:2]
set yrange [-0.7:{len(measured) - 0.3}]
set lmargin at screen 0.52
set rmargin at screen 0.96
set grid xtics lc "#dddddd"
set tics nomirror out
set key off
set arrow 1 from 1,-0.7 to 1,{len(measured) - 0.3} nohead lc "#000000"
clipped(x) = x > 2 ? 2 : x
$data << END
{chr(10).join(lines)}
END
plot $data using (clipped($2)):1:(0):(0):(0):(0):ytic(6) with xyerrorbars lc "#ffffff" pt 0, \\
     $data using (clipped($2)):1:(clipped($3)):(clipped($4)) with xerrorbars lc "#888888" pt 0, \\
     $data using ($5 == 0 ? clipped($2) : 1/0):1 with points pt 7 ps 0.8 lc "#1b7837", \\
     $data using ($5 != 0 ? clipped($2) : 1/0):1 with points pt 7 ps 0.8 lc "#b2182b"
"""
    if shutil.which("gnuplot"):
        subprocess.run(["gnuplot"], input=script, text=True, check=True)
    else:
        print("no plot: gnuplot is not there", file=sys.stderr)


def main():
    """Reads, computes, writes, prints."""
    folder = pathlib.Path(sys.argv[1])
    rows, facts, growth = read(folder)
    text = "\n".join([*table(rows, facts), *growth_table(growth)]) + "\n"
    record = json.dumps({"facts": facts, "emulated": True,
                         "rows": [row.record() for row in rows if row.value() is not None],
                         "growth": growth}, indent=2) + "\n"
    (folder / "table.txt").write_text(text, encoding="ascii")
    (folder / "bench.json").write_text(record, encoding="ascii")
    plot(rows, facts, folder / "bench.svg")
    print(record if "--json" in sys.argv else text, end="")


if __name__ == "__main__":
    main()
