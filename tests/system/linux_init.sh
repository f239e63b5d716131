#!/bin/sh
# SPDX-License-Identifier: MIT
#
# /init of the Linux domains in the boot tests: looks at what the kernel found and reports each check in a line
#     TEST <domain> ok|bad <check>: <detail> ;
# "TEST <domain> late: <what> ;" where a CPU came too late for Linux, and at the end "TEST <domain> done ;". The semicolon
# shows that the line has come whole. What to expect is on the kernel's command line: test.name, test.machine, test.cpus,
# test.mib, test.xen, test.rtc, test.wait, test.quick (leaves out what only takes time), test.block=MD5 of the first MiB of
# /dev/vda, test.net=MD5 of what 10.0.2.2 has as "file".

/bin/busybox mkdir -p /bin /proc /sys /dev /tmp
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev

name=linux machine=aarch64 cpus=1 mib=64 xen='' rtc='' wait='' quick='' block='' net=''
read -r cmdline </proc/cmdline
for word in $cmdline; do
	case $word in
	test.name=*) name=${word#*=} ;;
	test.machine=*) machine=${word#*=} ;;
	test.cpus=*) cpus=${word#*=} ;;
	test.mib=*) mib=${word#*=} ;;
	test.xen) xen=yes ;;
	test.rtc) rtc=yes ;;
	test.wait) wait=yes ;;
	test.quick) quick=yes ;;
	test.block=*) block=${word#*=} ;;
	test.net=*) net=${word#*=} ;;
	esac
done

# check NAME DETAIL CONDITION... - the condition is a command.
check()
{
	what=$1
	detail=$2
	shift 2
	if "$@"; then
		echo "TEST $name ok $what: $detail ;"
	else
		echo "TEST $name bad $what: $detail ;"
	fi
}

# bring_up ONLINE TRIES - that CPU, if it is not. Linux gives it a time by its clock, and a busy machine may take longer; but a
# CPU_ON that is lost looks the same, so more than these tries are told.
bring_up()
{
	tries=0
	while [ "$(cat "$1")" != 1 ] && [ $tries -lt 10 ]; do
		[ $tries = 0 ] || sleep 1
		echo 1 >"$1"
		tries=$((tries + 1))
	done
	[ $tries -le "$2" ] || echo "TEST $name late: ${1%/online}, $tries tries ;"
} 2>/dev/null

for online in /sys/devices/system/cpu/cpu[0-9]*/online; do
	[ ! -e "$online" ] || bring_up "$online" 0
done

check kernel "$(uname -a)" [ "$(uname -m)" = "$machine" ]
check cpus "$(nproc) of $cpus" [ "$(nproc)" = "$cpus" ]

total=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 1024))
check memory "$total of $mib MiB" [ "$total" -ge $((mib * 55 / 100)) -a "$total" -le "$mib" ]

if [ -n "$xen" ]; then
	check xen "$(cat /sys/hypervisor/type /sys/hypervisor/version/major /sys/hypervisor/version/minor 2>&1 | tr '\n' ' ')" \
		[ "$(cat /sys/hypervisor/type)" = xen ]
	upcalls=$(sed -n 's/^ *[0-9]*: *\([0-9]*\) .*arch_timer$/\1/p' /proc/interrupts)
	check timer "$upcalls interrupts" [ "${upcalls:-0}" -gt 10 ]
fi

# Time goes on, and neither at double nor at half speed.
if [ -z "$quick" ]; then
	before=$(cut -d. -f1 /proc/uptime)
	sleep 2
	after=$(cut -d. -f1 /proc/uptime)
	check sleep "2 s took $((after - before)) s" [ $((after - before)) -ge 1 -a $((after - before)) -le 20 ]
fi

# What goes into memory comes out of it.
dd if=/dev/urandom of=/tmp/a bs=1M count=8 2>/dev/null
cp /tmp/a /tmp/b
check copies "8 MiB" cmp /tmp/a /tmp/b
rm /tmp/a /tmp/b

# Many processes on all CPUs at once, all of which end.
rm -f /tmp/done
for i in 1 2 3 4 5 6 7 8; do
	(
		n=0
		while [ $n -lt 300 ]; do
			n=$((n + 1))
		done
		echo $i >>/tmp/done
	) &
done
wait
check processes "$(wc -l </tmp/done) of 8" [ "$(wc -l </tmp/done)" = 8 ]

# CPUs go and come back: PSCI, and the vCPU's state.
cpu=1
while [ $cpu -lt "$cpus" ]; do
	online=/sys/devices/system/cpu/cpu$cpu/online
	echo 0 >$online
	gone=$(cat $online)
	bring_up $online 1
	check hotplug "cpu $cpu, $tries tries" [ "$gone" = 0 -a "$(cat $online)" = 1 ]
	cpu=$((cpu + 1))
done

# A device's interrupt: the alarm of the machine's real-time clock (PL031), in two seconds.
if [ -n "$rtc" ]; then
	count()
	{
		sed -n '/rtc-pl031/{s/^ *[0-9]*: *//;s/[^0-9 ].*//;p}' /proc/interrupts | awk '{ for (i = 1; i <= NF; i++) n += $i } END { print n + 0 }'
	}
	before=$(count)
	echo +2 >/sys/class/rtc/rtc0/wakealarm
	tries=0
	while [ "$(count)" = "$before" ] && [ $tries -lt 20 ]; do
		sleep 1
		tries=$((tries + 1))
	done
	check rtc_interrupt "$(count) interrupts" [ "$(count)" -gt "$before" ]
fi

# Devices that read and write memory by themselves.
if [ -n "$block$net" ]; then
	for module in virtio_mmio virtio_blk failover net_failover virtio_net; do
		insmod /lib/$module.ko
	done
fi

if [ -n "$block" ]; then
	seen=$(dd if=/dev/vda bs=64k count=16 iflag=direct 2>/dev/null | md5sum)
	check block_read "${seen%% *}" [ "${seen%% *}" = "$block" ]
	dd if=/dev/urandom of=/tmp/a bs=64k count=16 2>/dev/null
	dd if=/tmp/a of=/dev/vda bs=64k seek=16 oflag=direct 2>/dev/null
	dd if=/dev/vda of=/tmp/b bs=64k skip=16 count=16 iflag=direct 2>/dev/null
	check block_write "1 MiB" cmp /tmp/a /tmp/b
	# And the same bytes through the page cache.
	dd if=/dev/vda of=/tmp/b bs=64k skip=16 count=16 2>/dev/null
	check block_cached "1 MiB" cmp /tmp/a /tmp/b
	rm /tmp/a /tmp/b
fi

if [ -n "$net" ]; then
	ifconfig eth0 10.0.2.15 up
	tftp -g -b 1428 -r file -l /tmp/a 10.0.2.2
	seen=$(md5sum </tmp/a)
	check net "${seen%% *}" [ "${seen%% *}" = "$net" ]
	rm /tmp/a
fi

check log "$(dmesg | grep -c .) lines" sh -c "! dmesg | grep -q -e 'Internal error' -e 'BUG:' -e 'rcu_.*detected stalls' -e 'Call trace'"

# After a second of its clock a 32-bit Linux takes back what a CPU needs to start: one that comes later is lost.
if dmesg | grep -q 'CPU[0-9]*: failed to come online'; then
	echo "TEST $name late: failed to come online ;"
fi
echo "TEST $name done ;"
if [ -n "$wait" ]; then
	read -r line
	echo "TEST $name got $line"
fi
poweroff -f
# poweroff -f does not return.
while :; do
	sleep 1
done
