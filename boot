#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Prepares the machine, builds Tenon and boots it in QEMU with two Linux kernels: dom0 and one domU. See --help.

set -eu

cd "$(dirname "$0")"

usage()
{
	cat <<'END'
./boot [OPTION]...

Installs what is missing, builds, and starts QEMU's virt machine with Tenon at EL2, which starts two unmodified
Debian arm64 kernels: dom0, which owns the devices, and a domU. Both reach a shell.

  --once           no terminal: both kernels run uname -a, dom0 powers off, the exit status tells
                   (0: all of it happened; log: build/log/boot-once.log)
  --build-only     stop before QEMU
  --cpu MODEL      cortex-a57 (default), max (with FEAT_S2FWB), or any other of QEMU's
  --gic 2|3        version of the interrupt controller, of the machine and so of the guests (default 3)
  --cpus N         physical CPUs, 1 to 8 (default 2)
  --memory MIB     of the whole machine, 768 or more (default 1024)
  --debug          the build with assertions and lock checks
  --help           this text

In the session, Ctrl-A three times moves the console on: dom0, domU, Tenon, dom0 ... `poweroff` in dom0 ends the
session with exit status 0. Ctrl-B x ends QEMU itself at any time.

TENON_IMAGE=FILE boots that file in Tenon's place, for instance Debian's Xen: after tools/setup.sh reference
it is build/reference/xen-4.17/boot/xen-4.17-arm64. TENON_TIMEOUT is the limit of --once in seconds (300).
END
}

die()
{
	echo "boot: $*" >&2
	exit 2
}

# need_number OPTION VALUE LOW HIGH
need_number()
{
	case $2 in
	'' | *[!0-9]*) die "$1 takes a number, not '$2'" ;;
	esac
	[ "$2" -ge "$3" ] && [ "$2" -le "$4" ] || die "$1 is $3 to $4, not $2"
}

once=
build_only=
debug=0
cpu=cortex-a57
gic=3
cpus=2
memory=1024
while [ $# -gt 0 ]; do
	case $1 in
	--once) once=yes ;;
	--build-only) build_only=yes ;;
	--debug) debug=1 ;;
	-h | --help)
		usage
		exit 0
		;;
	--cpu | --gic | --cpus | --memory)
		[ $# -ge 2 ] || die "$1 takes a value (see --help)"
		case $1 in
		--cpu) cpu=$2 ;;
		--gic) gic=$2 ;;
		--cpus) cpus=$2 ;;
		--memory) memory=$2 ;;
		esac
		shift
		;;
	*) die "unknown option '$1' (see --help)" ;;
	esac
	shift
done
case $gic in
2 | 3) ;;
*) die "--gic is 2 or 3, not '$gic'" ;;
esac
need_number --cpus "$cpus" 1 8
need_number --memory "$memory" 768 65536

tools/setup.sh run

jobs=$(nproc)
if [ -n "${TENON_IMAGE:-}" ]; then
	image=$TENON_IMAGE
elif [ "$debug" = 1 ]; then
	image=build/gcc-debug/tenon
	make --no-print-directory -j "$jobs" DEBUG=1
else
	image=build/tenon
	make --no-print-directory -j "$jobs"
fi
make --no-print-directory initramfs
[ -z "$build_only" ] || exit 0

# The domU's kernel is Debian's cloud flavour: smaller, and told apart from dom0's by its uname.
run=build/run/boot${once:+-once}
dom0_args="console=hvc0 rdinit=/init tenon.name=dom0"
domu_args="console=ttyAMA0 rdinit=/init tenon.name=domu"
if [ -n "$once" ]; then
	dom0_args="$dom0_args tenon.once"
	domu_args="$domu_args tenon.once"
fi
tools/machine.sh --out "$run" --image "$image" --cpu "$cpu" --gic "$gic" --cpus "$cpus" --memory "$memory" \
	--append "console=dtuart dtuart=/pl011@9000000 dom0_mem=256M" \
	--dom0 build/guest/kernel/vmlinuz build/guest/initramfs.cpio "$dom0_args" \
	--domu domu 128 1 build/guest/kernel-cloud/vmlinuz build/guest/initramfs.cpio "$domu_args"

# qemu ARGUMENT... - replaces this shell.
qemu()
{
	IFS='
'
	exec "$@" $(cat "$run/qemu.args")
}
qemu_program=build/qemu/usr/bin/qemu-system-aarch64

if [ -z "$once" ]; then
	echo "boot: $image on QEMU's virt machine: $cpu, GICv$gic, $cpus CPUs, $memory MiB"
	echo "boot: Ctrl-A three times moves the console on: dom0, domU, Tenon, dom0 ..."
	echo "boot: poweroff in dom0 ends the session; Ctrl-B x ends QEMU"
	# QEMU's own escape key is moved away from Ctrl-A.
	qemu "$qemu_program" -serial mon:stdio -echr 2
fi

# --once: dom0 is told to power off, over the console, when both kernels have been heard.
log=build/log/boot-once.log
ended=$run/ended
mkdir -p build/log
rm -f "$ended"
: >"$log"

dom0_seen='Linux dom0 [0-9].* aarch64'
domu_seen='Linux domu [0-9].* aarch64'
dom0_ready='dom0: up after'

heard()
{
	grep -q -a "$1" "$log"
}

feed_console()
{
	while [ ! -e "$ended" ]; do
		if heard "$dom0_seen" && heard "$domu_seen" && heard "$dom0_ready"; then
			break
		fi
		sleep 0.2
	done
	# The shell may still be starting and then drop what was typed: say it until it ends.
	while [ ! -e "$ended" ]; do
		echo poweroff
		sleep 3
	done
}

limit=${TENON_TIMEOUT:-300}
feed_console | {
	status=0
	(qemu timeout "$limit" "$qemu_program" -serial stdio -monitor none) >>"$log" 2>&1 || status=$?
	echo "$status" >"$ended"
}
status=$(cat "$ended")

fail()
{
	echo "boot: FAILED: $*" >&2
	echo "boot: the last lines of $log:" >&2
	tail -n 40 "$log" | sed 's/^/    /' >&2
	exit 1
}
when="before QEMU ended with status $status"
[ "$status" != 124 ] || when="within $limit s"
heard "$dom0_seen" || fail "dom0 did not run uname -a $when"
heard "$domu_seen" || fail "the domU did not run uname -a $when"
[ "$status" != 124 ] || fail "dom0 did not power off $when"
[ "$status" = 0 ] || fail "QEMU ended with status $status"
grep -a -h -o -e "$dom0_seen.*" -e "$domu_seen.*" "$log" | tr -d '\r' | sort -u
echo "boot: dom0 and the domU came up and dom0 powered off"
