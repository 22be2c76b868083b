#!/bin/bash
# SPDX-License-Identifier: MIT
# test_main.sh HWBROKERD: its options, and what it does where its socket is to be.
set -u -o pipefail

daemon=$1
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$work"' EXIT
said=$work/said
# shellcheck source=tests/unit/check.sh
. "$(dirname "$0")/check.sh"

# says STATUS TEXT OPTION...: ends so, and with a line that holds TEXT.
says() {
	local wanted=$1 text=$2
	shift 2
	timeout 30 "$daemon" "$@" > "$work/said" 2>&1
	[ $? = "$wanted" ] && grep -qF -- "$text" "$work/said"
}

# starts OPTION...: and serves.
starts() {
	local tries=0
	: > "$work/said"
	"$daemon" --policy "$work/policy" --socket "$work/socket" --state "$work/state" "$@" 2> "$work/said" &
	pid=$!
	until grep -q 'ready: ' "$work/said"
	do
		tries=$((tries + 1))
		[ $tries -lt 300 ] && kill -0 "$pid" || return 1
		sleep 0.05
	done
}

ends() {
	kill "-$1" "$pid" 2> /dev/null
	wait "$pid" 2> /dev/null
	local status=$?
	pid=
	[ $status = "$2" ]
}

printf '[client a]\nuser = %s\n' "$(id -un)" > "$work/policy"
printf '[client a]\nusr = root\n' > "$work/wrong"
echo > "$work/file"
long=$(printf "$work/%0120d" 0)

check "--help" says 0 '--socket PATH' --help
check "--version" says 0 'hwbrokerd 0.' --version
check "an option that there is not" says 2 'hwbrokerd --help' --nothing
check "an argument" says 2 "unexpected argument \`more'" more
check "--check of a good policy" says 0 '0 rules, no mistake' --check --policy "$work/policy"
check "--check of a wrong one" says 78 "did you mean \`user'?" --check --policy "$work/wrong"
# bare: no priority in front, whatever stderr is.
bare() {
	! "$daemon" --check --policy "$work/wrong" 2>&1 | grep -v "^$work/wrong:2: "
}
check "whose mistakes are for who asks, not for a log" bare
check "does not start with a wrong one" says 78 "did you mean \`user'?" --policy "$work/wrong" \
	--socket "$work/socket" --state "$work/state"
check "does not take a file for its socket" says 1 'is not a socket' --policy "$work/policy" \
	--socket "$work/file" --state "$work/state"
check "nor a path that is too long" says 1 'is longer than' --policy "$work/policy" \
	--socket "$long" --state "$work/state"
check "nor one whose folder there is not" says 1 'cannot listen on' --policy "$work/policy" \
	--socket "$work/none/socket" --state "$work/state"
for option in socket policy state
do
	check "an empty path: --$option" says 2 "--$option needs a path" "--$option" ''
done
check "a misspelt option, by the name of the program" says 2 "hwbrokerd: unrecognized option" --nothing
# few COMMAND...: with eight descriptors, of which it has some already.
few() {
	(ulimit -n 8 && "$@")
}
check "nor starts without descriptors, for it could tell nothing right" few says 1 \
	'10 are needed: Too many open files. The limit is 8 (LimitNOFILE of its unit)' \
	--policy "$work/policy" --socket "$work/socket" --state "$work/state"
# passed: something else than a socket, as a service manager passes sockets.
passed() {
	(exec 3< /dev/null
	LISTEN_FDS=1 LISTEN_PID=$BASHPID LISTEN_FDNAMES=hwbrokerd.socket exec "$daemon" \
		--policy "$work/policy" --socket "$work/socket" --state "$work/state") > "$work/said" 2>&1
	[ $? = 1 ] && grep -qF 'no socket that listens with ListenSequentialPacket=' "$work/said"
}
check "does not listen to what is no socket" passed

# activated NAMES PATH:TYPE...: starts with sockets that listen there, as a service manager passes
# them by these names; TYPE as socket.SOCK_ of Python.
activated() {
	: > "$said"
	python3 - "$@" -- "$daemon" --policy "$work/policy" --socket "$work/socket" --state "$work/state" \
		2> "$said" << 'END' &
import os, socket, sys

end = sys.argv.index("--")
for number, text in enumerate(sys.argv[2:end], 3):
    path, kind = text.rsplit(":", 1)
    if os.path.exists(path):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, getattr(socket, "SOCK_" + kind))
    listener.bind(path)
    listener.listen()
    os.dup2(listener.detach(), number)
    os.set_inheritable(number, True)
os.environ.update(LISTEN_FDS=str(end - 2), LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES=sys.argv[1])
os.execv(sys.argv[end + 1], sys.argv[end + 1:])
END
	pid=$!
	local tries=0
	until grep -q 'ready: ' "$said"
	do
		tries=$((tries + 1))
		[ $tries -lt 300 ] && kill -0 $pid 2> /dev/null || return 1
		sleep 0.05
	done
}

# unfit TEXT NAMES PATH:TYPE...: it ends, and says so.
unfit() {
	local text=$1
	shift
	! activated "$@" && ends 0 1 && grep -qF -- "$text" "$said"
}

check "serves a socket that was passed by another name" activated other.socket "$work/there:SEQPACKET"
check "and says where that is" grep -q "listening on $work/there\$" "$said"
check "ends, and leaves it to who passed it" ends TERM 0
check "which it is" test -S "$work/there"
check "one that clients could not talk to is told by its name" unfit \
	"what was passed as \`other.socket' is no socket that listens with ListenSequentialPacket=" \
	other.socket "$work/there:STREAM"
check "and so are two of them" unfit "two sockets were passed, \`hwbrokerd.socket' and \`other'" \
	hwbrokerd.socket:other "$work/there:SEQPACKET" "$work/too:SEQPACKET"
check "starts, with options that change nothing" starts --foreground --verbose
check "a second one does not take its socket" says 1 'another hwbrokerd serves' --policy "$work/policy" \
	--socket "$work/socket" --state "$work/other"
check "ends by SIGINT" ends INT 0
check "and takes its socket with it" test ! -e "$work/socket"
check "starts again" starts
check "is ended" ends TERM 0
check "starts where it can write nothing down" starts --state "$work/none/state"
check "and says so" grep -q "cannot write $work/none/state.lock: No such file or directory: no device is taken" \
	"$work/said"
check "ends" ends TERM 0
check "starts once more" starts
check "is killed" ends KILL 137
check "a socket that a dead one has left is in nobody's way" starts
check "ends by SIGTERM" ends TERM 0
[ $failed = 0 ]
