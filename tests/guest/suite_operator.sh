# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Suite `operator' of `run': what hwbroker-ctl tells and changes, as root, as `other' who may
# look, and as `nobody'.

# as USER STATUS TEXT ARGUMENT...
as() {
	local user=$1 status=$2 text=$3
	shift 3
	ctl "$status" "$text" "$user" "$@"
}

# json ARGUMENT... -- TEXT...: what --json prints has each TEXT, blanks and line ends left out.
json() {
	local words=() text
	while [ "$1" != -- ]
	do
		words+=("$1")
		shift
	done
	shift
	hwbroker-ctl --json "${words[@]}" > "$output" 2>&1
	cat "$output"
	for text
	do
		tr -d ' \n' < "$output" | grep -qF -- "$text" || {
			echo "it lacks $text"
			return 1
		}
	done
}

# take ADDRESS: `driver' has the device until `give_back'. Not within check(), which is
# another process.
take() {
	exec 7> >(exec runuser -u driver -- "$here/take" "$1" > "$output.taken" 2>&1)
	check "operator: driver takes $1" within grep -q taken "$output.taken"
}

at_rest() {
	no_sessions && no_transit
}

give_back() {
	exec 7>&-
	check "operator: and gives it back" within at_rest
	rm -f "$output.taken"
}

driver_of() {
	[ "$(basename "$(readlink "/sys/bus/pci/devices/$1/driver")")" = "$2" ]
}

operator_groups() {
	check "operator: list groups" as other 0 "0000:00:03.0" list groups
	check "operator: list groups has bridges" as other 0 "bridge" list groups
	check "operator: list groups of nobody" as nobody 4 "" list groups
	check "operator: list groups --json" json list groups -- \
		'"assignable":"take","members":[{"address":"0000:00:06.0"' '"driver":"nvme"'
	# shellcheck disable=SC2016 # it is the other shell's
	check "operator: list groups fits into 80 columns" \
		eval 'script -qc "stty cols 80; hwbroker-ctl list groups" /dev/null | tr -d "\r" | grep -v "^group" | awk "{ if (length(\$0) > 82) exit 1 }"'
}

operator_show() {
	check "operator: show" as other 0 "[device edu] /etc/hwbroker/hwbroker.conf:11" show 00:03.0
	check "operator: show of a disk has both clients" as other 0 "client \`spare'" show 00:06.0
	check "operator: show --json" json show 00:03.0 -- '"owner":null' \
		'"rules":[{"client":"driver","rule":"deviceedu","file":"/etc/hwbroker/hwbroker.conf","line":11,"grant":"dmareset=nonerevoke=1"}]'
	check "operator: show of what no rule names" as other 0 "none: it is for nobody" show 00:07.0
	check "operator: show of nothing" as other 1 "no device 00:1e.0" show 00:1e.0
	check "operator: show of a bridge" as other 1 "or it is a bridge" show 00:0b.0
	check "operator: show of nobody" as nobody 4 "" show 00:03.0
	take 00:03.0
	check "operator: show of a device in use" as other 0 "Owner:        client \`driver' for" \
		show 00:03.0
	check "operator: show --json of a device in use" json show 00:03.0 -- \
		'"owner":{"client":"driver","connection":' '"owned_ms":' '"state":"granted"'
	give_back
}

operator_release() {
	check "operator: release of what the host has" as root 1 "is not with the broker" \
		release 00:06.0
	take 00:06.0
	check "operator: release of what is in use" as root 1 "is in use by \`driver'" release 00:06.0
	give_back
	check "operator: the disk stays with the broker" driver_of 0000:00:06.0 vfio-pci
	check "operator: release by who may only look" as other 4 "change_group" release 00:06.0
	check "operator: nor by who is a client" as driver 4 "change_group" release 00:06.0
	check "operator: release" as root 0 "0000:00:06.0: host" release 00:06.0
	check "operator: the disk is the host's again" driver_of 0000:00:06.0 nvme
	check "operator: release of no address" as root 2 "is no address" release disk
}

operator_reload() {
	local policy=/etc/hwbroker/hwbroker.conf i
	cp "$policy" "$policy.good"
	check "operator: reload by who may only look" as other 4 "change_group" reload
	check "operator: reload by nobody" as nobody 4 "change_group" reload
	check "operator: reload" as root 0 "rules are in force" reload
	printf '[device wrong]\nclient = drivr\naddress = 00:07.0\n' >> "$policy"
	check "operator: reload of a wrong policy" as root 1 "did you mean \`driver'?" reload
	check "operator: it names the line" as root 1 "$policy:$(grep -n drivr "$policy" | cut -d: -f1): " \
		reload
	check "operator: reload --json of a wrong one" json reload -- '"loaded":false' \
		'"mistakes":[{"code":"mistake"' "\"file\":\"$policy\",\"line\":$(grep -n drivr "$policy" | cut -d: -f1)"
	check "operator: the policy in force stays" as other 0 "[device edu]" show 00:03.0
	check "operator: systemctl reload fails" eval '! systemctl reload hwbrokerd'
	for i in {1..30}
	do
		printf '[device wrong%s]\nclient = drivr\naddress = 00:07.0\n' "$i"
	done >> "$policy"
	check "operator: reload of one with many mistakes says how many more there are" as root 1 \
		"more mistakes, of which \`hwbroker-ctl check $policy' tells" reload
	mv "$policy.good" "$policy"
	check "operator: reload --json" json reload -- '"loaded":true' '"mistakes":[]'
	check "operator: systemctl reload" systemctl reload hwbrokerd
}

