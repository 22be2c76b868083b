#!/bin/busybox sh
# The initramfs: reaches the root disk, unpacks the payload over it, goes on there.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
while read -r module
do
	insmod "/modules/$module" || echo "initramfs: cannot load $module"
done < /modules/order

tries=0
while [ -z "$root" ] && [ $tries -lt 50 ]
do
	for disk in /dev/vd?
	do
		# The root file system is told by its label; it is not always vda.
		if [ "$(dd if="$disk" bs=1 skip=1144 count=8 2> /dev/null)" = hwbroker ]
		then
			root=$disk
		elif [ "$(dd if="$disk" bs=1 skip=257 count=5 2> /dev/null)" = ustar ]
		then
			payload=$disk
		fi
	done
	tries=$((tries + 1))
	[ -n "$root" ] || sleep 0.1
done
mount -t ext4 -o noatime "$root" /root || exec sh
[ -z "$payload" ] || tar -C /root -xf "$payload" || echo "initramfs: payload is damaged"
umount /proc /sys
exec switch_root /root /sbin/init
