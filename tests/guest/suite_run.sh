# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2016
# Suite `run' of `run': a program with legacy ports in its I/O bitmap, started by the
# ordinary user `driver'.

probe=$here/ports-probe
ports=/usr/libexec/hwbroker/hwbroker-ports
beat=/tmp/hwbroker-beat

# In place of the shell: $! is hwbroker-ctl, and then what it executes.
ctl_run_as() { # USER WORD...
	local user=$1
	shift
	exec setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups hwbroker-ctl run "$@"
}

# ends STATUS TEXT COMMAND...: it ends with STATUS, and says TEXT.
ends() {
	local status=$1 text=$2 got
	shift 2
	("$@") > "$output" 2>&1
	got=$?
	cat "$output"
	echo "status $got"
	[ $got = "$status" ] && { [ -z "$text" ] || grep -qF -- "$text" "$output"; }
}

driver() {
	ctl_run_as driver --as driver -- "$@"
}

# What it prints is its last words of a line each; none of the capabilities is there.
no_privilege() {
	(driver cat /proc/self/status) > "$output" 2>&1
	cat "$output"
	[ "$(grep -cE '^Cap(Inh|Prm|Eff|Amb):[[:space:]]*0+$' "$output")" = 4 ] &&
		grep -qE '^NoNewPrivs:[[:space:]]*1$' "$output" &&
		grep -qE "^Uid:[[:space:]]*$(id -u driver)[[:space:]]" "$output"
}

# `ls' itself has 3 open.
no_descriptors() {
	[ "$(driver ls /proc/self/fd 7< /etc/passwd 9> /dev/null | tr '\n' ' ')" = '0 1 2 3 ' ]
}

same_signals() {
	diff <(setpriv --reuid=driver --regid=driver --clear-groups cat /proc/self/status | grep "^Sig[BIC]") \
		<(driver cat /proc/self/status | grep "^Sig[BIC]")
}

# start COMMAND...: in the background, as `driver'; until it holds ports.
start() {
	rm -f $beat
	(driver "$@") > "$output" 2>&1 &
	child=$!
	within test -s $beat
}

# Whether nobody writes there any more.
at_rest() {
	local before
	before=$(stat -c %s $beat)
	sleep 0.3
	[ "$(stat -c %s $beat)" = "$before" ]
}

# It has ended with STATUS and said TEXT, and nobody has its ports.
ended() {
	local got
	wait "$child"
	got=$?
	cat "$output"
	echo "status $got"
	[ $got = "$1" ] && grep -qF -- "$2" "$output" && at_rest
}

busy() {
	start "$probe" hold $beat || return 1
	ends 125 'in use by another owner' driver true &&
		hwbroker-ctl list sessions | grep -q 'ports 0x40-0x43'
	local good=$?
	kill "$child"
	wait "$child"
	return $good
}

signalled() {
	: > "$output"
	(driver sh -c 'trap "echo told; exit 9" USR1; echo ready; while :; do sleep 0.05; done') \
		> "$output" 2>&1 &
	child=$!
	within grep -q ready "$output"
	kill -USR1 $child
	wait $child
	[ $? = 9 ] && grep -q told "$output"
}

