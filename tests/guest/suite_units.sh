# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2016
# Suite `units' of `run': a client is the processes of a unit, by the kernel's word on who has
# connected, whatever has happened to that process and its number since.

# Where the kernel does not keep the process (before 6.5) it must have run for a while.
kept() {
	[ "$(printf '6.5\n%s\n' "$(uname -r)" | sort -V | head -n 1)" = 6.5 ]
}

# in_unit UNIT USER COMMAND...: what it says, as a service of that name; OPTION of systemd-run.
in_unit() {
	local unit=$1 user=$2
	shift 2
	rm -f /run/hwbtest
	# shellcheck disable=SC2086
	systemd-run --quiet --collect --unit="$unit" --uid="$user" -p Type=oneshot $OPTION \
		-p StandardOutput=file:/run/hwbtest "$@" 2>&1 | grep -v '^Job for\|^See '
	cat /run/hwbtest
}

# Old enough for any kernel.
settled() {
	in_unit "$1" "$2" /bin/sh -c "sleep 2.5; exec $here/take 00:03.0 < /dev/null"
}

# With no moment in between at which the daemon sees that no connection waits.
at_once() {
	systemctl kill --signal=STOP hwbrokerd
	(sleep 1.5; systemctl kill --signal=CONT hwbrokerd) &
	in_unit hwbtest-a driver "$here/take" 00:03.0
}

outside() {
	(as_driver /bin/sh -c "sleep 2.5; exec $here/take 00:03.0 < /dev/null")
}

says() {
	local text=$1
	shift
	"$@" > "$output" 2>&1
	cat "$output"
	grep -qF -- "$text" "$output"
}

# In a control group that root makes as a user's own systemd would.
as_if_of_users() {
	local group=/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/hwbtest-a.service
	mkdir -p $group
	# shellcheck disable=SC2016
	bash -c 'echo $$ > "$1/cgroup.procs" && sleep 2.5 && exec setpriv --reuid=driver --regid=driver --clear-groups "$2" 00:03.0 < /dev/null' \
		sh $group "$here/take"
	rmdir $group
}

# A process of the unit, whose control group others are put into.
start_unit() {
	systemd-run --quiet --collect --unit=hwbtest-b --uid=driver sleep 120
	unit_group=/sys/fs/cgroup$(systemctl show --property=ControlGroup --value hwbtest-b)
}

# A process with this number, in the unit.
recycle() {
	local number=$1 tries child
	for ((tries = 0; tries < 200; tries++))
	do
		echo $((number - 1)) > /proc/sys/kernel/ns_last_pid
		sleep 60 &
		child=$!
		if [ $child = "$number" ]
		then
			echo $child > "$unit_group/cgroup.procs"
			return
		fi
		kill $child
	done
	echo "no process has got the number $number"
	return 1
}

# The daemon does not see the connection before its number is another's, who is in the unit.
recycled() {
	local number answer
	systemctl kill --signal=STOP hwbrokerd
	coproc stray { as_driver "$here/stray" gone; }
	read -r number <&"${stray[0]}"
	recycle "$number" || {
		systemctl kill --signal=CONT hwbrokerd
		return 1
	}
	systemctl kill --signal=CONT hwbrokerd
	echo go >&"${stray[1]}"
	read -r answer <&"${stray[0]}"
	grep -q hwbtest-b "/proc/$number/cgroup" || answer="its successor is not in the unit"
	kill "$number"
	echo "$answer"
}

# Who connected is outside of the unit; who speaks is moved into it.
lent() {
	local number answer
	coproc stray { as_driver "$here/stray" lend; }
	read -r number <&"${stray[0]}"
	sleep 0.5
	echo "$number" > "$unit_group/cgroup.procs"
	echo go >&"${stray[1]}"
	read -r answer <&"${stray[0]}"
	echo "$answer"
}

run_units() {
	OPTION=
	check "units: a process of the unit has the device" says "taken" settled hwbtest-a driver
	if kept
	then
		check "units: as soon as it starts" says "taken" \
			in_unit hwbtest-a driver "$here/take" 00:03.0
	else
		check "units: as soon as it starts it is told to connect again" says "connect again" at_once
	fi
	check "units: another user in the unit is refused" says "no [client] section" \
		settled hwbtest-a other
	check "units: another unit is refused" says "in unit nohwbtest-a.service" \
		settled nohwbtest-a driver
	check "units: the same user outside is refused" says "matches uid 1000" outside
	OPTION=--slice=hwbtest
	check "units: by the slice" says "taken" settled other-name nobody
	OPTION=
	check "units: outside of the slice" says "no [client] section" \
		settled other-name nobody
	check "units: a unit of a user's own systemd is not it" says "in unit user@1000.service" \
		as_if_of_users
	start_unit
	check "units: who connected counts, not who speaks" says "refused: no [client] section" lent
	if kept
	then
		check "units: who has got its number is not it" says "has ended" recycled
	else
		check "units: who has got its number is not it" says "connect again" recycled
	fi
	systemctl stop hwbtest-b
}
