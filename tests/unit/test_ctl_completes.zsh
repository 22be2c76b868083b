#!/usr/bin/env zsh
# SPDX-License-Identifier: MIT
# test_ctl_completes.zsh FOLDER: the completion for zsh, in an interactive one with its own
# completion system, asked what may stand where; hwbroker-ctl knows two devices and a client.
emulate -R zsh
zmodload zsh/zpty || exit 1

work=$(mktemp -d)
trap 'zpty -d inner 2> /dev/null; rm -rf $work' EXIT
failed=0

mkdir $work/bin
cat > $work/bin/hwbroker-ctl <<'END'
#!/bin/sh
case "$*" in
'list devices')
	echo 'ADDRESS       DEVICE  IOMMU'
	echo '0000:00:03.0  card    3'
	echo '0000:00:1f.2  disk    7'
	echo '0000:00:1f.2: a note'
	;;
'list clients')
	echo 'ID  CLIENT  PID'
	echo '1   net     812'
	echo '2   -       900'
	echo '3   net     813'
	;;
esac
END
chmod 755 $work/bin/hwbroker-ctl

cat > $work/setup <<END
PS1= RPS1= PATH=$work/bin:\$PATH
cd $work/bin
fpath=(${(q)1:A} \$fpath)
autoload -Uz compinit
compinit -u -D
END
# Control-X asks instead of a key press: what matches what stands there goes to a file.
cat >> $work/setup <<'END'
compadd() {
	local -a matching
	builtin compadd -A matching "$@"
	offered+=($matching)
	builtin compadd "$@"
}
offer() {
	offered=()
	zle list-choices
	print -r -- "${(@ou)offered}" >> offers
	BUFFER=
}
zle -N offer
bindkey '^X' offer
: > ready
END

# Until FILE has COUNT lines; 30 seconds at most. What is printed meanwhile is thrown away.
await() {
	local tries text
	for ((tries = 0; tries < 600; tries++))
	do
		[[ -e $1 ]] && (( $(wc -l < $1) >= $2 )) && return 0
		while zpty -r -t inner text
		do
			:
		done
		sleep 0.05
	done
	return 1
}

# completes LINE WORD...: exactly these are offered at its end.
asked=0
completes() {
	local line=$1 got
	shift
	asked=$((asked + 1))
	zpty -w -n inner "$line"$'\x18'
	if ! await $work/bin/offers $asked
	then
		echo "not ok \`$line': no answer"
		exit 1
	fi
	got=$(tail -n 1 $work/bin/offers)
	if [[ $got == "$*" ]]
	then
		echo "ok \`$line'"
	else
		echo "not ok \`$line': $got, not $*"
		failed=1
	fi
}

zpty inner zsh -f -i
zpty -w inner ". $work/setup"
await $work/bin/ready 0 || {
	echo "not ok: no shell"
	exit 1
}
completes 'hwbroker-ctl lis' list
completes 'hwbroker-ctl list s' sessions
completes 'hwbroker-ctl list d' devices
completes 'hwbroker-ctl list devices --j' --json
completes 'hwbroker-ctl revoke ' 0000:00:03.0 0000:00:1f.2
completes 'hwbroker-ctl revoke --now 0000:00:1' 0000:00:1f.2
completes 'hwbroker-ctl revoke --n' --now
completes 'hwbroker-ctl --socket /run/x quarantine ' clear
completes 'hwbroker-ctl quarantine clear 0000:00:0' 0000:00:03.0
completes 'hwbroker-ctl generate-policy 0000:00:03.0 0000:00:1' 0000:00:1f.2
completes 'hwbroker-ctl genode-devices --as ' net
completes 'hwbroker-ctl explain ' net
completes 'hwbroker-ctl explain net 0000:00:1' 0000:00:1f.2
completes 'hwbroker-ctl status --n'
completes 'hwbroker-ctl nothing '
completes 'hwbroker-ctl check hwb' hwbroker-ctl
exit $failed
