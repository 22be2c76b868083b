#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs in the virtual PC as root: each command of docs/tutorial.md, in its order, by whom its
# prompt names. What it prints must be what the page shows, but for `...' and the number of
# blanks. With --show all outputs are printed, to write the page by.
set -u

page=$(dirname "$0")/tutorial.md
show=0
[ "${1-}" != --show ] || show=1
failed=0
commands=0
patience=50 # tenths of a second, in which what is looked at may become what it is to be

# matches WANTED SAID: two files. A line `...' is any lines or none, and `...' in one the rest of it
# up to what follows.
matches() {
	perl -0777 -we '
		my ($wanted, $said) = map {
			open(my $file, "<", $_) or die "$_: $!";
			my $text = <$file> // "";
			$text =~ s/[ \t]+/ /g;
			$text =~ s/ $//mg;
			$text;
		} @ARGV;
		my $pattern = join "", map {
			$_ eq "...\n" ? "(?:.*\n)*?" : join(".*?", map { quotemeta } split(/\.\.\./, $_, -1))
		} split /^/, $wanted;
		exit($said =~ /\A$pattern\z/ ? 0 : 1);' "$1" "$2"
}

run() {
	if [ "$who" = '#' ]
	then
		(cd /root && exec bash -c "$1") < /dev/null
	else
		(cd /home/driver && exec setpriv --reuid=driver --regid=driver --clear-groups --inh-caps=-all \
			--bounding-set=-all --no-new-privs bash -c "$1") < /dev/null
	fi
}

# Looking twice does no harm, unlike anything else.
only_looks() {
	case $1 in
	*'>'*) return 1 ;;
	cat\ * | ls\ * | journalctl\ * | hwbroker-ctl\ list\ * | hwbroker-ctl\ status* | hwbrokerd\ --check) return 0 ;;
	'hwbroker-ctl --json list '* | 'hwbroker-ctl explain '* | 'hwbroker-ctl show '* | systemctl\ is-active*) return 0 ;;
	/usr/libexec/hwbroker/examples/*) return 0 ;;
	esac
	return 1
}

finish_command() {
	local tries=$patience matched=0
	[ -n "$command" ] || return 0
	printf '%s' "$expected" > /tmp/tutorial.wanted
	only_looks "$command" || tries=1
	while [ $matched = 0 ] && [ $tries -gt 0 ]
	do
		run "$command" > /tmp/tutorial.said 2>&1
		tries=$((tries - 1))
		if matches /tmp/tutorial.wanted /tmp/tutorial.said
		then
			matched=1
		elif [ $tries -gt 0 ]
		then
			sleep 0.1
		fi
	done
	commands=$((commands + 1))
	if [ $matched = 1 ]
	then
		echo "ok tutorial, line $line: ${command%%$'\n'*}"
		[ $show = 0 ] || sed 's/^/  | /' /tmp/tutorial.said
	else
		echo "not ok tutorial, line $line: ${command%%$'\n'*}"
		sed 's/^/  | /' /tmp/tutorial.said
		failed=$((failed + 1))
	fi
	command=
	expected=
}

command=
expected=
inside=0
number=0
while IFS= read -r text
do
	number=$((number + 1))
	case $inside$text in
	'0```console') inside=1 ;;
	'1```')
		finish_command
		inside=0
		;;
	'1# '* | '1$ '*)
		finish_command
		who=${text:0:1}
		command=${text:2}
		line=$number
		;;
	'1>'*)
		text=${text#>}
		command+=$'\n'${text# }
		;;
	1*) expected+=$text$'\n' ;;
	esac
done < "$page"
[ $inside = 0 ] || echo "not ok tutorial: a block has no end"
[ $commands != 0 ] || echo "not ok tutorial: has no commands"
[ $failed = 0 ] && [ $commands != 0 ] && [ $inside = 0 ]
