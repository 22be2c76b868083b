# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # of run: here, output
# Suite `look' of `run': what an operator sees. Group `driver' may query here, and user
# `driver' is a client.

look=$(mktemp -d)
chmod 755 "$look"
look_examples=/usr/libexec/hwbroker/examples

look_as_driver() {
	setpriv --reuid=driver --regid=driver --clear-groups --inh-caps=-all \
		--bounding-set=-all --no-new-privs "$@"
}

# listen NAME OPTION...: a monitor in the background that writes to NAME; it is there once
# it is told of somebody else.
look_listen() {
	local name=$1 tries
	shift
	hwbroker-ctl monitor "$@" > "$look/$name" 2>&1 &
	listener=$!
	for ((tries = 0; tries < 50; tries++))
	do
		hwbroker-ctl status > /dev/null
		[ ! -s "$look/$name" ] || return 0
		sleep 0.1
	done
	return 1
}

# line FILE PATTERN...: one line of the file has them all.
look_line() {
	local lines
	lines=$(cat "$look/$1")
	shift
	while [ $# != 0 ]
	do
		lines=$(grep -F -- "$1" <<< "$lines") || return 1
		shift
	done
}

# One who gets a device and gives it back, and one who is refused ports.
look_monitor() {
	local json
	look_listen text || return 1
	local text=$listener
	look_listen json --json || return 1
	json=$listener
	look_as_driver "$look_examples/edu" > "$look/edu" 2>&1
	look_as_driver "$look_examples/pit" > "$look/pit" 2>&1
	within look_line text disconnected driver
	# The device is at rest a moment after its client has gone.
	within look_line text released 0000:00:03.0
	sleep 0.3
	kill "$text" "$json"
	wait "$text" "$json" 2> /dev/null
	cat "$look/text"
}

look_text_has() {
	cat "$look/text"
	look_line text granted driver 0000:00:03.0 '[device edu] at /etc/hwbroker/hwbroker.conf:' &&
		look_line text released driver 0000:00:03.0 &&
		look_line text refused driver IO_PORT_OPEN DENIED 'ports 0x4' &&
		look_line text ' connected ' driver
}

look_json_has() {
	cat "$look/json"
	look_line json '"event":"granted"' '"client":"driver"' '"resource":"0000:00:03.0"' \
		'"status":"OK"' '"lost":0' &&
		look_line json '"event":"refused"' '"request":"IO_PORT_OPEN"' '"status":"DENIED"'
}

look_resident() {
	awk '/^VmRSS:/ { print $2 }' "/proc/$1/status"
}

# One that has stopped costs nothing, misses much, and is told so; another misses nothing.
look_slow() {
	local slow other before after daemon
	daemon=$(daemon_pid)
	look_listen slow || return 1
	slow=$listener
	look_listen other || return 1
	other=$listener
	kill -STOP "$slow"
	for ((i = 0; i < 50; i++)); do hwbroker-ctl status > /dev/null; done
	before=$(look_resident "$daemon")
	for ((i = 0; i < 250; i++)); do hwbroker-ctl status > /dev/null || return 1; done
	after=$(look_resident "$daemon")
	kill -CONT "$slow"
	within grep -q 'more happened than this could keep up with' "$look/slow" || return 1
	kill "$slow" "$other"
	wait "$slow" "$other" 2> /dev/null
	echo "$before kB, then $after kB; the other was told of $(grep -c ' connected ' "$look/other")"
	[ $((after - before)) -le 64 ] &&
		[ "$(grep -c ' connected ' "$look/other")" -ge 300 ] &&
		! grep -q 'keep up' "$look/other"
}

look_listeners() {
	[ "$(look_number 'hwbroker_monitors ')" = "$1" ]
}

# Sixteen may listen: ten of root's, six of driver's. Then no more, and after one has gone
# another.
look_many() {
	local listeners=() got
	for ((i = 0; i < 16; i++))
	do
		if [ $i -lt 10 ]
		then
			hwbroker-ctl monitor > /dev/null 2>&1 &
		else
			# Not by a function: $! is to be the program itself.
			setpriv --reuid=driver --regid=driver --clear-groups hwbroker-ctl monitor > /dev/null 2>&1 &
		fi
		listeners+=($!)
	done
	within look_listeners 16
	timeout 10 setpriv --reuid=driver --regid=driver --clear-groups hwbroker-ctl monitor \
		> "$look/more" 2>&1
	got=$?
	kill "${listeners[@]}"
	wait "${listeners[@]}" 2> /dev/null
	cat "$look/more"
	[ $got = 1 ] && grep -q 'QUOTA' "$look/more" &&
		within look_listeners 0 &&
		look_listen again && kill "$listener"
}

# number PREFIX: of the one sample that begins so.
look_number() {
	hwbroker-ctl metrics | grep -F -- "$1" | grep -v '^#' | sed 's/.* //'
}

look_metrics() {
	local before after
	hwbroker-ctl metrics > "$look/metrics" || return 1
	cat "$look/metrics"
	[ "$(tail -n 1 "$look/metrics")" = '# EOF' ] &&
		! grep -vE '^(# (TYPE|UNIT|HELP) [a-z_]+ .+|# EOF|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.]+)$' \
			"$look/metrics" || return 1
	before=$(look_number 'hwbroker_events_total{event="granted"}')
	look_as_driver "$look_examples/edu" > /dev/null 2>&1
	after=$(look_number 'hwbroker_events_total{event="granted"}')
	[ "$after" -gt "$before" ] &&
		[ "$(look_number 'hwbroker_refusals_total{status="DENIED"}')" -gt 0 ] &&
		[ "$(look_number 'hwbroker_client_requests_total{client="driver"}')" -gt 5 ] &&
		[ "$(look_number 'hwbroker_client_dma_bytes{client="driver"}')" = 0 ] &&
		[ "$(look_number hwbroker_loop_rounds_total)" -gt 10 ]
}

look_graph() {
	hwbroker-ctl graph --svg > "$look/svg" && hwbroker-ctl graph > "$look/dot" &&
		[ "$(head -c 4 "$look/svg")" = '<svg' ] && [ "$(tail -n 1 "$look/svg")" = '</svg>' ] &&
		[ "$(grep -c '<g>' "$look/svg")" = "$(grep -c '</g>' "$look/svg")" ] &&
		[ "$(grep -c '<rect class="card"' "$look/svg")" -ge \
			"$(hwbroker-ctl list devices --json | grep -c '"address": "0000')" ] &&
		grep -q 'IOMMU group' "$look/dot"
}

look_top() {
	hwbroker-ctl top --once > "$look/top" && cat "$look/top" &&
		grep -q '^hwbrokerd ' "$look/top" && grep -q '^0000:00:03.0 ' "$look/top" &&
		grep -q '^ADDRESS .*INTERRUPTS' "$look/top"
}

look_without_terminal() {
	ctl 2 "needs a terminal" root top < /dev/null
}

# Drawn on a terminal, which is as before afterwards, until a key or a signal ends it.
look_terminal() {
	local key=$1
	(sleep 2; printf '%s' "$key"; sleep 1) |
		timeout 20 script -q -e -c 'stty rows 24 cols 80; stty -g > '"$look"'/before
			hwbroker-ctl top; echo ended $?; stty -g > '"$look"'/after' "$look/screen" > /dev/null
	cat -v "$look/screen" | tail -n 5
	diff "$look/before" "$look/after" && grep -q 'REQUESTS/S' "$look/screen" &&
		grep -q $'\033\\[?1049l' "$look/screen"
}

# What it makes for a device that a host driver has gives this device, by the daemon's own
# word and in fact.
look_generate() {
	hwbroker-ctl generate-policy 0000:00:03.0 00:06.0 --client fresh --user driver > "$look/generated" ||
		return 1
	cat "$look/generated"
	install -m 644 "$look/generated" "$look/policy.conf"
	hwbrokerd --check --policy "$look/policy.conf" || return 1
	cp /etc/hwbroker/hwbroker.conf "$look/kept"
	install -m 644 "$look/generated" "$here/policy/look-generated.conf"
	reload look-generated && look_as_driver "$look_examples/edu" &&
		look_as_driver hwbroker-ctl genode-devices > "$look/view"
	local status=$?
	rm -f "$here/policy/look-generated.conf"
	reload look
	[ $status = 0 ] && grep -q 'name="00:03.0"' "$look/view" && grep -q 'name="00:06.0"' "$look/view"
}

# A device that nobody has, and its driver.
look_card=0000:00:05.0
look_driver() {
	basename "$(readlink "/sys/bus/pci/devices/$look_card/driver")" ""
}

# The list has the driver that it has, at once.
look_driver_is() {
	local listed
	listed=$(hwbroker-ctl list devices --json | grep -A 12 "\"$look_card\"" |
		sed -n 's/.*"host_driver": "\(.*\)".*/\1/p')
	[ "$listed" = "$1" ] && [ "$(look_driver)" = "$1" ] && return
	echo "listed: $listed, it is: $(look_driver), not: $1"
	return 1
}

look_bind() {
	echo "$look_card" > "/sys/bus/pci/drivers/$1/$2"
}

look_follows_drivers() {
	local had i
	had=$(look_driver)
	[ -n "$had" ] || return 1
	for ((i = 0; i < 10; i++))
	do
		look_bind "$had" unbind
		look_driver_is "" || return 1
		look_bind "$had" bind
		look_driver_is "$had" || return 1
	done
}

# look_listed FILE: the driver that the device has there.
look_listed() {
	grep -A 12 "\"$look_card\"" "$1" | sed -n 's/.*"host_driver": "*\([^",]*\)"*,.*/\1/p'
}

# More is told than a daemon that is stopped has room for, and then its driver leaves a device. It
# asks the kernel until it has looked at all of them: who asks meanwhile is told the truth, too.
look_lost_drivers() {
	local had daemon long asker i status=0
	had=$(look_driver)
	daemon=$(daemon_pid)
	long=$(printf 'x%.0s' {1..1000})
	kill -STOP "$daemon"
	for ((i = 0; i < 2000; i++))
	do
		echo "change 01234567-89ab-cdef-0123-456789abcdef LONG=$long" \
			> "/sys/bus/pci/devices/$look_card/uevent" || status=1
	done
	look_bind "$had" unbind
	hwbroker-ctl list devices --json > "$look/meanwhile" &
	asker=$!
	sleep 1
	kill -CONT "$daemon"
	wait $asker || status=1
	echo "meanwhile: $(look_listed "$look/meanwhile")"
	[ "$(look_listed "$look/meanwhile")" = null ] || status=1
	look_bind "$had" bind
	look_driver_is "$had" || status=1
	sleep 2
	look_driver_is "$had" || status=1
	return $status
}

run_look() {
	check "look: monitor listens" look_monitor
	check "look: monitor tells of a grant, a refusal, a release" look_text_has
	check "look: monitor --json tells the same" look_json_has
	check "look: a monitor that does not read delays and costs nobody" look_slow
	check "look: sixteen may listen" look_many
	check "look: monitor for who may not look" ctl 4 "query_group" other monitor
	check "look: metrics" look_metrics
	check "look: list has each driver as soon as it is another" look_follows_drivers
	check "look: list has each driver though messages were lost" look_lost_drivers
	check "look: graph" look_graph
	check "look: top --once" look_top
	check "look: top without a terminal" look_without_terminal
	check "look: top, ended by q" look_terminal q
	check "look: top, ended by ^C" look_terminal $'\003'
	check "look: a generated policy gives what it says" look_generate
	check "look: generate-policy of no device" \
		ctl 1 "no device 0000:00:1e.0" root generate-policy 00:1e.0 --client fresh
	check "look: generate-policy for nobody" \
		ctl 2 "needs --client" root generate-policy 00:03.0
	check "look: completions are installed" \
		test -s /usr/share/bash-completion/completions/hwbroker-ctl -a \
		-s /usr/share/zsh/site-functions/_hwbroker-ctl
	rm -rf "$look"
}
