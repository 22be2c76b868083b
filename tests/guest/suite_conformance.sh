# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Suite `conformance' of `run': the conformance kit against the installed daemon, which
# must keep each rule of PROTOCOL.md that can be checked here.

# conform NAME ARGUMENT...: each rule is a result; `skip' lines are only shown.
conform() {
	local name=$1 status good bad
	shift
	(as_driver "$here/hwb-conformance" "$@") 2>&1 | tee "$output" |
		sed -u -E "s/^(not ok|ok) /\\1 $name: /"
	status=${PIPESTATUS[0]}
	good=$(grep -c '^ok ' "$output")
	bad=$(grep -c '^not ok ' "$output")
	passed=$((passed + good))
	failed=$((failed + bad))
	check "$name: ended with a result, status $status" eval \
		"[ $((bad == 0)) = $((status == 0)) ] && grep -q '^$good held, $bad did not' $output"
}

run_conformance() {
	conform conformance --config-write 3c --rule edu
	check "conformance: most rules can be checked here" \
		eval "[ \$(grep -c '^skip ' $output) -lt 20 ]"
	reload conformance-admin
	conform "conformance of administration" admin-status admin-devices admin-clients \
		admin-sessions given given-name given-not-found
}
