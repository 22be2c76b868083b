#!/bin/sh
# Runs once inside the new root file system (chroot): users, and what not to start.
set -eu

echo virtual-pc > /etc/hostname
echo '127.0.0.1 localhost virtual-pc' > /etc/hosts
passwd -d root > /dev/null
useradd --create-home --uid 1000 --shell /bin/bash driver
useradd --create-home --uid 1001 --shell /bin/bash other
echo 'LABEL=hwbroker / ext4 rw,noatime 0 0' > /etc/fstab

# What a test machine without network and clock has no use for.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
	e2scrub_reap.service fstrim.timer systemd-timesyncd.service networking.service \
	seatd.service systemd-pstore.service systemd-update-utmp.service getty@tty1.service \
	systemd-random-seed.service systemd-journal-flush.service systemd-logind.service
do
	systemctl mask "$unit" > /dev/null 2>&1 || true
done
mkdir -p /etc/systemd/journald.conf.d
printf '[Journal]\nStorage=volatile\nForwardToConsole=no\n' \
	> /etc/systemd/journald.conf.d/test.conf

# The test itself: started when all else is up, talks over the second serial port.
cat > /etc/systemd/system/payload.service <<'UNIT'
[Unit]
Description=What the virtual PC was started for
After=multi-user.target
ConditionKernelCommandLine=hwbroker.script

[Service]
Type=exec
ExecStart=/usr/lib/hwbroker-payload
StandardInput=null
StandardOutput=null
StandardError=null

[Install]
WantedBy=multi-user.target
UNIT
cat > /usr/lib/hwbroker-payload <<'SCRIPT'
#!/bin/sh
script=$(sed -n 's/.*hwbroker\.script=\([^ ]*\).*/\1/p' /proc/cmdline)
stty -F /dev/ttyS1 raw -echo
exec < /dev/null > /dev/ttyS1 2>&1
echo "@start"
"$script"
echo "@exit $?"
SCRIPT
chmod 755 /usr/lib/hwbroker-payload
systemctl enable payload.service > /dev/null 2>&1

apt-get clean
rm -rf /var/lib/apt/lists/* /usr/share/doc/* /usr/share/man/* /usr/share/locale/*
