# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Suite `bench' of `run': the programs of tests/bench still measure what they are there for. What
# comes out of so few rounds says nothing else.

run_bench() {
	local row rows=(registers port_native port_batch acquire_plain dma_4k ping descriptor)
	check "bench: a short run" "$here/bench" --short "${rows[@]}"
	for row in "${rows[@]}"
	do
		check "bench: figures of $row" figures "$row"
	done
}

# Both sides have one.
figures() { # ROW
	grep -q "^sample $1 ours [1-9]" /tmp/samples.txt &&
		grep -q "^sample $1 reference [1-9]" /tmp/samples.txt
}
