# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of hwbroker-ctl's commands, options, and what they are about, for bash.

# A command, its options, and what its words are, a line each; the tool's own table says
# the same (tests/unit/test_ctl_completions.c).
_hwbroker_ctl_commands='
list devices|--json|
list clients|--json|
list sessions|--json|
list groups|--json|
show|--json|device
status|--json|
graph|--json --svg|
metrics|--json|
monitor|--json|
top|--json --once|
generate-policy|--json --client --user --ports --memory --interrupt|device
explain|--json|explain
audit|--json|device
revoke|--json --now|device
release|--json|device
check|--json|file
diff|--json|file
reload|--json|
quarantine clear|--json|device
run|--as|
genode-devices|--as|
genode-platform-info|--framebuffer|
'

# Options of every command; and those that a word follows.
_hwbroker_ctl_common='--socket --help --version'
_hwbroker_ctl_follows='--as --client --user --ports --memory --interrupt --framebuffer --socket'

_hwbroker_ctl_devices() {
	hwbroker-ctl list devices 2> /dev/null |
		sed -n 's/^\([0-9a-f]\{4,8\}:[0-9a-f]\{2\}:[0-9a-f]\{2\}\.[0-7]\) .*/\1/p'
}

_hwbroker_ctl_clients() {
	hwbroker-ctl list clients 2> /dev/null | awk 'NR > 1 && $2 != "-" { print $2 }' | sort -u
}

# The words that may stand where the cursor is, given those before it.
_hwbroker_ctl_words() {
	local before=$1 name options kind words='' all="$_hwbroker_ctl_common"
	while IFS='|' read -r name options kind
	do
		[ -n "$name" ] || continue
		if [[ "$before " == "$name "* ]]
		then
			all="$all $options"
			case $kind in
			device) words="$words $(_hwbroker_ctl_devices)" ;;
			client) words="$words $(_hwbroker_ctl_clients)" ;;
			explain)
				if [ "$before" = "$name" ]
				then
					words="$words $(_hwbroker_ctl_clients)"
				else
					words="$words $(_hwbroker_ctl_devices) $(echo irq:{0..15})"
				fi
				;;
			file) words="$words $(compgen -f -- "$2")" ;;
			esac
		elif [ -z "$before" ] || [[ "$name" == "$before "* ]]
		then
			name=${name#"$before"}
			name=${name# }
			words="$words ${name%% *}"
		fi
	done <<< "$_hwbroker_ctl_commands"
	[[ "$2" == -* ]] && words=$all
	echo "$words"
}

_hwbroker_ctl() {
	local line=${COMP_LINE:0:COMP_POINT} typed current='' last='' before='' word
	# Not COMP_WORDS, which bash cuts at the colons of an address.
	read -ra typed <<< "$line"
	if [[ "$line" != *' ' ]]
	then
		current=${typed[-1]}
		unset 'typed[-1]'
	fi
	for word in "${typed[@]:1}"
	do
		if [[ "$word" != -* && " $_hwbroker_ctl_follows " != *" $last "* ]]
		then
			before="$before${before:+ }$word"
		fi
		last=$word
	done
	case $last in
	--as | --client) word=$(_hwbroker_ctl_clients) ;;
	--user) word=$(compgen -u) ;;
	--socket) word=$(compgen -f -- "$current") ;;
	--interrupt) word='keyboard mouse com1 com2 lpt1' ;;
	--ports | --memory | --framebuffer) word='' ;;
	*) word=$(_hwbroker_ctl_words "$before" "$current") ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$word" -- "$current")
	if [[ "$current" == *:* && "$COMP_WORDBREAKS" == *:* ]]
	then
		word=${current%"${current##*:}"}
		COMPREPLY=("${COMPREPLY[@]#"$word"}")
	fi
}

complete -F _hwbroker_ctl hwbroker-ctl
