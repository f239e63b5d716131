#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Measures the release build of Tenon and, beside it, Debian's Xen 4.17 on the same QEMU with the same guests, and
# prints one Markdown table. Takes about three minutes. Logs: build/run/figures/.
#
#     tools/figures.sh [size|memory|instructions|wall]...      (default: all)
#
# Instructions are counted by QEMU's -icount: with shift=0 one instruction is one virtual nanosecond, and the guest
# bench/first_entry.S prints the counter that it finds at its first instruction. Memory is what the hypervisor says:
# Tenon in its log at boot ("memory: ... KiB free"), Xen in answer to its debug key m.

set -eu

cd "$(dirname "$0")/.."

tools/setup.sh reference
make --no-print-directory -j "$(nproc)" >&2
make --no-print-directory bench initramfs >&2

tenon=build/tenon
xen=build/reference/xen-4.17/boot/xen-4.17-arm64
run=build/run/figures
qemu=build/qemu/usr/bin/qemu-system-aarch64
# The counter's frequency on cortex-a57 is 62.5 MHz: a tick is 16 virtual nanoseconds, 16 instructions.
ticks_to_instructions=16
args_xen="console=dtuart dtuart=/pl011@9000000 bootscrub=0"
newline='
'

row()
{
	printf '| %s | %s | %s | %s |\n' "$1" "$2" "$3" "$4"
}

# start LOG [INPUT] - runs the described machine in the background, its console's input from a file; its pid is in $pid.
start()
{
	: >"$1"
	(
		IFS=$newline
		exec timeout 120 $qemu $(cat "$run/qemu.args") -serial stdio -monitor none
	) <"${2:-/dev/null}" >"$1" 2>&1 3>&- &
	pid=$!
}

# wait_for LOG PATTERN SECONDS - true when the pattern appears in time and while the machine runs.
wait_for()
{
	tries=$(($3 * 20))
	while ! grep -q -a -e "$2" "$1"; do
		tries=$((tries - 1))
		if [ $tries -le 0 ] || ! kill -0 "$pid" 2>/dev/null; then
			grep -q -a -e "$2" "$1"
			return
		fi
		sleep 0.05
	done
}

stop()
{
	kill "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
}

# ---- size -------------------------------------------------------------------------------------------------

section_size()
{
	aarch64-linux-gnu-size -A -d "$1" | awk -v name="$2" '$1 == name { sum += $2 } END { print sum + 0 }'
}

# Lines with code on them, tests and their fakes aside: the preprocessor takes comments out, grep the empty lines.
count_code()
{
	find "$@" -name '*.[chS]' ! -name '*_test.*' ! -name '*_fake.*' ! -name '*_sim.*' | while read -r file; do
		gcc -fpreprocessed -dD -E -P -x c "$file" 2>/dev/null
	done | grep -c '[^[:space:]]'
}

figures_size()
{
	image=$(wc -c <$tenon)
	table=$(section_size build/gcc-release/symtab-full.o .symtab_table)
	row "Image file, bytes" "" "$image" "$(wc -c <$xen)"
	row "of it the symbol table, bytes" "" "$table" ""
	row "Image without the table, bytes" "<= 150000" "$((image - table))" ""
	row ".text, bytes" "" "$(section_size build/gcc-release/tenon.elf .text)" "476524 (known)"
	row "lines of code (abi, devtree, hypervisor)" "" "$(count_code abi devtree hypervisor)" ""
}

# ---- instructions -----------------------------------------------------------------------------------------

# first_entry IMAGE RAM_MIB GUEST_MIB - instructions from reset to the guest's first one, or "-".
first_entry()
{
	tools/machine.sh --out $run --image "$1" --memory "$2" --append "$args_xen" \
		--qemu -icount --qemu shift=0,sleep=off --domu bench "$3" 1 build/bench/first_entry - ""
	log=$run/first_entry-$(basename "$1")-$2-$3.log
	start "$log"
	wait_for "$log" 'first entry:.*[0-9a-f]' 60 || true
	# The line may be only half out when the pattern matches.
	sleep 0.3
	stop
	ticks=$(sed -n 's/.*first entry: \([0-9a-f]\{16\}\) .*/\1/p' "$log" | head -n 1)
	if [ -n "$ticks" ]; then
		echo $((0x$ticks * ticks_to_instructions))
	else
		echo -
	fi
}

millions()
{
	if [ "$1" = - ]; then
		echo -
	else
		awk -v n="$1" 'BEGIN { printf "%.2f M\n", n / 1e6 }'
	fi
}

# slope A B STEPS - (B - A) / STEPS in millions.
slope()
{
	if [ "$1" = - ] || [ "$2" = - ]; then
		echo -
	else
		awk -v a="$1" -v b="$2" -v n="$3" 'BEGIN { printf "%.3f M\n", (b - a) / n / 1e6 }'
	fi
}

