#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The benchmark guest (bench/) on Debian's Xen 4.17 and on Tenon, on the same QEMU: prints a Markdown table of what each
# operation costs in instructions, guest and hypervisor together. Takes about three minutes. Logs: build/run/bench/.
#
#     tools/bench.sh [--write]                both hypervisors, GICv3 and GICv2; --write puts the table into
#                                             docs/performance.md
#     tools/bench.sh --profile [REGEX [2|3]]  Tenon, on GICv3 or the version named: where each instruction goes, by
#                                             function, of the operations whose "name (MMU off)" matches
#     tools/bench.sh --bounds                 Tenon's figures in the form of bench/bounds.list
#     tools/bench.sh --bounded [--write]      Tenon: the longest stretches with interrupts off (bench/bounded.h), as a table
#
# BENCH_BUILD=FOLDER takes Tenon and the guest from another build folder than build.

set -eu

cd "$(dirname "$0")/.."

build=${BENCH_BUILD:-build}
xen=build/reference/xen-4.17/boot/xen-4.17-arm64
guest=$build/bench/bench
run=build/run/bench
qemu=build/qemu/usr/bin/qemu-system-aarch64
document=docs/performance.md
# dtuart: not in /chosen of QEMU's tree. xsm=dummy: two domUs may talk to each other.
append="console=dtuart dtuart=/pl011@9000000 bootscrub=0 xsm=dummy"
newline='
'

# What the issue asked for, with the MMU off.
targets="hypercall.version 100
psci.version 110
smccc.workaround 18
hypercall.event_status 300
event.send_to_itself 480
interrupt.sgi 350
interrupt.timer 350
register.gicd_typer 150
register.uart_flags 150
register.id 100
grant.map_unmap 1200
grant.copy_4096 1150
event.domain_and_back 3000"

# measure NAME IMAGE GIC [QEMU-ARGUMENT]... - runs the guest and its peers; what it printed is in $run/NAME/console.
measure()
{
	out=$run/$1
	image=$2
	gic=$3
	shift 3
	mkdir -p "$out"
	rm -f "$out/console"
	# The last domain is the first in the tree, and domain 1: bench_events.c counts on it.
	tools/machine.sh --out "$out" --image "$image" --gic "$gic" --memory 512 --append "$append" \
		--qemu -icount --qemu shift=0,sleep=off \
		--domu peer1 16 1 "$guest" - peer=1 --domu peer0 16 1 "$guest" - peer=0 \
		--domu bench 16 2 "$guest" - number=1
	(
		IFS=$newline
		exec timeout 600 $qemu $(cat "$out/qemu.args") "$@" -serial "file:$out/console" -monitor none
	) </dev/null >"$out/qemu.log" 2>&1 &
	pid=$!
	# Xen goes on when its domains have stopped.
	while kill -0 "$pid" 2>/dev/null && ! grep -q -a 'DONE bench' "$out/console" 2>/dev/null; do
		sleep 0.2
	done
	sleep 0.2
	kill "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	if ! grep -q -a 'DONE bench .* 0 failed' "$out/console"; then
		echo "bench.sh: the guest failed or did not finish: see $out/console" >&2
		exit 1
	fi
}

# results NAME - "MMU operation instructions" for each line.
results()
{
	sed -n 's/.*BENCH \(on\|off\) \([^ ]*\) \([0-9.]*\).*/\1 \2 \3/p' "$run/$1/console" | grep -v ' loop '
}

table()
{
	echo "| operation (GICv$1) | goal | Xen, MMU off | Tenon, MMU off | ratio | Xen, MMU on | Tenon, MMU on | ratio |"
	echo '|---|---|---|---|---|---|---|---|'
	{
		echo "$targets" | sed 's/^/target /'
		results "xen-v$1" | sed 's/^/xen /'
		results "tenon-v$1" | sed 's/^/tenon /'
	} | awk '
	$1 == "target" { target[$2] = "<= " $3 }
	$1 == "xen" { xen[$2, $3] = $4 }
	$1 == "tenon" {
		tenon[$2, $3] = $4
		if (!($3 in seen)) {
			seen[$3] = 1
			order[nr++] = $3
		}
	}
	function three(mmu, name)
	{
		return sprintf("%.0f | %.0f | %.2f", xen[mmu, name], tenon[mmu, name],
			       xen[mmu, name] > 0 ? tenon[mmu, name] / xen[mmu, name] : 0)
	}
	END {
		for (i = 0; i < nr; i++) {
			printf "| %s | %s | %s | %s |\n", order[i], target[order[i]], three("off", order[i]), three("on", order[i])
		}
	}'
}

prepare()
{
	make --no-print-directory build="$build" -j "$(nproc)" all bench >&2
}

compare()
{
	tools/setup.sh reference
	prepare
	for gic in 3 2; do
		measure "xen-v$gic" $xen $gic
		measure "tenon-v$gic" "$build/tenon" $gic
		table $gic >"$run/table-v$gic.md"
	done
	{
		cat "$run/table-v3.md"
		echo
		cat "$run/table-v2.md"
	} >"$run/table.md"
	cat "$run/table.md"
}

# write OPTIONS - replace what is between the marks of the table that these options make.
write()
{
	awk -v table="$run/table.md" -v begin="<!-- table: tools/bench.sh $1 -->" '
	/^<!-- end of table -->/ { skip = 0 }
	!skip { print }
	$0 == begin {
		while ((getline line <table) > 0) {
			print line
		}
		skip = 1
	}' $document >"$run/document.md"
	cp "$run/document.md" $document
}

profile()
{
	prepare
	make --no-print-directory build="$build" bench-plugin >&2
	measure profile "$build/tenon" "$2" -plugin "$build/bench/bench_plugin.so,out=$run/profile.counts"
	aarch64-linux-gnu-nm -n "$build/tenon.elf" | awk -v console="$run/profile/console" \
		-v counts="$run/profile.counts" -v only="$1" -f bench/bench_profile.awk
}

bounds()
{
	prepare
	for gic in 3 2; do
		measure "tenon-v$gic" "$build/tenon" $gic
		results "tenon-v$gic" | awk -v gic=$gic '{ printf "v%s %-3s %-26s %.0f\n", gic, $1, $2, $3 }'
	done
}

bounded()
{
	prepare
	make --no-print-directory bench-plugin >&2
	python3 tests/system/run.py bounded/ >&2
	mkdir -p "$run"
	{
		echo '| operation | what | longest stretch | times interrupted | from | to |'
		echo '|---|---|---|---|---|---|'
		cat build/log/bounded-domu.md build/log/bounded-vcpus.md build/log/bounded-dom0.md
	} >"$run/table.md"
	cat "$run/table.md"
}

case ${1:-} in
'') compare ;;
--write)
	compare
	write --write
	;;
--bounded)
	bounded
	[ "${2:-}" != --write ] || write '--bounded --write'
	;;
--profile) profile "${2:-.}" "${3:-3}" ;;
--bounds) bounds ;;
*)
	echo "bench.sh: unknown option '$1'" >&2
	exit 2
	;;
esac
