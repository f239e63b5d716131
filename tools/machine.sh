#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Describes a QEMU machine with a hypervisor, its guests' images in memory and a device tree that names them, with
# the bindings that Xen documents (docs/misc/arm/device-tree/booting.txt, guest.txt).
#
#     tools/machine.sh --out FOLDER --image FILE [OPTION]...
#
#     --image FILE      the hypervisor: build/tenon, or any other that boots as Xen does
#     --append WORDS    its command line (xen,xen-bootargs)
#     --cpu MODEL --gic 2|3 --cpus N --memory MIB
#     --dom0 KERNEL INITRD BOOTARGS
#     --domu NAME MIB VCPUS KERNEL INITRD BOOTARGS     may be repeated; INITRD is - where there is none
#     --qemu ARGUMENT   a further argument, may be repeated
#
# Writes FOLDER/machine.dtb and FOLDER/qemu.args, the arguments for QEMU, one a line, consoles apart:
#
#     (IFS='
#     '; exec build/qemu/usr/bin/qemu-system-aarch64 $(cat FOLDER/qemu.args) -serial stdio)

set -eu

cd "$(dirname "$0")/.."

die()
{
	echo "machine.sh: $*" >&2
	exit 1
}

qemu=build/qemu/usr/bin/qemu-system-aarch64
out=
image=
append=
cpu=cortex-a57
gic=3
cpus=1
memory=1024
extra=
dom0_kernel=
domus=

ram_base=0x40000000
# QEMU puts the hypervisor at the start of RAM and the device tree at half of it, at most 128 MiB.
modules_offset=0x09000000

newline='
'

# Modules and domUs are collected as lines of tab-separated words, since their number is open.
tab=$(printf '\t')
while [ $# -gt 0 ]; do
	case $1 in
	--out) out=$2; shift 2 ;;
	--image) image=$2; shift 2 ;;
	--append) append=$2; shift 2 ;;
	--cpu) cpu=$2; shift 2 ;;
	--gic) gic=$2; shift 2 ;;
	--cpus) cpus=$2; shift 2 ;;
	--memory) memory=$2; shift 2 ;;
	--qemu) extra=$extra$newline$2; shift 2 ;;
	--dom0) dom0_kernel=$2; dom0_initrd=$3; dom0_bootargs=$4; shift 4 ;;
	--domu) domus=$domus$2$tab$3$tab$4$tab$5$tab$6$tab$7$newline; shift 7 ;;
	*) die "unknown option '$1'" ;;
	esac
done
[ -n "$out" ] && [ -n "$image" ] || die "--out and --image are required"
[ -r "$image" ] || die "cannot read $image"

mkdir -p "$out"
dtb=$out/machine.dtb
args=$out/qemu.args

cat >"$args" <<END
-L
build/qemu/usr/share/qemu
-machine
virt,virtualization=on,gic-version=$gic
-cpu
$cpu
-smp
$cpus
-m
$memory
-nodefaults
-display
none
-no-reboot$extra
END

# QEMU's own description of this very machine is the start. It is written before the kernel is looked at.
run_qemu()
{
	(
		IFS=$newline
		exec timeout 60 $qemu $(cat "$args") "$@"
	)
}
run_qemu -machine "dumpdtb=$dtb" >"$out/dumpdtb.log" 2>&1 || {
	cat "$out/dumpdtb.log" >&2
	die "QEMU refuses this machine: cpu $cpu, GICv$gic, $cpus CPUs, $memory MiB"
}

next=$((ram_base + modules_offset))
end=$((ram_base + memory * 0x100000))

# add_module NODE KIND FILE [BOOTARGS] - loads FILE at the next free address and describes it under NODE.
add_module()
{
	[ -r "$3" ] || die "cannot read $3"
	size=$(wc -c <"$3")
	module=$(printf '%s/module@%x' "$1" "$next")
	fdtput -p -c "$dtb" "$module"
	fdtput -t s "$dtb" "$module" compatible "$2" multiboot,module
	fdtput -t x "$dtb" "$module" reg 0 "$(printf %x "$next")" 0 "$(printf %x "$size")"
	if [ -n "${4:-}" ]; then
		fdtput -t s "$dtb" "$module" bootargs "$4"
	fi
	printf -- '-device\nloader,file=%s,addr=%#x,force-raw=on\n' "$3" "$next" >>"$args"
	next=$(((next + size + 0x1fffff) & ~0x1fffff))
	[ "$next" -le "$end" ] || die "$memory MiB of memory do not hold the images: use more"
}

fdtput -t x "$dtb" /chosen '#address-cells' 2
fdtput -t x "$dtb" /chosen '#size-cells' 2
fdtput -t s "$dtb" /chosen xen,xen-bootargs "$append"

if [ -n "$dom0_kernel" ]; then
	add_module /chosen multiboot,kernel "$dom0_kernel" "$dom0_bootargs"
	[ "$dom0_initrd" = - ] || add_module /chosen multiboot,ramdisk "$dom0_initrd"
fi

add_domu()
{
	node=/chosen/$1
	fdtput -p -c "$dtb" "$node"
	fdtput -t s "$dtb" "$node" compatible xen,domain
	fdtput -t x "$dtb" "$node" '#address-cells' 2
	fdtput -t x "$dtb" "$node" '#size-cells' 2
	fdtput -t x "$dtb" "$node" memory 0 "$(printf %x $(($2 * 1024)))"
	fdtput -t x "$dtb" "$node" cpus "$(printf %x "$3")"
	fdtput -t s "$dtb" "$node" vpl011
	add_module "$node" multiboot,kernel "$4" "${6:-}"
	[ "$5" = - ] || add_module "$node" multiboot,ramdisk "$5"
}

rest=$domus
while [ -n "$rest" ]; do
	line=${rest%%"$newline"*}
	rest=${rest#*"$newline"}
	IFS=$tab
	set -- $line
	IFS=" $tab$newline"
	add_domu "$@"
done

printf -- '-kernel\n%s\n-dtb\n%s\n' "$image" "$dtb" >>"$args"
