#!/bin/bash
# SPDX-License-Identifier: MIT
# What tests/bench says of samples: medians, ratios and goals, as a table and as JSON.
# Usage: test_bench_report.sh SOURCE_FOLDER
set -u

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

expect() { # TEXT COMMAND...
	local text=$1
	shift
	"$@" > /dev/null || {
		echo "not ok: $text"
		failed=1
	}
}

cat > "$work/samples.txt" << 'END'
fact kernel 6.12.1-test
fact rounds 3
sample registers ours 100
sample registers ours 103
sample registers ours 900
sample registers reference 100
sample registers reference 50
sample registers reference 150
sample ping ours 1300
sample ping reference 1000
sample restart ours 90000000
sample restart reference 50000000
sample resident ours 2048
sample load_10000 ours 120000000
growth load_of_rules 500 1000000
growth load_of_rules 1000 2500000
END
table() { "$1/tests/benchmark/report.py" "$work" 2> /dev/null; }
json() { "$1/tests/benchmark/report.py" "$work" --json 2> /dev/null; }
table "$1" > "$work/text" || failed=1
expect "the median, not the mean" grep -qE '^register read .* 103 ns .* 100 ns .* 1\.030 +1\.02 MISSED' "$work/text"
expect "a ratio that is missed" grep -qE '^smallest request .* 1\.300 +1\.15 MISSED' "$work/text"
expect "a difference" grep -qE '^longest wait .* \+40 ms +\+50 ms held' "$work/text"
expect "a value" grep -qE '^resident memory at rest .* 2048 KiB +3072 KiB held' "$work/text"
expect "a value in milliseconds" grep -qE '^policy of 10,000 rules: load .* 120 ms +100 ms MISSED' "$work/text"
expect "what was not measured" grep -qE '^Not measured: .*interrupt \(MSI\)' "$work/text"
expect "growth per doubling" grep -qE '^load of rules .* 1 ms -> x2\.50 2\.5 ms' "$work/text"
json "$1" > "$work/out.json" || failed=1
expect "JSON" python3 - "$work/out.json" << 'END'
import json, sys
rows = {row["name"]: row for row in json.load(open(sys.argv[1]))["rows"]}
assert rows["registers"]["value"] == 1.03 and not rows["registers"]["held"]
assert rows["registers"]["ours"]["samples"] == [100, 103, 900]
assert rows["restart"]["held"] and rows["restart"]["goal"]["unit"] == "ms"
assert "msi" not in rows
END
exit $failed
