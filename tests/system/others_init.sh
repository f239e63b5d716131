#!/bin/sh
# SPDX-License-Identifier: MIT
#
# /init of the Linux kernels that cohcheck is tried on: does a bit of what changes code and page tables, says so, and
# powers off. On the kernel's command line: test.name; test.trace, patch every function of the kernel; test.wait, wait for
# a line on the console before powering off.

/bin/busybox mkdir -p /bin /proc /sys /dev /tmp
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
dmesg -n 4

name=linux trace='' wait=''
read -r cmdline </proc/cmdline
for word in $cmdline; do
	case $word in
	test.name=*) name=${word#*=} ;;
	test.trace) trace=yes ;;
	test.wait) wait=yes ;;
	esac
done

uname -a
echo "OTHERS $name up ;"

cpu=/sys/devices/system/cpu/cpu1/online
if [ -e $cpu ]; then
	echo 0 >$cpu
	echo 1 >$cpu
	echo "OTHERS $name $(nproc) CPUs ;"
fi

if [ -n "$trace" ]; then
	tracing=/sys/kernel/tracing
	mount -t tracefs tracefs $tracing
	echo function >$tracing/current_tracer
	ls -lR /sys/bus >/tmp/listing
	echo nop >$tracing/current_tracer
	echo "OTHERS $name traced $(grep -c '' /tmp/listing) ;"
fi

echo "OTHERS $name done ;"
[ -z "$wait" ] || read -r _
poweroff -f