operator_explain() {
	local conf=/etc/hwbroker/hwbroker.conf
	check "operator: explain of what it gets" as other 0 "yes, [device edu] $conf:11" \
		explain driver 00:03.0
	check "operator: explain --json" json explain driver 00:03.0 -- '"granted":true' '"line":11'
	check "operator: explain of what no rule gives" as other 1 "no [device] section" \
		explain driver 00:07.0
	check "operator: explain of what a host driver has" as other 1 "take = yes" \
		explain driver 00:05.0
	check "operator: explain of a disk that is mounted" as other 1 "it carries the file system on" \
		explain driver 00:10.0
	check "operator: explain of a user" as other 0 "client \`driver'" \
		explain user:driver 00:03.0
	check "operator: explain of a user that is none" as other 1 "no [client] section" \
		explain user:nobody 00:03.0
	check "operator: explain of ports" as other 0 "yes, [ports timer]" explain driver 0x40-0x43
	check "operator: explain of other ports" as other 1 "gives port 0x60" explain driver 0x60-0x64
	check "operator: explain of a client that is none" as other 1 "has this name" \
		explain nobody 00:03.0
	check "operator: explain by nobody" as nobody 4 "" explain driver 00:03.0
	take 00:03.0
	check "operator: explain of what is in use" as other 1 "in use, by client \`driver'" \
		explain spare 00:03.0
	# shellcheck disable=SC2016 # $here is for eval
	check "operator: explain agrees with acquiring" \
		eval '! runuser -u driver -- "$here/take" 00:03.0 2>&1 | grep -v "is in use"'
	give_back
}

operator_audit() {
	check "operator: audit" as other 0 "0000:00:10.0: unsafe" audit
	check "operator: audit of the machine's own disk" as other 0 "it carries the file system on" \
		audit 00:10.0
	check "operator: audit --json" json audit 00:03.0 -- '[{"address":"0000:00:03.0","level":'
	check "operator: audit of what cannot be reset" as other 0 "no way to reset it" audit 00:07.0
	check "operator: audit of a pair" as other 0 "goes to one client as a whole" audit 01:01.0
	check "operator: audit by nobody" as nobody 4 "" audit
}

operator_check_and_diff() {
	local new
	new=$(mktemp -d)
	chmod 755 "$new"
	sed -e 's/^client = driver, spare/client = spare/' -e 's/^dma = yes/force = yes/' \
		/etc/hwbroker/hwbroker.conf > "$new/new.conf"
	check "operator: check" as nobody 0 "5 rules, no mistake" check /etc/hwbroker/hwbroker.conf
	printf '[device x]\nclient = nobody\n' > "$new/wrong.conf"
	check "operator: check of a wrong one" as nobody 1 "wrong.conf:2: there is no [client nobody]" \
		check "$here/policy/admin.conf" "$new/wrong.conf"
	check "operator: diff of what is in force" as other 0 "changes hands" diff
	take 00:06.0
	check "operator: diff of what is taken" as other 0 "- driver loses 0000:00:06.0" \
		diff "$new/new.conf"
	check "operator: diff tells the grace" as other 0 "taken after 5 s" diff "$new/new.conf"
	check "operator: diff of terms" as other 0 "+force -dma" diff "$new/new.conf"
	check "operator: diff --json" json diff "$new/new.conf" -- \
		'"change":"loses","client":"driver","resource":"0000:00:06.0"' '"taken":true,"grace_s":5'
	sed 's/^user = driver/user = nobody/' /etc/hwbroker/hwbroker.conf > "$new/users.conf"
	check "operator: diff of users, for who is connected" \
		as other 0 "of uid $(id -u driver): it gets nothing more" diff "$new/users.conf"
	give_back
	check "operator: the disk goes back" as root 0 "0000:00:06.0: host" release 00:06.0
	echo 'x = y' >> "$new/new.conf"
	check "operator: diff with a wrong one" as other 1 "has mistakes" diff "$new/new.conf"
	check "operator: diff by nobody" as nobody 4 "" diff "$new/new.conf"
	rm -rf "$new"
}

# What a suite before this one has left with the broker goes back first.
network_card_with_host() {
	driver_of 0000:00:05.0 e1000e || hwbroker-ctl release 0000:00:05.0
	driver_of 0000:00:05.0 e1000e
}

run_operator() {
	within network_card_with_host
	operator_groups
	operator_show
	operator_explain
	operator_audit
	operator_release
	operator_check_and_diff
	operator_reload
}
