# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Suite `agree' of `run': what `hwbroker-ctl explain' says of a device is what a client that asks
# for it gets, by policies made at random, for each device of the virtual PC.

# Chosen at random, into $chosen: a subshell would have other numbers each time.
choose() {
	local words=("$@")
	chosen=${words[RANDOM % $#]}
}

# By which a rule is about ADDRESS, and perhaps others.
agree_which() {
	local device=/sys/bus/pci/devices/0000:$1
	choose "address = $1" "address = ${1%.*}.*" "address = ${1%:*}:*" \
		"id = $(cut -c3-6 "$device/vendor"):$(cut -c3-6 "$device/device")" \
		"id = $(cut -c3-6 "$device/vendor"):*" "class = $(cut -c3-6 "$device/class")"
}

# No `force': what the host is in need of stays its own.
agree_policy() {
	local at number=0 key
	printf '[client driver]\nuser = driver\n[client other]\nuser = nobody\n'
	for at in "$@"
	do
		((RANDOM % 3 != 0)) || continue
		number=$((number + 1))
		agree_which "$at"
		printf '[device d%s]\n%s\n' "$number" "$chosen"
		for key in "client:driver:driver:other:driver, other" take:yes:yes:no reset:auto:auto:none:flr \
			grant:split:split:mediated dma:yes:no count:all:1
		do
			IFS=: read -ra words <<< "$key"
			choose "${words[@]:1}"
			printf '%s = %s\n' "${words[0]}" "$chosen"
		done
		printf 'restore = yes\nrevoke = 0\n'
	done
}

# One rule may be in the way of another: then that one is left out, until there is no mistake.
agree_rules() {
	local policy=/etc/hwbroker/hwbroker.conf tries=0 section
	agree_policy "$@" > $policy
	until hwbrokerd --check > "$output" 2>&1
	do
		tries=$((tries + 1))
		section=$(sed -n 's/.*: \[device \(d[0-9]*\)\] .*/\1/p' "$output" | head -1)
		if [ $tries -gt 20 ] || [ -z "$section" ]
		then
			cat "$output"
			return 1
		fi
		sed -i "/^\[device $section\]/,/^revoke/d" $policy
	done
	systemctl reload hwbrokerd
}

# Both yes, or both no; and how often it was yes.
agree_on() {
	local says gets=1
	hwbroker-ctl explain driver "$1" > "$output" 2>&1
	says=$?
	(as_driver "$here/take" "$1") < /dev/null > "$output.took" 2>&1 && gets=0
	[ $gets = 1 ] || agree_given=$((agree_given + 1))
	[ $says = $gets ] && return
	echo "of $1:"
	cat "$output" "$output.took" /etc/hwbroker/hwbroker.conf
	return 1
}

run_agree() {
	local devices round chosen words at wrong=0 asked=0 agree_given=0
	RANDOM=${HWBROKER_SEED:-20}
	mapfile -t devices < <(hwbroker-ctl list devices | sed -n 's/^0000:\([0-9a-f:.]*\) .*/\1/p')
	for ((round = 0; round < 2; round++))
	do
		# Not within `check', for the same reason.
		agree_rules "${devices[@]}" > "$output.rules" 2>&1
		check "agree: policy $round is in force" test ! -s "$output.rules"
		for at in "${devices[@]}"
		do
			asked=$((asked + 1))
			agree_on "$at" || wrong=$((wrong + 1))
			within no_transit
		done
	done
	check "agree: explain and acquisition, $asked times" test $wrong = 0
	check "agree: of these, some were given ($agree_given)" test $agree_given -gt 2
	rm -f "$output.took" "$output.rules"
}
