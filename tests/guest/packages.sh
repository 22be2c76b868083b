#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs in the virtual PC as root: the Debian packages from installation to purge. The part
# `packages' of tests/check has put those of two revisions into /opt/packages/1 and 2.
set -u

packages=/opt/packages
examples=/usr/libexec/hwbroker/examples
policy=/etc/hwbroker/policy.d/keep.conf

result() {
	local name=$1
	shift
	if "$@" > /tmp/output 2>&1
	then
		echo "ok $name"
	else
		echo "not ok $name"
		tail -n 19 /tmp/output | sed 's/^/  /'
	fi
}

as_user() {
	setpriv --reuid=driver --regid=driver --clear-groups --inh-caps=-all \
		--bounding-set=-all --no-new-privs "$@"
}

# says TEXT COMMAND...: the command prints TEXT somewhere; silent: it does not.
says() {
	local text=$1
	shift
	"$@" 2>&1 | tee /tmp/said
	grep -qF -- "$text" /tmp/said
}

silent() {
	! says "$@"
}

# within COMMAND...: it is so after 10 seconds at most.
within() {
	local tries=100
	until "$@"
	do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}

daemon_pid() {
	systemctl show --property=MainPID --value hwbrokerd
}

# apt sees to what they depend on, which is there; pci.ids, which names devices, is not.
install_packages() {
	apt-get install -y --no-install-recommends "$@"
}

# Of what the packages have had on the disk; the tests are beside it.
traces() {
	local path
	while read -r path
	do
		[ ! -e "$path" ] || [ -d "$path" ] || echo "$path"
	done < /tmp/files
	for path in /etc/hwbroker /run/hwbroker /usr/include/hwbroker /usr/share/hwbroker \
		/usr/share/doc/hwbrokerd /usr/share/doc/libhwbroker-client-dev
	do
		[ ! -e "$path" ] || echo "$path"
	done
	find /etc/systemd /var/lib/systemd/deb-systemd-helper* /var/lib/dpkg/info -name '*hwbroker*'
	getent group hwbroker
	dpkg -l 2> /dev/null | grep hwbroker
}

no_traces() {
	traces > /tmp/traces
	cat /tmp/traces
	[ ! -s /tmp/traces ]
}

active() {
	[ "$(systemctl is-active hwbrokerd)" = active ] &&
		[ "$(systemctl is-enabled hwbrokerd)" = enabled ]
}

# Group, folder of the socket and the catalogue are there as soon as it is installed.
settled() {
	getent group hwbroker && [ -d /run/hwbroker ] || return 1
	[ ! -e /usr/lib/systemd/catalog/hwbroker.catalog ] || journalctl --list-catalog | grep -q hwbrokerd
}

of_the_host() {
	[ "$(basename "$(readlink "/sys/bus/pci/devices/$1/driver")")" = "$2" ]
}

udevadm settle
result "the first revision is installed by apt" install_packages $packages/1/*.deb
dpkg -L hwbrokerd hwbroker-ctl libhwbroker-client0 libhwbroker-client-dev > /tmp/files
result "its service is active, and enabled" active
result "group, folder and catalogue are there" settled
result "dpkg finds all files as they were packed" dpkg --verify hwbrokerd hwbroker-ctl \
	libhwbroker-client0 libhwbroker-client-dev
result "nobody is granted anything" silent "acquired" as_user $examples/edu
result "who is no client is told what to do" says "policy" as_user $examples/edu

# What the last client left is put away first.
nobodys() {
	! hwbroker-ctl list devices | grep -E '^[0-9a-f:]*00:03.0 .*(revoking|granted)'
}

start_client() {
	within nobodys
	as_user $examples/keep > /tmp/keep.log 2>&1 &
	client=$!
}

at_work() {
	within grep -q "at work" /tmp/keep.log && return
	cat /tmp/keep.log
	return 1
}

# ---- a policy, and a client

cat > $policy <<END
[client driver]
user = driver

[device edu]
client = driver
address = 00:03.0
restore = yes
dma = yes
reset = none

[device disk]
client = driver
id = 1b36:0010
take = yes
restore = yes
dma = yes
END
result "a drop-in is accepted" hwbrokerd --check
result "and put into force" systemctl reload hwbrokerd
drives() {
	within says "edu: ok" as_user $examples/edu
}
result "then a client drives a device" drives

# ---- an upgrade while a client holds a device

echo '# edited by the administrator' >> /etc/hwbroker/hwbroker.conf
start_client
result "a client keeps a device" at_work
before=$(daemon_pid)
result "the second revision is installed over it" install_packages $packages/2/*.deb
another_daemon() {
	[ "$(daemon_pid)" != "$before" ] && active
}
result "another daemon runs" another_daemon
result "it is of the second revision" says "-2" dpkg-query -W hwbrokerd
result "the administrator's file is kept" \
	grep -q "edited by the administrator" /etc/hwbroker/hwbroker.conf
result "and so is the drop-in" test -e $policy
sleep 2
client_ended() {
	! kill -0 $client 2> /dev/null
}
session_kept() {
	cat /tmp/keep.log
	! client_ended
}
session_ended() {
	within client_ended
	wait $client
	[ $? = 1 ] && grep "listen to the broker" /tmp/keep.log
}
# With a store for its descriptors a restart ends no session.
if systemctl cat hwbrokerd | grep -q '^FileDescriptorStoreMax='
then
	result "the client did not notice" session_kept
else
	result "the client is told" session_ended
	start_client
	result "and gets its device again" at_work
fi
listed() {
	hwbroker-ctl list devices | grep 00:03.0 | grep granted
}
result "the device is listed as the client's" listed

# ---- an upgrade that would not accept the policy

echo 'tkae = yes' >> $policy
before=$(daemon_pid)
result "an upgrade with a wrong policy says so" \
	says "does not accept the policy" install_packages --reinstall $packages/2/hwbrokerd_*.deb
result "and leaves the daemon that runs" test "$(daemon_pid)" = "$before"
result "and its client" session_kept
sed -i '$d' $policy

# ---- remove, install again, purge

as_user $examples/nvme > /tmp/nvme.log 2>&1
result "a disk's driver has run" says "nvme: ok" cat /tmp/nvme.log
result "packages are removed while the client has its device" \
	apt-get remove -y hwbrokerd hwbroker-ctl libhwbroker-client0
within client_ended
result "the client has ended" client_ended
none_with_vfio() {
	! find /sys/bus/pci/drivers/vfio-pci/ -name '0000:*' | grep .
}
result "no device is left with vfio-pci" within none_with_vfio
result "the disk is the host's again" within of_the_host 0000:00:06.0 nvme
result "policy and drop-in are still there" test -e /etc/hwbroker/hwbroker.conf -a -e $policy
result "installed again, it runs with the policy that was there" \
	install_packages $packages/2/*.deb
result "and a client drives the device" drives
result "all is purged" apt-get purge -y hwbrokerd hwbroker-ctl libhwbroker-client0 \
	libhwbroker-client-dev
result "no trace is left" no_traces

# ---- the tutorial begins with an installation, and ends with a purge

mkdir -p /root/build
ln -s $packages/1 /root/build/packages
"$(dirname "$0")/tutorial.sh"
result "no trace is left after the tutorial" no_traces
