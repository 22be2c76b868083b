# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Suite `service' of `run': what systemd gives the daemon and hears of it. The audit trail in
# the journal, the watchdog, the status, and what the daemon may do.

act=$here/act
edu=0000:00:03.0
disk=0000:00:06.0

# start_act WORD...: in the background, until it is at it.
start_act() {
	: > "$output.act"
	(as_driver "$act" "$@") > "$output.act" 2>&1 &
	child=$!
	within grep -q '^at it' "$output.act"
}

# ---- the audit trail ----

# entries EVENT [MATCH...]: since this suite began, one a line, as JSON.
entries() {
	journalctl -u hwbrokerd --no-pager -o json --since "$began" "HWBROKER_EVENT=$1" "${@:2}"
}

# has EVENT "FIELD=VALUE"...: one of its entries has all of them. A VALUE may be a pattern.
has() {
	local event=$1 field lines pattern
	shift
	within has_now "$event" "$@" && return
	echo "no such entry; there are:"
	entries "$event"
	return 1
}

has_now() {
	local event=$1 field lines
	shift
	lines=$(entries "$event")
	for field
	do
		lines=$(grep -E "\"${field%%=*}\":\"${field#*=}\"" <<< "$lines")
	done
	[ -n "$lines" ]
}

line_of() {
	grep -nF "$1" /etc/hwbroker/hwbroker.conf | cut -d: -f1
}

test_trail() {
	local who=("HWBROKER_CLIENT=driver" "HWBROKER_UID=$(id -u driver)")
	local rule
	rule="HWBROKER_RULE=\\[device edu\\] at /etc/hwbroker/hwbroker.conf:$(line_of '[device edu]')"

	start_act hold $edu 1
	check "service: a grant says who, what, by which rule" has granted "${who[@]}" \
		"HWBROKER_PID=$child" "HWBROKER_DEVICE=$edu" "HWBROKER_RESOURCE=$edu" "$rule" \
		HWBROKER_RESULT=OK PRIORITY=6 SYSLOG_IDENTIFIER=hwbrokerd \
		"MESSAGE=$edu: granted to .driver. \\(pid $child\\)" _SYSTEMD_UNIT=hwbrokerd.service
	wait "$child"
	check "service: so does a release" has released "${who[@]}" "HWBROKER_PID=$child" \
		"HWBROKER_DEVICE=$edu" "$rule" HWBROKER_RESULT=OK "HWBROKER_REASON=(free|host)"

	start_act ask $disk 1
	check "service: a refusal says what was asked and why not" has refused "${who[@]}" \
		"HWBROKER_PID=$child" "HWBROKER_DEVICE=$disk" HWBROKER_REQUEST=DEVICE_ACQUIRE \
		HWBROKER_RESULT=NOT_FOUND "HWBROKER_REASON=no device $disk.*" PRIORITY=5
	wait "$child"

	start_act hold $edu 60
	hwbroker-ctl revoke $edu > /dev/null 2>&1
	check "service: that a device is asked for, with the reason" has asked-back "${who[@]}" \
		"HWBROKER_PID=$child" "$rule" "HWBROKER_REASON=an administrator wants it back"
	check "service: that it was taken, since it was not given back" has revoked "${who[@]}" \
		"HWBROKER_PID=$child" "HWBROKER_DEVICE=$edu" "$rule" HWBROKER_RESULT=DENIED \
		"HWBROKER_REASON=it was not given back in time"
	kill "$child"
	wait "$child"

	(as_driver /usr/libexec/hwbroker/examples/pit) > /dev/null
	check "service: that ports were given" has ports-granted "${who[@]}" \
		"HWBROKER_RESOURCE=ports 0x40-0x43" "HWBROKER_RULE=\\[ports timer\\] at .*" HWBROKER_RESULT=OK
	check "service: and given back" has ports-released "${who[@]}" "HWBROKER_RESOURCE=ports 0x40-0x43"

	runuser -u nobody -- hwbroker-ctl status > /dev/null 2>&1
	check "service: that somebody is not admitted" has not-admitted HWBROKER_CLIENT=- \
		"HWBROKER_UID=$(id -u nobody)" HWBROKER_RESULT=NOT_ADMITTED
}

test_catalogue() {
	journalctl --update-catalog
	journalctl -u hwbrokerd --no-pager -x --since "$began" > "$output"
	check "service: journalctl -x explains a grant" \
		grep -q "Subject: $edu was given to client driver" "$output"
	check "service: and says what to do after a refusal" \
		grep -q 'see hwbroker-policy(5)' "$output"
	check "service: each kind is in the catalogue of the system" \
		test "$(journalctl --list-catalog 2> /dev/null | grep -c hwbrokerd)" -ge 18
}

