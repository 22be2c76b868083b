# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Suite `backend' of `run': which of its ways to devices the daemon goes, on a kernel that has
# iommufd and, unless it was told to leave them out, VFIO's containers; and what becomes of
# devices when the next daemon goes another way. The clients are those of suite `restart'.

# shellcheck source=tests/guest/suite_restart.sh
. "$here/suite_restart.sh"

drop_in=/run/systemd/system/hwbrokerd.service.d/backend.conf

use_backend() { # NAME
	mkdir -p "${drop_in%/*}"
	printf '[Service]\nExecStart=\nExecStart=/usr/sbin/hwbrokerd --backend %s\n' "$1" > "$drop_in"
	systemctl daemon-reload
}

containers() {
	! grep -qw initcall_blacklist=vfio_iommu_type1_init /proc/cmdline
}

goes_by() { # NAME
	hwbroker-ctl status --json | tee "$output" | tr -d ' ' | grep -qF "\"backend\":\"$1\""
}

has_problem() { # TEXT
	hwbroker-ctl status --json > "$output"
	cat "$output"
	grep -qF -- "$1" "$output"
}

refuses_nonsense() {
	hwbrokerd --backend nonsense > "$output" 2>&1
	[ $? = 2 ] && grep -qF 'there are: auto, vfio-group, iommufd' "$output"
}

# All that the daemon has open of devices is of the way that it goes.
nodes_of_devices() {
	find "/proc/$(daemon_pid)/fd" -lname '/dev/vfio/devices/*' | grep -q .
}

drives() { # TEXT
	start_client drive
	check "backend: $1: DMA and interrupts of a device" ends_well
	within no_sessions
}

# The client's device is open; the next daemon cannot take it up.
changes_under_a_client() { # FROM TO
	use_backend "$1"
	systemctl restart hwbrokerd
	check "backend: started with $1" goes_by "$1"
	start_client drive quiet
	sleep 0.3
	from_now_on
	use_backend "$2"
	check "backend: restarted with $2 under a client" restarts 1
	check "backend: its client cannot go on, and is told why" \
		said "cannot go on: the daemon before this one had its device by another backend, $1,"
	check "backend: nothing reaches memory" within no_bus_master
	touch $enough
	within test -s "$output.ended"
	check "backend: it goes by $2 now" goes_by "$2"
	within no_sessions
	drives "$2"
}

run_backend() {
	check "backend: one that there is not is refused with those that there are" refuses_nonsense
	if containers
	then
		check "backend: groups come first" goes_by vfio-group
		drives vfio-group
		changes_under_a_client vfio-group iommufd
		changes_under_a_client iommufd vfio-group
	else
		check "backend: without containers it is iommufd" goes_by iommufd
		mv /dev/iommu /dev/iommu.away
		check "backend: that its node goes is told" has_problem "/dev/iommu was removed"
		mv /dev/iommu.away /dev/iommu
		check "backend: and that it is back" eval '! has_problem "/dev/iommu was"'
		start_client drive
		check "backend: a device's node is open" nodes_of_devices
		check "backend: iommufd: DMA and interrupts of a device" ends_well
		start_client drive quiet
		sleep 0.3
		from_now_on
		use_backend vfio-group
		check "backend: restarted with one that does not work, under a client" restarts 1
		check "backend: the client's device is reset, bus mastering off" said 'bus mastering off'
		check "backend: nothing reaches memory" within no_bus_master
		touch $enough
		check "backend: one that does not work is told" has_problem \
			"no way to devices: vfio-group: VFIO has no type 1 v2 IOMMU backend"
		check "backend: and no other is taken instead" goes_by none
	fi
	rm -f "$drop_in"
	systemctl daemon-reload
	systemctl restart hwbrokerd
	check "backend: and as at first" goes_by "$(containers && echo vfio-group || echo iommufd)"
}

# The daemon has just been started: it looks at what it finds, with descriptors for that.
clean_up_backend() {
	within no_transit
	sleep 1
	clean_up_restart
}
