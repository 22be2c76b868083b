# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What tests/parts/genode.sh has of images without a Linux around them: made from the
# installed project, and booted on the virtual PC.

# image_make NAME OPTION...: the image $images/NAME.cpio.gz of the stand-in and its companion.
image_make() {
	local name=$1
	shift
	"$images/root/usr/bin/hwbroker-mkimage" --root "$images/root" --session "$images/session" \
		--policy "$images/root/usr/libexec/hwbroker/tests/policy/genode.conf" \
		--output "$images/$name.cpio.gz" "$@" > "$images/$name.log" 2>&1 ||
		{
			cat "$images/$name.log" >&2
			return 1
		}
}

# image_boot NAME KERNEL PC_OPTION...: its console is then in $images/NAME.console. If QEMU itself
# ends, which is no result of ours, only a second run counts; what the first one left is beside it.
image_boot() {
	local name=$1 kernel=$2 first=1 status
	shift 2
	while true
	do
		status=0
		"$pc" boot --initrd "$images/$name.cpio.gz" --kernel "$kernel" --timeout 240 "$@" \
			> "$images/$name.console" 2> "$images/$name.pc" || status=$?
		[ $status != 0 ] || return 0
		cat "$images/$name.pc" >&2
		if [ $status != 125 ] || [ $first = 0 ]
		then
			break
		fi
		first=0
		echo "image $name: the virtual PC ended by itself ($images/$name-before.pc); once more" >&2
		mv "$images/$name.console" "$images/$name-before.console"
		mv "$images/$name.pc" "$images/$name-before.pc"
	done
	tail -n 60 "$images/$name.console" >&2
	return 1
}

# image_says NAME TEXT...: a line of the console holds each of the texts.
image_says() {
	local name=$1 text
	shift
	for text
	do
		grep -qF -- "$text" "$images/$name.console" || {
			echo "the console has no line with: $text" >&2
			return 1
		}
	done
}

# image_count NAME COUNT TEXT: so many lines of the console hold the text.
image_count() {
	local count
	count=$(grep -cF -- "$3" "$images/$1.console")
	[ "$count" = "$2" ] || {
		echo "$count lines of the console have: $3" >&2
		return 1
	}
}

# All that can be executed in it is init, the broker, libraries, and the session.
image_programs() {
	local others
	others=$(gzip -dc "$images/$1.cpio.gz" | busybox cpio -tv 2> /dev/null | awk '/^-..x/ { print $NF }' |
		grep -vE '^(init|usr/sbin/hwbrokerd|session/[^/]+|(usr/)?lib(64)?/.*\.so[.0-9]*)$')
	[ -z "$others" ] || {
		echo "programs in the image: $others" >&2
		return 1
	}
	! gzip -dc "$images/$1.cpio.gz" | busybox cpio -t 2> /dev/null |
		grep -E '(^|/)(ba|da|a|)sh$|busybox|systemd|udev|modprobe'
}

# The lines `ok ...' and `not ok ...' of a console, each a result.
image_results() {
	local line some=0
	while read -r line
	do
		case $line in
		'ok '*)
			ok "$2: ${line#ok }"
			some=1
			;;
		'not ok '*) not_ok "$2: ${line#not ok }" ;;
		esac
	done < "$images/$1.console"
	[ $some = 1 ] || not_ok "$2: the session says nothing"
}