test_flood() {
	local count
	(as_driver "$act" ask $disk 3000) > "$output"
	check "service: 3000 requests are refused" grep -q '3000 of 3000 were refused' "$output"
	sleep 1
	count=$(entries refused | wc -l)
	check "service: and 60 entries at most tell of it ($count)" test "$count" -le 60
	check "service: how many were left out is told without another one" \
		within_20 has_now left-out HWBROKER_CLIENT=driver "HWBROKER_LEFT_OUT=29[0-9]+"
	check "service: other entries are there" has granted HWBROKER_CLIENT=driver
}

within_20() {
	within "$@" || within "$@"
}

# ---- status and reload ----

status_says() {
	systemctl show --property=StatusText --value hwbrokerd | grep -qF -- "$1"
}

test_status() {
	start_act hold $edu 3
	check "service: the status has the devices that are given" within status_says "1 device granted"
	wait "$child"
	check "service: and those that are not" within status_says "0 devices granted"
	echo 'client a' >> /etc/hwbroker/hwbroker.conf
	systemctl reload hwbrokerd
	check "service: a policy with mistakes is an entry" has policy-refused PRIORITY=3 \
		"HWBROKER_REASON=/etc/hwbroker/hwbroker.conf:.*"
	check "service: and in the status" within status_says "the policy file has mistakes"
	check "service: the reload is over for systemd" within is_active
	reload service
	check "service: a good one is, too" has policy-loaded "HWBROKER_REASON=2 rules"
	check "service: and the status is as before" eval '! within_2 status_says "mistakes"'
	check "service: the reload is over again" within is_active
}

within_2() {
	sleep 2
	"$@"
}

is_active() {
	[ "$(systemctl show --property=ActiveState --value hwbrokerd)" = active ]
}

# ---- what it may do ----

# Each thread: its lines of /proc/PID/task/TID/status.
threads_have() { # NAME VALUE
	local got
	got=$(sed -n -E "s/^$1:[[:space:]]*//p" "/proc/$pid/task/"*/status | sort -u)
	[ "$got" = "$2" ] || {
		echo "$1 is $got"
		return 1
	}
}

# As a process of the service: which devices it opens, and what of the file system is its.
enter_devices() { # FILE [REDIRECTION]
	bash -c "echo \$\$ > /sys/fs/cgroup/system.slice/hwbrokerd.service/cgroup.procs
		exec 3${2-<} $1"
}

enter_files() {
	nsenter --target "$pid" --mount -- sh -c "$1"
}

refused_with() { # TEXT COMMAND...
	local text=$1 said
	shift
	said=$("$@" 2>&1) && return 1
	printf '%s\n' "$said"
	grep -qF -- "$text" <<< "$said"
}

score() {
	systemd-analyze security hwbrokerd.service --no-pager 2> /dev/null |
		sed -n -E 's/.*Overall exposure level for hwbrokerd.service: ([0-9.]+).*/\1/p'
}

test_rights() {
	# SYS_ADMIN, SYS_RAWIO, IPC_LOCK, DAC_OVERRIDE, SYS_RESOURCE, KILL: docs/security.md.
	local set=0000000001224022 got
	check "service: it has six capabilities" threads_have CapPrm $set
	check "service: in effect" threads_have CapEff $set
	check "service: none but these could be had" threads_have CapBnd $set
	check "service: nor handed on" threads_have CapAmb 0000000000000000
	check "service: it gets no new ones" threads_have NoNewPrivs 1
	check "service: each thread has a filter of calls" threads_have Seccomp 2
	check "service: devices that are none of VFIO's do not open" \
		refused_with "Operation not permitted" enter_devices /dev/port
	check "service: nor do disks to be written" \
		refused_with "Operation not permitted" enter_devices /dev/vda '>'
	check "service: VFIO's does" enter_devices /dev/vfio/vfio
	check "service: the kernel's settings are read only" \
		refused_with "Read-only" enter_files 'echo 1 > /proc/sys/vm/swappiness'
	check "service: so is the file system" refused_with "Read-only" enter_files 'echo > /etc/x'
	check "service: and of /sys what is no device" \
		refused_with "Read-only" enter_files 'echo 1 > /sys/kernel/mm/ksm/run'
	got=$(score)
	check "service: systemd-analyze security gives it $got, at most 2.9" \
		awk -v score="$got" 'BEGIN { exit !(score != "" && score <= 2.9) }'
}

# ---- the watchdog ----

# run_with SETTING...: the unit has these as well.
run_with() {
	mkdir -p /run/systemd/system/hwbrokerd.service.d
	printf '%s\n' '[Service]' "$@" > /run/systemd/system/hwbrokerd.service.d/test.conf
	systemctl daemon-reload
	systemctl restart hwbrokerd
}