figures_instructions()
{
	for ram in 512 1024 2048 4096; do
		t=$(first_entry $tenon $ram 64)
		x=$(first_entry $xen $ram 64)
		case $ram in
		512) goal="<= 6 M"; t_512=$t; x_512=$x ;;
		*) goal="" ;;
		esac
		row "reset to first guest instruction, 64 MiB domU, $ram MiB of RAM" "$goal" \
			"$(millions "$t")" "$(millions "$x")"
	done
	row "the same, each further GiB of RAM" "<= 0.3 M" "$(slope "$t_512" "$t" 3.5)" "$(slope "$x_512" "$x" 3.5)"
	for guest in 64 128 256 512; do
		t=$(first_entry $tenon 2048 $guest)
		x=$(first_entry $xen 2048 $guest)
		case $guest in
		64) t_64=$t; x_64=$x ;;
		*) row "reset to first guest instruction, $guest MiB domU, 2048 MiB of RAM" "" \
			"$(millions "$t")" "$(millions "$x")" ;;
		esac
	done
	row "creation of the domU, each MiB of its memory" "<= 0.06 M" "$(slope "$t_64" "$t" 448)" \
		"$(slope "$x_64" "$x" 448)"
}

# ---- memory -----------------------------------------------------------------------------------------------

# linux_machine IMAGE RAM_MIB [domu]
linux_machine()
{
	set -- "$1" "$2" ${3:+--domu domu 128 1 build/guest/kernel-cloud/vmlinuz build/guest/initramfs.cpio
		"console=ttyAMA0 rdinit=/init tenon.name=domu"}
	image=$1
	ram=$2
	shift 2
	tools/machine.sh --out $run --image "$image" --memory "$ram" --append "$args_xen dom0_mem=256M dom0_max_vcpus=1" \
		--dom0 build/guest/kernel/vmlinuz build/guest/initramfs.cpio "console=hvc0 rdinit=/init tenon.name=dom0" \
		"$@"
}

# free_kib IMAGE [domu] - KiB free of 2 GiB with a dom0 of 256 MiB, or "-".
free_kib()
{
	linux_machine "$1" 2048 "${2:-}"
	log=$run/memory-$(basename "$1")${2:+-$2}.log
	if [ "$1" = $xen ]; then
		# Twice or once Ctrl-A three times leads from dom0 to Xen; the key m there shows the memory.
		keys=$(printf '\001\001\001')
		[ -z "${2:-}" ] || keys=$keys$keys
		rm -f $run/console
		mkfifo $run/console
		exec 3<>$run/console
		start "$log" $run/console
		wait_for "$log" 'dom0: up after' 60 || true
		[ -z "${2:-}" ] || wait_for "$log" 'domu: up after' 60 || true
		# Xen frees the images' memory and scrubs in idle time.
		sleep 5
		printf '%sm' "$keys" >&3
		sleep 1
		exec 3>&-
		stop
		free=$(sed -n 's/.*Dom heap: \([0-9]*\)kB free.*/\1/p' "$log" | tail -n 1)
	else
		start "$log"
		wait_for "$log" 'memory: .* KiB free' 60 || true
		stop
		free=$(sed -n 's/.*memory: .* \([0-9]*\) KiB free.*/\1/p' "$log" | tail -n 1)
	fi
	echo "${free:--}"
}

kept()
{
	if [ "$1" = - ]; then
		echo -
	else
		echo "$((2048 * 1024 - 256 * 1024 - $1)) KiB"
	fi
}

kept_for_domu()
{
	if [ "$1" = - ] || [ "$2" = - ]; then
		echo -
	else
		echo "$(($1 - $2 - 128 * 1024)) KiB"
	fi
}

figures_memory()
{
	t=$(free_kib $tenon)
	x=$(free_kib $xen)
	row "kept of 2 GiB, dom0 of 256 MiB aside" "<= 12288 KiB" "$(kept "$t")" "$(kept "$x")"
	t_domu=$(free_kib $tenon domu)
	x_domu=$(free_kib $xen domu)
	row "kept for one 1-vCPU 128 MiB domU" "< 1024 KiB" "$(kept_for_domu "$t" "$t_domu")" \
		"$(kept_for_domu "$x" "$x_domu")"
}

# ---- wall time --------------------------------------------------------------------------------------------

# wall IMAGE - seconds from QEMU's start until both shells are up.
wall()
{
	linux_machine "$1" 1024 domu
	log=$run/wall-$(basename "$1").log
	begin=$(date +%s%N)
	start "$log"
	if wait_for "$log" 'dom0: up after' 100 && wait_for "$log" 'domu: up after' 100; then
		awk -v ns=$(($(date +%s%N) - begin)) 'BEGIN { printf "%.1f s\n", ns / 1e9 }'
	else
		echo -
	fi
	stop
}

figures_wall()
{
	row "QEMU's start to both shells, one CPU" "" "$(wall $tenon)" "$(wall $xen)"
}

[ $# -gt 0 ] || set -- size memory instructions wall
mkdir -p $run
for what in "$@"; do
	case $what in
	size | memory | instructions | wall) ;;
	*)
		echo "figures.sh: unknown figure '$what'" >&2
		exit 2
		;;
	esac
done
row figure goal Tenon "Debian's Xen 4.17"
row --- --- --- ---
for what in "$@"; do
	"figures_$what"
done