# The broker is killed while a session runs; the next session has all that it should.
image_whole() {
	local kernel=$1 name=whole-$1
	cat > "$images/killer.conf" <<-END
	[session killer]
	command = /session/image-session kill-broker
	user = 0
	group = 0
	at_end = hold
	END
	if ! image_make "$name" --modules "$artefacts/modules-$kernel" --at-end poweroff \
		--command 'image-session second /session/hwb-stand-in all' --append "$images/killer.conf"
	then
		not_ok "image $kernel: is made"
		return
	fi
	mv "$images/$name.cpio.gz" "$images/first.cpio.gz"
	touch "$images/session/"*
	image_make "$name" --modules "$artefacts/modules-$kernel" --at-end poweroff \
		--command 'image-session second /session/hwb-stand-in all' --append "$images/killer.conf"
	verdict "image $kernel: made twice, the same bytes" \
		cmp "$images/$name.cpio.gz" "$images/first.cpio.gz"
	verdict "image $kernel: no other program in it" image_programs "$name"
	verdict "image $kernel: powers off when its session has ended" image_boot "$name" "$kernel"
	image_results "$name" "image $kernel"
	verdict "image $kernel: the stand-in for Genode's core has all that it wants" \
		image_says "$name" 'checks held, 0 did not'
	verdict "image $kernel: every module can be loaded" image_count "$name" 0 'cannot load'
	verdict "image $kernel: hwbrokerd finds VFIO" image_says "$name" 'backend vfio-group, IOMMU yes'
	verdict "image $kernel: hwbrokerd is killed, and started again" image_says "$name" \
		'hwbrokerd was ended by signal 9 (Killed); in 1 s it is started again'
	verdict "image $kernel: hwbrokerd is ready twice" image_count "$name" 2 'hwbrokerd is ready'
	verdict "image $kernel: each session starts twice" \
		image_count "$name" 4 'starts: /session/image-session'
	verdict "image $kernel: ends in order" image_says "$name" \
		'session image-session ended with status 0; at_end = poweroff' \
		'hwb-init: hwbrokerd ended with status 0'
}

# Mistakes are said with their place, and what init.conf wants then is done.
image_mistakes() {
	printf '[session next]\ncomand = x\n' > "$images/mistake.conf"
	verdict "image: with a mistake in init.conf is made" image_make mistake --on-error poweroff \
		--modules "$artefacts/modules-6.12" --command 'image-session' --append "$images/mistake.conf"
	verdict "image: ends for a mistake in init.conf" image_boot mistake 6.12
	verdict "image: says the mistake" image_says mistake \
		"[session] has no key \`comand'; did you mean \`command'?" \
		"[session next] has no \`user', which it needs" 'nothing is started'
	verdict "image: starts nothing" image_count mistake 0 'starts: '

	sed 's/^take/tkae/' "$images/root/usr/libexec/hwbroker/tests/policy/genode.conf" \
		> "$images/broken.conf"
	verdict "image: with a wrong policy is made" image_make policy --on-error hold \
		--modules "$artefacts/modules-6.12" --command 'image-session' --policy "$images/broken.conf"
	verdict "image: holds for a wrong policy" image_boot policy 6.12 --until 'on_error = hold'
	verdict "image: says what is wrong with the policy" image_says policy \
		"/etc/hwbroker/hwbroker.conf:" "did you mean \`take'?" 'hwbrokerd ended with status 78'
	verdict "image: starts no session without a policy" image_count policy 0 'starts: '

	verdict "image: with a session that stops the console is made" image_make stopped \
		--at-end poweroff --modules "$artefacts/modules-6.12" --command 'image-session stop-console'
	verdict "image: ends though its session stopped the console" image_boot stopped 6.12
	verdict "image: the console goes on after such a session" image_says stopped \
		'session image-session ended with status 0; at_end = poweroff' \
		'hwb-init: hwbrokerd ended with status 0'

	printf '[session next]\ncommand = /none\nuser = 1000\ngroup = 1000\n' > "$images/none.conf"
	verdict "image: of another kernel is made" image_make other --on-error poweroff \
		--modules "$artefacts/modules-6.1" --command 'image-session second /x' \
		--append "$images/none.conf"
	verdict "image: ends for a command that is not there" image_boot other 6.12
	verdict "image: says that modules are not of this kernel, and that there is no command" \
		image_says other 'cannot load /lib/modules/vfio.ko: Exec format error; it is not of this' \
		"session next: \`/none': cannot execute it in /: No such file or directory"
}

genode_image() {
	local tar kernel images artefacts
	images=$builds/images
	rm -rf "$images"
	if ! build gcc -DCMAKE_C_COMPILER=gcc || ! tar=$(payload gcc) || ! artefacts=$("$pc" image) ||
		! mkdir -p "$images/root" "$images/session" || ! tar -C "$images/root" -xf "$tar" ||
		! cp "$images/root/usr/libexec/hwbroker/hwb-stand-in" \
			"$images/root/usr/libexec/hwbroker/tests/image-session" "$images/session"
	then
		not_ok "image: builds"
		return
	fi
	for kernel in 6.12 6.1
	do
		image_whole "$kernel"
	done
	image_mistakes
}