# Not the two that a shell has its jobs in the background ignore, else.
each_signal() {
	local signal
	: > "$output"
	(driver env --default-signal=INT,QUIT sh -c '
		for signal in HUP INT QUIT USR2 WINCH TERM; do trap "echo got $signal" $signal; done
		trap "exit 9" USR1; echo ready; while :; do sleep 0.05; done') > "$output" 2>&1 &
	child=$!
	within grep -q ready "$output"
	for signal in HUP INT QUIT USR2 WINCH TERM
	do
		kill -"$signal" $child && within grep -q "got $signal" "$output" || return 1
	done
	kill -USR1 $child
	wait $child
	[ $? = 9 ]
}

# on_terminal KEYS COMMAND: typed there when COMMAND says that it is ready.
on_terminal() {
	local told=$output.terminal
	: > "$told"
	# shellcheck disable=SC2059,SC2094 # keys; it is followed
	(within grep -q ready "$told"; printf "$1"; within grep -q end "$told"; sleep 0.2) |
		script -qec "$2" /dev/null > "$told"
	cat "$told"
}

# The program has it from the terminal, and from nobody else.
interrupted() {
	on_terminal '\003' "setpriv --reuid=driver --regid=driver --clear-groups hwbroker-ctl run \
		--as driver -- sh -c 'trap \"echo told\" INT; echo ready; sleep 2; sleep 0.5; echo end'" \
		> "$output"
	cat "$output"
	[ "$(grep -c told "$output")" = 1 ]
}

suspended() {
	cat > "$output.job" <<-'END'
	setpriv --reuid=driver --regid=driver --clear-groups hwbroker-ctl run --as driver -- \
		sh -c 'echo ready; sleep 1; echo went on'
	echo "stopped $?"
	fg > /dev/null
	echo "end $?"
	END
	on_terminal '\032' "bash -m $output.job" > "$output"
	cat "$output"
	grep -q 'stopped 147' "$output" && grep -q 'went on' "$output" && grep -q 'end 0' "$output"
}

# The kernel tells it the leader of the session alone, which `run' is then.
hung_up() {
	local told=$output.terminal leader
	: > "$told"
	script -qc "exec setpriv --reuid=driver --regid=driver --clear-groups hwbroker-ctl run \
		--as driver -- sh -c 'trap \"echo told > $beat; exit\" HUP; echo ready
		while :; do sleep 0.05; done'" /dev/null < /dev/null > "$told" &
	leader=$!
	install -m 666 /dev/null $beat
	within grep -q ready "$told" && kill -KILL $leader && within grep -q told $beat &&
		within no_sessions
}

# It is in a session of its own, so that the terminal interrupts `run' alone.
interrupted_elsewhere() {
	on_terminal '\003' "setpriv --reuid=driver --regid=driver --clear-groups hwbroker-ctl run \
		--as driver -- setsid sh -c 'trap \"echo told\" INT; echo ready; sleep 2; sleep 0.5
		echo end'" > "$output"
	cat "$output"
	[ "$(grep -c told "$output")" = 1 ]
}

alarmed() {
	ends 142 '' setpriv --reuid=driver --regid=driver --clear-groups "$probe" alarm \
		hwbroker-ctl run --as driver -- sleep 20
}

# left_by SIGNAL: who waits for a broker that does not answer.
left_by() {
	local good
	kill -STOP "$(daemon_pid)"
	(driver true) &
	child=$!
	sleep 0.5
	kill -"$1" $child
	within eval '! kill -0 $child 2> /dev/null'
	good=$?
	kill -KILL $child 2> /dev/null
	kill -CONT "$(daemon_pid)"
	return $good
}

# As its child would get a terminal that is not its session's.
without_a_terminal() {
	[ "$(setsid -w setpriv --reuid=driver --regid=driver --clear-groups \
		hwbroker-ctl run --as driver -- sh -c 'ps -o tty= $$; echo end' < /dev/null)" = "$(printf '?\nend')" ]
}

many_words() {
	local value i
	local -a words=()
	value=$(head -c 100000 /dev/zero | tr '\0' a)
	for i in 1 2 3 4 5
	do
		words+=("$value")
		export "LARGE$i=$value"
	done
	# The command itself is the shell's.
	[ "$(driver sh -c 'echo ${#1} ${#5} $# ${#LARGE5}' sh "${words[@]}")" = "100000 100000 5 100000" ]
}

set_user_id() {
	install -m 4755 /usr/bin/id /tmp/hwbroker-id
	[ "$(runuser -u driver -- /tmp/hwbroker-id -u)" = 0 ] &&
		[ "$(driver /tmp/hwbroker-id -u)" = "$(id -u driver)" ]
	local good=$?
	rm -f /tmp/hwbroker-id
	return $good
}

# reads_32_bit PORT: an i386 executable that reads it and exits with 0:
#     in al,PORT; xor ebx,ebx; mov eax,1; int 0x80
reads_32_bit() {
	local program=/tmp/hwbroker-i386
	# shellcheck disable=SC2059 # bytes
	{
		printf '\x7fELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0\1\0\0\0\x54\x80\4\x8\x34\0\0\0\0\0\0\0\0\0\0\0'
		printf '\x34\0\x20\0\1\0\0\0\0\0\0\0'
		printf '\1\0\0\0\0\0\0\0\0\x80\4\x8\0\x80\4\x8\x5f\0\0\0\x5f\0\0\0\5\0\0\0\0\x10\0\0'
		printf "\\xe4\\x$1\\x31\\xdb\\xb8\\1\\0\\0\\0\\xcd\\x80"
	} > $program
	chmod 755 $program
	driver $program
}

state_of() {
	sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 1
}

in_state() {
	[ "$(state_of "$1")" = "$2" ]
}

not_in_state() {
	! in_state "$@"
}

# A shell sees its job stop when the program does, and goes on with it.
stopped() {
	start "$probe" hold $beat || return 1
	# Not SIGTSTP: the kernel drops it where no shell is there to go on with the job.
	pkill -STOP -P "$child"
	within in_state "$child" T && at_rest && kill -CONT "$child" && within not_in_state "$child" T &&
		! at_rest
	local good=$?
	kill -CONT "$child"
	kill -KILL "$child"
	wait "$child"
	return $good
}

left_behind() {
	rm -f $beat
	(driver sh -c "$probe hide $beat; until [ -s $beat ]; do sleep 0.05; done; exit 3")
	[ $? = 3 ] && [ -s $beat ] && at_rest
}

# Who called exec(3) had a child before. It has no ports, and is nobody's to end.
others_go_on() {
	rm -f $beat
	(sleep 20 & echo $! > "$output.other"; driver sh -c "$probe hide $beat; until [ -s $beat ]; do sleep 0.05; done; exit 3")
	[ $? = 3 ] && [ -s $beat ] && at_rest && kill "$(cat "$output.other")"
}

parent_killed() {
	start "$probe" hold $beat || return 1
	kill -KILL "$child"
	wait "$child"
	within at_rest
}

policy_taken() {
	start "$probe" hold $beat && reload run-without && ended 143 'gives its ports no more' &&
		ends 125 'no ports' driver true
	local good=$?
	reload run
	return $good
}

other() {
	ctl_run_as other --as other -- "$@"
}

# One that does not want to end. Until it has, its ports are nobody else's.
stubborn() {
	start sh -c "trap '' TERM; exec $probe hold $beat" && kill -STOP "$child" &&
		reload run-other && mv "$output" "$output.first" &&
		ends 125 'in use by another owner' other true && mv "$output.first" "$output" &&
		kill -CONT "$child" && ended 137 'gives its ports no more' &&
		ends 0 counts other "$probe" counts
	local good=$?
	reload run
	return $good
}

# Stopped: over a restart the connection may be kept.
daemon_stopped() {
	start "$probe" hold $beat && systemctl stop hwbrokerd && ended 143 'the broker is gone'
	local good=$?
	systemctl start hwbrokerd
	[ $good = 0 ] && ends 0 counts driver "$probe" counts
}

# The connection is kept, or is another's by then: in either case the ports are his who has them.
daemon_restarted() {
	start "$probe" hold $beat || return 1
	systemctl restart hwbrokerd && ! at_rest &&
		(ends 125 'in use by another owner' driver true) > "$output.second" &&
		kill_daemon && within no_transit && ! at_rest &&
		(ends 125 'in use by another owner' driver true) > "$output.second" &&
		reload run-without && ended 143 'gives its ports no more'
	local good=$?
	cat "$output.second"
	reload run
	return $good
}

# Whoever has a capability is not his user's to look into.
closed_to_its_user() {
	start "$probe" hold $beat || return 1
	! runuser -u driver -- ls "/proc/$child/fd" > /dev/null 2>&1 &&
		! runuser -u driver -- head -c 1 "/proc/$child/mem" > /dev/null 2>&1 &&
		grep -qE '^CapPrm:[[:space:]]*0+$' "/proc/$child/status"
	local good=$?
	kill "$child"
	wait "$child"
	return $good
}

# elsewhere COMMAND...: where some file systems are mounted otherwise.
elsewhere() {
	unshare --mount --propagation private bash -c "$1"
}

with_caller() { # SETPRIV_OPTION...
	setpriv --reuid=driver --regid=driver --clear-groups "$@" \
		hwbroker-ctl run --as driver -- true
}

few_descriptors() {
	setpriv --reuid=driver --regid=driver --clear-groups prlimit --nofile=4:4 \
		hwbroker-ctl run --as driver -- true
}

environment() {
	# shellcheck disable=SC2016
	[ "$(LD_PRELOAD=/none/such.so A=kept driver sh -c 'echo "$A $HWB_NATIVE_PORTS $LD_PRELOAD"' 2> /dev/null)" \
		= 'kept 0x40-0x43,0x61 ' ]
}

# unit TYPE COMMAND: the unit of config/examples, with another user and program.
unit() {
	sed -e "s|^ExecStart=.*|ExecStart=/usr/bin/hwbroker-ctl run --as driver -- $2|" \
		-e 's|^User=.*|User=driver|' -e 's|^Restart=.*||' -e "s|^Type=.*|Type=$1|" \
		-e 's|^PrivateTmp=.*|ReadWritePaths=/tmp|' /usr/share/doc/hwbroker/examples/port-driver.service \
		> /run/systemd/system/port-driver.service
	systemctl daemon-reload
	systemctl start port-driver
}

in_a_unit() {
	unit oneshot /usr/libexec/hwbroker/examples/pit
	local good=$?
	journalctl -u port-driver --no-pager -o cat | tail -n 20
	journalctl -u port-driver --no-pager -o cat | grep -q natively || good=1
	return $good
}

# Even a program that hides from its parent, whom somebody kills.
unit_stopped() {
	rm -f $beat
	unit exec "/bin/sh -c \"$probe hide $beat; sleep 60\"" && within test -s $beat || return 1
	kill -KILL "$(systemctl show --property=MainPID --value port-driver)"
	systemctl stop port-driver
	at_rest
}

# The daemon's restart is none of the unit's.
unit_goes_on() {
	local pid good
	rm -f $beat
	unit exec "$probe hold $beat" && within test -s $beat || return 1
	pid=$(systemctl show --property=MainPID --value port-driver)
	systemctl restart hwbrokerd
	sleep 1
	[ "$(systemctl show --property=MainPID --value port-driver)" = "$pid" ] &&
		systemctl is-active port-driver
	good=$?
	systemctl stop port-driver
	return $good
}

clean_up_run() {
	rm -f /run/systemd/system/port-driver.service $beat
	systemctl daemon-reload
}

run_run() {
	check "run: without its capability it says what to do" \
		ends 125 'setcap cap_sys_rawio+p' driver true
	check "run: the helper is given its capability" "$probe" setcap $ports
	check "run: the timer is read natively" ends 0 counts driver "$probe" counts
	check "run: the example driver uses it" \
		ends 0 'natively' driver /usr/libexec/hwbroker/examples/pit
	check "run: and by batches otherwise" \
		ends 0 'ports 0x40-0x43 opened' runuser -u driver -- /usr/libexec/hwbroker/examples/pit
	check "run: a port beside the grant is a SIGSEGV" ends 139 '' driver "$probe" read 0x44
	check "run: so is the PCI configuration" ends 139 '' driver "$probe" read 0xcf8
	check "run: without it every port is" ends 139 '' setpriv --reuid=driver "$probe" read 0x40
	check "run: no capability, no_new_privs, the caller's user" no_privilege
	check "run: no descriptor but 0, 1 and 2" no_descriptors
	check "run: signals as the caller had them" same_signals
	check "run: the environment is kept, but for the loader's" environment
	check "run: the program's status" ends 7 '' driver sh -c 'exit 7'
	check "run: 128 and the signal that ended it" ends 143 '' driver sh -c 'kill -TERM $$'
	check "run: a command that is not there" ends 127 'No such file' driver no-such-command
	check "run: a file that is no command" ends 126 'Permission denied' driver /etc/passwd
	check "run: a folder is no command" ends 126 'Permission denied' driver /tmp
	check "run: nothing is no command" ends 127 'No such file' driver ''
	check "run: one that its user may not read is" ends 126 'Permission denied' driver /etc/shadow
	check "run: options of the command are its own" ends 0 'a --json' \
		ctl_run_as driver --as driver echo a --json
	check "run: another client's name" ends 125 "but \`driver'" ctl_run_as driver --as other -- true
	check "run: a name that nobody has" ends 125 "you are not client \`none'" \
		ctl_run_as driver --as none -- true
	check "run: a client without ports" ends 125 "gives client \`other' no ports" \
		ctl_run_as other --as other -- true
	check "run: who is no client" ends 125 'hwbroker-ctl: run' ctl_run_as nobody --as driver -- true
	check "run: no --as" ends 2 'needs --as CLIENT' ctl_run_as driver -- true
	check "run: no command" ends 2 'needs' ctl_run_as driver --as driver
	check "run: another socket" ends 2 '--socket' \
		ctl_run_as driver --socket /run/none --as driver -- true
	check "run: no broker" ends 125 'no broker' elsewhere \
		"mount -t tmpfs none /run/hwbroker; $(declare -f with_caller); with_caller"
	check "run: under a debugger" ends 125 'it is being traced' setpriv --reuid=driver --regid=driver \
		--clear-groups "$probe" trace hwbroker-ctl run --as driver -- true
	check "run: under no_new_privs" ends 125 'no_new_privs' with_caller --no-new-privs
	check "run: without the capability in the bounding set" \
		ends 125 'bounding set' with_caller --bounding-set=-sys_rawio
	check "run: on a file system with nosuid" ends 125 'nosuid' elsewhere \
		"mount --bind /usr/libexec/hwbroker /usr/libexec/hwbroker
		mount -o remount,bind,nosuid /usr/libexec/hwbroker
		$(declare -f with_caller); with_caller"
	check "run: with no descriptor open" ends 0 '' eval 'driver true <&- >&- 2>&-'
	check "run: with hardly any descriptor to be had" ends 125 '' few_descriptors
	check "run: the ports are in use" busy
	check "run: a signal is passed on" signalled
	check "run: so is each other" each_signal
	check "run: stopped and continued" stopped
	check "run: an interrupt from the terminal comes once" interrupted
	check "run: a shell sees its job stop, and goes on with it" suspended
	check "run: an interrupt comes where the program has a session of its own, too" interrupted_elsewhere
	check "run: the terminal hangs up" hung_up
	check "run: without a terminal" without_a_terminal
	check "run: what the program tells its parent is not told to itself" \
		ends 4 '' driver sh -c 'kill -USR1 $PPID; sleep 0.5; exit 4'
	check "run: an alarm that was set before is the program's" alarmed
	check "run: a signal ends it while it waits for the broker" left_by TERM
	check "run: long arguments and a large environment" many_words
	check "run: a set-user-id program is its caller's" set_user_id
	check "run: a program of 32 bits has the ports" ends 0 '' reads_32_bit 40
	check "run: and no other" ends 139 '' reads_32_bit 44
	check "run: not within itself" ends 125 '' driver hwbroker-ctl run --as driver -- true
	check "run: what the program leaves behind is ended" left_behind
	check "run: what was there before is not" others_go_on
	check "run: its parent is closed to its user, and has no capability" closed_to_its_user
	check "run: the program ends with its parent" parent_killed
	check "run: ended when the policy gives the ports no more" policy_taken
	check "run: ended by force, and its ports nobody's before, if it does not want to" stubborn
	check "run: ended with the daemon" daemon_stopped
	check "run: not by its restart, nor by its being killed" daemon_restarted
	check "run: from a unit of systemd" in_a_unit
	check "run: which goes on as the daemon is restarted" unit_goes_on
	check "run: nobody is left when such a unit has ended" unit_stopped
	pid=$(daemon_pid)
}
