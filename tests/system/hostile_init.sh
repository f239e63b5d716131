#!/bin/sh
# SPDX-License-Identifier: MIT
#
# /init of dom0 beside a hostile domain: sums that must come out the same, for test.seconds seconds from the first line
# on the console. Then it says
#     TEST sums N wrong M ;
# and another line on the console turns the machine off.

/bin/busybox mkdir -p /bin /proc /sys /dev /tmp
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev

seconds=60
read -r cmdline </proc/cmdline
for word in $cmdline; do
	case $word in
	test.seconds=*) seconds=${word#*=} ;;
	esac
done

# 512 KiB, by way of a pipe and of a file in memory.
make_sum()
{
	dd if=/init bs=512 count=1 2>/dev/null | md5sum >/tmp/seed
	dd if=/dev/zero bs=4096 count=128 2>/dev/null | tee /tmp/zeros | cat - /tmp/seed /tmp/zeros | md5sum
}

right=$(make_sum)
echo "TEST ready ;"
read -r line
uptime=$(cut -d . -f 1 /proc/uptime)
end=$((uptime + seconds))
sums=0
wrong=0
while [ "$uptime" -lt "$end" ]; do
	[ "$(make_sum)" = "$right" ] || wrong=$((wrong + 1))
	sums=$((sums + 1))
	uptime=$(cut -d . -f 1 /proc/uptime)
done
echo "TEST sums $sums wrong $wrong ;"
read -r line
poweroff -f