run_as_shipped() {
	rm -r /run/systemd/system/hwbrokerd.service.d
	systemctl daemon-reload
	systemctl restart hwbrokerd
	within is_active
}

test_watchdog() {
	local first
	check "service: as shipped, there is a watchdog of 30 s" \
		test "$(systemctl show --property=WatchdogUSec --value hwbrokerd)" = 30s
	run_with WatchdogSec=2
	first=$(daemon_pid)
	# A worker waits in the kernel for longer than the watchdog does.
	"$act" block /etc/hwbroker/hwbroker.conf 6 > "$output.act" 2>&1 &
	child=$!
	within grep -q '^at it' "$output.act"
	systemctl --no-block reload hwbrokerd
	sleep 4
	check "service: a worker hangs" grep -q fanotify /proc/"$first"/task/*/wchan
	check "service: while it does, requests are served" timeout 2 hwbroker-ctl status
	wait "$child"
	check "service: and the watchdog is content" test "$(daemon_pid)" = "$first"
	within is_active
	kill -STOP "$first"
	check "service: a daemon that does not turn is replaced" within another_daemon "$first"
	check "service: the journal says by what" \
		eval "journalctl -u hwbrokerd --no-pager -o cat --since '$began' | grep -q -i watchdog"
	run_as_shipped
}

# ---- what its unit may be short of ----

refused_memory() {
	(as_driver /usr/libexec/hwbroker/examples/edu) > "$output.act" 2>&1 && return 1
	cat "$output.act"
	grep -q "LimitMEMLOCK is too small" "$output.act"
}

test_limits() {
	run_with 'CapabilityBoundingSet=~CAP_IPC_LOCK' LimitMEMLOCK=0
	check "service: without a right to locked memory, DMA is refused by that name" refused_memory
	check "service: status says so before" sh -c \
		"hwbroker-ctl status | tee /dev/stderr | grep -q 'no more than 0 KiB can be pinned'"
	check "service: and the daemon goes on" is_active
	run_as_shipped
}

log_says() {
	journalctl -u hwbrokerd --no-pager -o cat --since "$began" | grep -q "$1"
}

at_rest() {
	hwbroker-ctl show --json "$1" | grep -q '"state": "host"'
}

# The lowest number that is free in a process, PID: up to there all of them are in use.
free_number() {
	local number=0
	while [ -e "/proc/$1/fd/$number" ]
	do
		number=$((number + 1))
	done
	echo $number
}

# What gives a device back needs a descriptor, and there is none to be had but in place of one
# that the loop itself closes: it makes its set of events anew when somebody else still has
# what was closed, as systemd has the connection's.
test_no_descriptor() {
	local broker allowed none
	broker=$(daemon_pid)
	allowed=$(prlimit --pid "$broker" --nofile --noheadings --output SOFT)
	sed 's/^reset = none/&\nrestore = yes/' "$here/policy/service.conf" > /etc/hwbroker/hwbroker.conf
	systemctl reload hwbrokerd
	within no_sessions
	none=$(free_number "$broker")
	start_act hold $edu 1
	prlimit --pid "$broker" --nofile="$none:"
	wait "$child"
	check "service: without a descriptor a device waits for one" \
		within log_says "$edu: comes to rest when there is a free descriptor"
	sleep 1
	prlimit --pid "$broker" --nofile="$allowed:"
	check "service: then it is at rest" within at_rest $edu
	check "service: and was not quarantined" test "$(entries quarantined)" = ""
	# Not even for its events: of clients' descriptors.
	start_act hold $edu 1
	prlimit --pid "$broker" --nofile=3:
	wait "$child"
	sleep 2
	check "service: without one even for its events root is answered" \
		timeout 10 hwbroker-ctl status
	check "service: and clients are as limited as before" \
		test "$(prlimit --pid "$broker" --nofile --noheadings --output SOFT)" -eq 3
	prlimit --pid "$broker" --nofile="$allowed:"
	check "service: it goes on when there are descriptors again" within at_rest $edu
	check "service: as the same process" test "$(daemon_pid)" = "$broker"
	cp "$here/policy/service.conf" /etc/hwbroker/hwbroker.conf
	systemctl reload hwbrokerd
}

run_service() {
	local child began
	began=$(date '+%F %T')
	sleep 1
	test_trail
	test_no_descriptor
	test_catalogue
	test_status
	test_rights
	test_flood
	test_watchdog
	test_limits
	rm -f "$output.act"
}

# It was started anew.
clean_up_service() {
	pid=$(daemon_pid)
	fds=$(count_fds "$pid")
}
