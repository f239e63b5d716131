#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What cohcheck costs: the same machine in plain QEMU and under cohcheck, by turns, and the medians as a Markdown table.
# Logs: build/run/cohcheck-figures/.
#
#     tools/cohcheck_figures.sh [--rounds N] [linux|xen|tenon]...      (default: 5 rounds of all, about ten minutes)
#
#     linux   Debian's Linux at EL1, from reset to its first program in user space, which powers off
#     xen     Debian's Xen with that as dom0
#     tenon   Tenon with dom0 and a domU; dom0 powers off when both are up
#
# All on one cortex-a57. Memory is what cohcheck keeps of lines, pages and translation tables, for each byte of the
# guest's RAM. COHCHECK names another cohcheck than build/cohcheck.

set -eu

cd "$(dirname "$0")/.."

rounds=5
if [ "${1:-}" = --rounds ]; then
	rounds=$2
	shift 2
fi
case $rounds in
'' | *[!0-9]* | 0)
	echo "cohcheck_figures.sh: --rounds takes a number of at least 1" >&2
	exit 2
	;;
esac
[ $# -gt 0 ] || set -- linux xen tenon
for what in "$@"; do
	case $what in
	linux | xen | tenon) ;;
	*)
		echo "cohcheck_figures.sh: unknown figure '$what'" >&2
		exit 2
		;;
	esac
done

cohcheck=${COHCHECK:-build/cohcheck}
qemu=build/qemu/usr/bin/qemu-system-aarch64
xen=build/reference/xen-4.17/boot/xen-4.17-arm64
run=build/run/cohcheck-figures
limit=300
newline='
'

tools/setup.sh reference
make --no-print-directory -j "$(nproc)" all initramfs >&2
[ -n "${COHCHECK:-}" ] || make --no-print-directory -j "$(nproc)" cohcheck >&2
rm -rf $run
mkdir -p $run

# dom0 with test.wait powers off when a line is typed.
cat >$run/init <<'END'
#!/bin/sh
/bin/busybox mount -t proc proc /proc
read -r cmdline </proc/cmdline
/bin/busybox uname -a
echo "FIGURES up"
case $cmdline in
*test.wait*) read -r _ ;;
esac
/bin/busybox poweroff -f
END
chmod +x $run/init
sed "s,tools/guest/init,$run/init," tools/guest/initramfs.list >$run/initramfs.list
build/tools/mkcpio $run/initramfs.list >$run/initramfs.cpio

# describe NAME - QEMU's arguments, one a line, in $run/NAME.args.
describe()
{
	case $1 in
	linux)
		cat >$run/linux.args <<-END
			-L
			build/qemu/usr/share/qemu
			-machine
			virt,gic-version=3
			-cpu
			cortex-a57
			-m
			512
			-nodefaults
			-display
			none
			-no-reboot
			-kernel
			build/guest/kernel/vmlinuz
			-initrd
			$run/initramfs.cpio
			-append
			console=ttyAMA0 quiet nokaslr rdinit=/init
		END
		;;
	xen)
		tools/machine.sh --out $run/xen --image $xen --memory 1024 \
			--append "console=dtuart dtuart=/pl011@9000000 bootscrub=0 dom0_mem=256M" \
			--dom0 build/guest/kernel/vmlinuz $run/initramfs.cpio "console=hvc0 quiet nokaslr rdinit=/init"
		mv $run/xen/qemu.args $run/xen.args
		;;
	tenon)
		tools/machine.sh --out $run/tenon --image build/tenon --memory 1024 --append "dom0_mem=256M" \
			--dom0 build/guest/kernel/vmlinuz $run/initramfs.cpio \
			"console=hvc0 quiet nokaslr rdinit=/init test.wait" \
			--domu domu 128 1 build/guest/kernel-cloud/vmlinuz $run/initramfs.cpio \
			"console=ttyAMA0 quiet nokaslr rdinit=/init"
		mv $run/tenon/qemu.args $run/tenon.args
		;;
	esac
}

# answer LOG FIFO - a line on dom0's console when both domains are up, and the end of the input when QEMU has ended.
answer()
{
	exec 3>"$2"
	while [ ! -e "$1.ended" ]; do
		if [ "$(grep -a -c 'FIGURES up' "$1")" -ge 2 ]; then
			echo >&3
			break
		fi
		sleep 0.05
	done
}

# measure NAME HOW ROUND COMMAND... - runs COMMAND with the machine's arguments; appends "wall cpu" to $run/NAME.HOW.
measure()
{
	name=$1
	how=$2
	log=$run/$name-$how-$3.log
	shift 3
	fifo=$run/console
	rm -f $fifo "$log.ended"
	mkfifo $fifo
	: >"$log"
	answer "$log" $fifo &
	answering=$!
	begin=$(date +%s%N)
	# times(1) of this subshell alone: the second line is what its children took.
	(
		IFS=$newline
		status=0
		timeout $limit "$@" $(cat $run/$name.args) -serial stdio -monitor none <$fifo >>"$log" 2>&1 || status=$?
		echo $status >"$log.ended"
		times >"$log.times"
	)
	end=$(date +%s%N)
	wait $answering
	status=$(cat "$log.ended")
	# cohcheck's 1: it found something, which is not the question here.
	if [ "$status" -gt 1 ] || ! grep -q -a 'FIGURES up' "$log"; then
		echo "cohcheck_figures.sh: $name ($how) did not end as it should (status $status): see $log" >&2
		exit 1
	fi
	awk -v ns=$((end - begin)) 'NR == 2 {
		split($1, user, "m"); split($2, system_, "m")
		printf "%.2f %.2f\n", ns / 1e9, user[1] * 60 + user[2] + system_[1] * 60 + system_[2]
	}' "$log.times" >>$run/$name.$how
}

# median FILE COLUMN
median()
{
	awk -v column="$2" '{ print $column }' "$1" | sort -n |
		awk '{ value[NR] = $1 } END { print (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2 }'
}

total()
{
	sed -n "s/.*\"$2\": *\([0-9]*\).*/\1/p" "$1" | head -n 1
}

# row TITLE GOAL NAME
row()
{
	json=$run/$3.json
	model=$(total "$json" model_bytes)
	shadow=$(total "$json" shadow_bytes)
	ram=$(total "$json" ram_bytes)
	awk -v title="$1" -v goal="$2" -v pw="$(median $run/$3.plain 1)" -v cw="$(median $run/$3.checked 1)" \
		-v pc="$(median $run/$3.plain 2)" -v cc="$(median $run/$3.checked 2)" \
		-v model="${model:-0}" -v shadow="${shadow:-0}" -v ram="${ram:-1}" 'BEGIN {
		printf "| %s | %.1f s | %.1f s | %.2fx | %s | %.1f s | %.1f s | %.2fx | %.2f |\n", title, pw, cw, cw / pw,
			goal, pc, cc, cc / pc, (model + shadow) / ram
	}'
}

for what in "$@"; do
	describe "$what"
	round=0
	while [ $round -lt "$rounds" ]; do
		round=$((round + 1))
		measure "$what" plain $round $qemu
		measure "$what" checked $round "$cohcheck" --log "$run/$what.findings" --json "$run/$what.json" -- $qemu
	done
done

echo "| machine | plain | cohcheck | slow-down | goal | CPU time, plain | cohcheck | ratio | bytes per byte of RAM (<= 0.35) |"
echo "|---|---|---|---|---|---|---|---|---|"
for what in "$@"; do
	case $what in
	linux) row "Linux 6.1 to user space, EL1" "<= 2.0x" linux ;;
	xen) row "Xen 4.17, dom0 to user space" "<= 1.5x" xen ;;
	tenon) row "Tenon, dom0 and domU to user space" "<= 1.5x" tenon ;;
	esac
done
