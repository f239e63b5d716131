#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Prepares a Debian 12 amd64 machine for building and running Tenon. Called by ./boot, ./check and,
# where something is missing, by make. Does nothing, quietly, when everything is there.
#
#     tools/setup.sh [build|cohcheck|check|run|reference|others|all]...
#
#     build      compilers; Xen's public headers; the sources of libfdt and zlib
#     cohcheck   compilers and libraries for cohcheck; the header of QEMU's plugin interface
#     check      build and cohcheck, and what the tests need besides: clang, cmocka, cppcheck, Python
#     run        build, and QEMU 10, Debian's arm64 and armhf kernels and busybox
#     reference  run, and Debian's Xen for arm64, which Tenon is compared with
#     others     reference, and more that cohcheck is tried on: Linux 6.12, U-Boot and EDK2
#     all        everything (the default)
#
# Two kinds of packages. Those of the machine's own release and architecture are installed the ordinary
# way, which takes root or sudo. All others (arm64 and armhf packages, the newer QEMU, source tarballs) are
# downloaded through a private apt configuration and unpacked under build/: the system's sources,
# architectures and installed packages stay as they are.
#
# What was unpacked, and in which version, is recorded in build/setup/versions.

set -eu

cd "$(dirname "$0")/.."
root=$(pwd)

setup=$root/build/setup
apt=$setup/apt
log=$root/build/log/setup.log

# Debian packages by purpose.
packages_build="gcc libc6-dev make bzip2 xz-utils gcc-aarch64-linux-gnu"
packages_cohcheck="pkg-config libjson-c-dev libdw-dev libglib2.0-dev"
packages_check="clang lld llvm libclang-rt-14-dev clang-format libcmocka-dev cppcheck patch python3"
packages_run="patchelf device-tree-compiler"

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

say()
{
	echo "setup: $*"
}

die()
{
	echo "setup: $*" >&2
	exit 1
}

# fail_step WHAT - stops after a failed download or unpack step, showing why.
fail_step()
{
	{
		echo "setup: could not get $1."
		echo "setup: the last lines of build/log/setup.log:"
		tail -n 5 "$log" | sed 's/^/    /'
		reaches_mirror || echo "setup: the Debian mirror does not answer: connect the network, then run it again."
	} >&2
	exit 1
}

# Whether the Debian mirror answers: asks for one suite's release file, which is small.
reaches_mirror()
{
	[ -s "$apt/sources.list" ] || return 1
	rm -rf "$apt/probe"
	mkdir -p "$apt/probe/partial"
	grep '^deb .*bookworm-updates ' "$apt/sources.list" >"$apt/probe/sources.list"
	APT_CONFIG=$apt/apt.conf timeout 60 apt-get -q -o Dir::Etc::sourcelist="$apt/probe/sources.list" \
		-o Dir::State::lists="$apt/probe" -o Acquire::Retries=0 -o APT::Update::Error-Mode=any \
		update >/dev/null 2>&1
}

require_debian_12()
{
	os=unknown
	version=unknown
	if [ -r /etc/os-release ]; then
		os=$(. /etc/os-release && echo "${ID:-unknown}")
		version=$(. /etc/os-release && echo "${VERSION_ID:-unknown}")
	fi
	machine=$(dpkg --print-architecture 2>/dev/null || uname -m)
	if [ "$os $version $machine" != "debian 12 amd64" ]; then
		die "this script prepares Debian 12 on amd64, but this machine is $os $version on $machine." \
			"Needed on any other: an aarch64 cross gcc, QEMU 10 and the files that $0 names."
	fi
}

# install_packages NAME... - the ordinary way, only what is missing.
install_packages()
{
	missing=
	for package in "$@"; do
		case $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true) in
		?i*) ;;
		*) missing="$missing $package" ;;
		esac
	done
	[ -n "$missing" ] || return 0

	require_debian_12
	if [ "$(id -u)" = 0 ]; then
		as_root=
	elif command -v sudo >/dev/null; then
		as_root=sudo
	else
		die "these Debian packages are missing and installing them takes root or sudo:$missing"
	fi
	say "installing Debian packages:$missing"
	# Word splitting of $missing and $as_root is meant. A stale or absent package list is refreshed
	# on the second try only: a machine whose lists are current is not asked to fetch them again.
	if ! apt_install $missing >>"$log" 2>&1; then
		$as_root apt-get -q update >>"$log" 2>&1 || true
		apt_install $missing >>"$log" 2>&1 || {
			private_apt
			fail_step "these Debian packages:$missing"
		}
	fi
}

apt_install()
{
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
		install --no-install-recommends "$@" </dev/null
}

# private_apt - writes the private apt configuration: the machine's own Debian mirror, with the backports
# and trixie suites and the arm64 architecture added, and armhf for the suite bookworm.
private_apt()
{
	! grep -qs armhf "$apt/apt.conf" || return 0
	require_debian_12
	rm -f "$apt/updated"
	mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
	: >"$apt/state/empty"
	cp /var/lib/dpkg/status "$apt/state/status"

	# apt itself is asked for its sources, since they may be in either of two formats. "URI suite" a line.
	apt-get --print-uris update 2>/dev/null |
		sed -n "s,^'\(.*\)/dists/\(bookworm[a-z-]*\)/InRelease'.*,\1 \2,p" >"$apt/suites"
	mirror=$(sed -n 's/ bookworm$//p' "$apt/suites" | head -n 1)
	[ -n "$mirror" ] || die "apt has no source for Debian's suite bookworm: see /etc/apt/sources.list"
	{
		cat "$apt/suites"
		echo "$mirror bookworm-backports"
		echo "$mirror trixie"
	} | sort -u | while read -r uri suite; do
		# armhf is there for one kernel and busybox: the release's own will do.
		architectures=amd64,arm64
		[ "$suite" != bookworm ] || architectures=$architectures,armhf
		echo "deb [arch=$architectures signed-by=$keyring] $uri $suite main"
		echo "deb-src [signed-by=$keyring] $uri $suite main"
	done >"$apt/sources.list"

	# Without the pin, asking for one package of the backports pulls in trixie's libc.
	printf 'Package: *\nPin: release n=trixie\nPin-Priority: 1\n' >"$apt/preferences"
	cat >"$apt/apt.conf.new" <<-END
		Dir::Etc::sourcelist "$apt/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferences "$apt/preferences";
		Dir::Etc::preferencesparts "/dev/null";
		Dir::State "$apt/state";
		Dir::State::status "$apt/state/status";
		Dir::Cache "$apt/cache";
		#clear APT::Architectures;
		APT::Architectures { "amd64"; "arm64"; "armhf"; };
		APT::Install-Recommends "false";
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Acquire::GzipIndexes "true";
		Acquire::Retries "3";
	END
	mv "$apt/apt.conf.new" "$apt/apt.conf"
}

# papt COMMAND... - apt-get with the private configuration.
papt()
{
	APT_CONFIG=$apt/apt.conf apt-get -q -y "$@" </dev/null
}

update_lists()
{
	say "fetching package lists (about 60 MB)"
	papt update >>"$log" 2>&1 || return 1
	: >"$apt/updated"
}

# with_lists COMMAND... - runs a step that reads the package lists; should it fail, once more with fresh ones
# (the mirror removes superseded versions).
with_lists()
{
	private_apt
	if [ -e "$apt/updated" ]; then
		"$@" >>"$log" 2>&1 && return 0
	fi
	update_lists || return 1
	"$@" >>"$log" 2>&1
}

# download DIR PACKAGE... - puts exactly the named .deb files into an emptied DIR.
download()
{
	dir=$1
	shift
	rm -rf "$dir"
	mkdir -p "$dir"
	(cd "$dir" && papt download "$@")
}

# closure DIR PACKAGE... - puts the named packages and all their dependencies that this machine lacks into DIR.
closure()
{
	dir=$1
	shift
	rm -rf "$dir"
	mkdir -p "$dir/partial"
	cp /var/lib/dpkg/status "$apt/state/status"
	papt -d -o Dir::Cache::archives="$dir" install "$@"
}

# source_tarball DIR NAME/SUITE... - the upstream tarball of the first that the mirror has.
source_tarball()
{
	dir=$1
	shift
	rm -rf "$dir"
	mkdir -p "$dir"
	for source in "$@"; do
		if (cd "$dir" && papt source --tar-only --download-only "$source"); then
			return 0
		fi
	done
	return 1
}

# record KEY DEB... - notes package versions in build/setup/versions.
record()
{
	key=$1
	shift
	for deb in "$@"; do
		dpkg-deb -W --showformat '${Package}:${Architecture} ${Version}\n' "$deb"
	done >"$setup/versions.d/$key"
	cat "$setup/versions.d"/* >"$setup/versions"
}

# pending STAMP - whether a step is still to be done. A number in the stamp's name changes with the step.
pending()
{
	[ ! -e "$setup/$1.done" ]
}

finish()
{
	: >"$setup/$1.done"
}

get_xen_headers()
{
	pending xen-headers-1 || return 0
	say "unpacking Xen's public headers"
	with_lists download "$setup/deb/xen-headers" libxen-dev:arm64 || fail_step "libxen-dev:arm64"
	rm -rf build/xen-headers
	mkdir -p build/xen-headers
	dpkg-deb -x "$setup"/deb/xen-headers/*.deb build/xen-headers
	# Only headers are used: an arm64 library in a search path would be an accident.
	rm -rf build/xen-headers/usr/lib build/xen-headers/usr/share
	record xen-headers "$setup"/deb/xen-headers/*.deb
	finish xen-headers-1
}

get_sources()
{
	pending sources-1 || return 0
	say "unpacking the sources of libfdt and zlib"
	mkdir -p build/src
	with_lists source_tarball "$setup/src/dtc" device-tree-compiler/trixie device-tree-compiler/bookworm ||
		fail_step "the sources of libfdt (device-tree-compiler)"
	with_lists source_tarball "$setup/src/zlib" zlib/bookworm zlib/trixie ||
		fail_step "the sources of zlib"
	: >"$setup/versions.d/sources"
	for name in dtc zlib; do
		tarball=$(find "$setup/src/$name" -name '*.orig.tar.*' ! -name '*.asc' | head -n 1)
		rm -rf "build/src/$name"
		mkdir -p "build/src/$name"
		tar -x -f "$tarball" -C "build/src/$name" --strip-components=1 >>"$log" 2>&1 ||
			fail_step "$name unpacked from $(basename "$tarball")"
		echo "$(basename "$tarball") (source)" >>"$setup/versions.d/sources"
	done
	cat "$setup/versions.d"/* >"$setup/versions"
	finish sources-1
}

get_qemu()
{
	pending qemu-1 || return 0
	say "unpacking QEMU 10 from the backports suite"
	with_lists closure "$setup/deb/qemu" qemu-system-arm/bookworm-backports \
		qemu-system-common/bookworm-backports qemu-system-data/bookworm-backports ||
		fail_step "QEMU 10 (qemu-system-arm from bookworm-backports)"
	rm -rf build/qemu
	mkdir -p build/qemu
	for deb in "$setup"/deb/qemu/*.deb; do
		dpkg-deb -x "$deb" build/qemu
	done
	# DT_RPATH, not RUNPATH: it must also serve the libraries of the unpacked libraries.
	patchelf --force-rpath --set-rpath \
		'$ORIGIN/../lib/x86_64-linux-gnu:$ORIGIN/../../lib/x86_64-linux-gnu' \
		build/qemu/usr/bin/qemu-system-aarch64
	build/qemu/usr/bin/qemu-system-aarch64 --version >>"$log" 2>&1 || fail_step "a QEMU that starts"
	record qemu "$setup"/deb/qemu/*.deb
	finish qemu-1
}

# QEMU's binary packages lack this header. The tarball is 39 MB.
get_qemu_plugin_header()
{
	pending qemu-plugin-1 || return 0
	say "taking the plugin interface's header out of QEMU's sources"
	with_lists source_tarball "$setup/src/qemu" qemu/bookworm-backports ||
		fail_step "the sources of QEMU 10 (qemu from bookworm-backports)"
	tarball=$(find "$setup/src/qemu" -name '*.orig.tar.*' ! -name '*.asc' | head -n 1)
	rm -rf "$setup/src/qemu-tree"
	mkdir -p "$setup/src/qemu-tree" build/qemu-plugin
	tar -x -f "$tarball" -C "$setup/src/qemu-tree" --strip-components=1 --wildcards \
		'*/include/qemu/qemu-plugin.h' >>"$log" 2>&1 ||
		fail_step "include/qemu/qemu-plugin.h unpacked from $(basename "$tarball")"
	mv "$setup/src/qemu-tree/include/qemu/qemu-plugin.h" build/qemu-plugin/qemu-plugin.h
	echo "$(basename "$tarball") (source)" >"$setup/versions.d/qemu-plugin"
	cat "$setup/versions.d"/* >"$setup/versions"
	rm -rf "$setup/src/qemu" "$setup/src/qemu-tree"
	finish qemu-plugin-1
}

# real_kernel META:ARCHITECTURE [SUITE] - the package with the kernel that a meta package such as linux-image-arm64
# stands for.
real_kernel()
{
	APT_CONFIG=$apt/apt.conf apt-cache ${2:+-t "$2"} depends --important "$1" |
		sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | sed "s/:${1#*:}\$//" | head -n 1
}

# download_kernel DIR META:ARCHITECTURE [SUITE]
download_kernel()
{
	kernel=$(real_kernel "$2" ${3:+"$3"})
	[ -n "$kernel" ] && download "$1" "$kernel:${2#*:}"
}

# unpack_kernel DEB DIR - the Image, its configuration and the modules of the drivers for Xen's and QEMU's devices
# (all others would be 400 MB that nothing here loads).
unpack_kernel()
{
	rm -rf "$2.new"
	mkdir -p "$2.new"
	dpkg-deb --fsys-tarfile "$1" | tar -x -f - -C "$2.new" --wildcards --transform='s,^\./usr/lib/,./lib/,' \
		'./boot/vmlinuz-*' './boot/config-*' \
		'./*lib/modules/*/kernel/drivers/xen/*' './*lib/modules/*/kernel/drivers/*/xen-*' \
		'./*lib/modules/*/kernel/drivers/virtio/*' './*lib/modules/*/kernel/drivers/block/virtio_blk.ko*' \
		'./*lib/modules/*/kernel/drivers/net/virtio_net.ko*' \
		'./*lib/modules/*/kernel/drivers/net/net_failover.ko*' './*lib/modules/*/kernel/net/core/failover.ko*' \
		'./*lib/modules/*/modules.builtin' './*lib/modules/*/modules.order'
	mv "$2.new"/boot/vmlinuz-* "$2.new/vmlinuz"
	mv "$2.new"/boot/config-* "$2.new/config"
	rmdir "$2.new/boot"
	rm -rf "$2"
	mv "$2.new" "$2"
}

get_guests()
{
	pending guests-2 || return 0
	say "unpacking Debian's arm64 kernels and busybox"
	with_lists download_kernel "$setup/deb/kernel" linux-image-arm64:arm64 ||
		fail_step "linux-image-arm64"
	with_lists download_kernel "$setup/deb/kernel-cloud" linux-image-cloud-arm64:arm64 ||
		fail_step "linux-image-cloud-arm64"
	with_lists download "$setup/deb/busybox" busybox-static:arm64 || fail_step "busybox-static:arm64"
	mkdir -p build/guest
	unpack_kernel "$setup"/deb/kernel/*.deb build/guest/kernel
	unpack_kernel "$setup"/deb/kernel-cloud/*.deb build/guest/kernel-cloud
	rm -rf build/guest/busybox.tmp
	dpkg-deb -x "$setup"/deb/busybox/*.deb build/guest/busybox.tmp
	mv build/guest/busybox.tmp/bin/busybox build/guest/busybox
	rm -rf build/guest/busybox.tmp
	record guests "$setup"/deb/kernel/*.deb "$setup"/deb/kernel-cloud/*.deb "$setup"/deb/busybox/*.deb
	finish guests-2
}

# A kernel and a user space for a guest whose EL1 is AArch32. No modules are needed.
get_guests_32()
{
	pending guests-32-1 || return 0
	say "unpacking Debian's armhf kernel and busybox"
	with_lists download_kernel "$setup/deb/kernel-armmp" linux-image-armmp:armhf || fail_step "linux-image-armmp"
	with_lists download "$setup/deb/busybox-armhf" busybox-static:armhf || fail_step "busybox-static:armhf"
	rm -rf build/guest/kernel-armmp build/guest/armhf.tmp
	mkdir -p build/guest/kernel-armmp build/guest/armhf.tmp
	dpkg-deb --fsys-tarfile "$setup"/deb/kernel-armmp/*.deb |
		tar -x -f - -C build/guest/armhf.tmp --wildcards './boot/vmlinuz-*' './boot/config-*'
	mv build/guest/armhf.tmp/boot/vmlinuz-* build/guest/kernel-armmp/vmlinuz
	mv build/guest/armhf.tmp/boot/config-* build/guest/kernel-armmp/config
	dpkg-deb -x "$setup"/deb/busybox-armhf/*.deb build/guest/armhf.tmp
	mv build/guest/armhf.tmp/bin/busybox build/guest/busybox-armhf
	rm -rf build/guest/armhf.tmp
	record guests-32 "$setup"/deb/kernel-armmp/*.deb "$setup"/deb/busybox-armhf/*.deb
	finish guests-32-1
}

get_reference()
{
	pending reference-2 || return 0
	say "unpacking Debian's Xen for arm64"
	# The second holds xen-syms, the same code with its symbols.
	with_lists download "$setup/deb/reference" xen-hypervisor-4.17-arm64:arm64 xen-hypervisor-4.17-arm64-dbg:arm64 ||
		fail_step "xen-hypervisor-4.17-arm64 and its symbols"
	rm -rf build/reference/xen-4.17.new
	mkdir -p build/reference/xen-4.17.new
	for deb in "$setup"/deb/reference/*.deb; do
		dpkg-deb -x "$deb" build/reference/xen-4.17.new
	done
	mv build/reference/xen-4.17.new/usr/lib/debug/boot/xen-syms-4.17-arm64 build/reference/xen-4.17.new/boot
	rm -rf build/reference/xen-4.17 build/reference/xen-4.17.new/usr
	mv build/reference/xen-4.17.new build/reference/xen-4.17
	find build/reference/xen-4.17/boot -name 'xen-4.17-arm64*' ! -name '*.config' >>"$log"
	record reference "$setup"/deb/reference/*.deb
	finish reference-2
}

# Boot loaders and a newer kernel, for cohcheck alone.
get_others()
{
	pending others-1 || return 0
	say "unpacking Debian's Linux 6.12, U-Boot and EDK2 for arm64"
	with_lists download_kernel "$setup/deb/kernel-6.12" linux-image-arm64:arm64 bookworm-backports ||
		fail_step "linux-image-arm64 from bookworm-backports"
	with_lists download "$setup/deb/firmware" u-boot-qemu qemu-efi-aarch64 ||
		fail_step "u-boot-qemu and qemu-efi-aarch64"
	unpack_kernel "$setup"/deb/kernel-6.12/*.deb build/guest/kernel-6.12
	rm -rf "$setup/deb/firmware-tree" build/guest/firmware
	for deb in "$setup"/deb/firmware/*.deb; do
		dpkg-deb -x "$deb" "$setup/deb/firmware-tree"
	done
	# Both packages hold images for other machines as well. EDK2's two are 64 MiB each, nearly all of it empty.
	mkdir -p build/guest/firmware
	for file in lib/u-boot/qemu_arm64/u-boot.bin share/AAVMF/AAVMF_CODE.fd share/AAVMF/AAVMF_VARS.fd; do
		cp --sparse=always "$setup/deb/firmware-tree/usr/$file" build/guest/firmware
	done
	record others "$setup"/deb/kernel-6.12/*.deb "$setup"/deb/firmware/*.deb
	finish others-1
}

stage_build()
{
	install_packages $packages_build
	get_xen_headers
	get_sources
}

stage_cohcheck()
{
	install_packages $packages_build $packages_cohcheck
	get_qemu_plugin_header
}

stage_check()
{
	install_packages $packages_build $packages_cohcheck $packages_check
	stage_build
	stage_cohcheck
}

stage_run()
{
	install_packages $packages_build $packages_run
	stage_build
	get_qemu
	get_guests
	get_guests_32
}

stage_reference()
{
	stage_run
	get_reference
}

stage_others()
{
	stage_reference
	get_others
}

stage_all()
{
	install_packages $packages_build $packages_cohcheck $packages_check $packages_run
	stage_cohcheck
	stage_others
}

usage()
{
	sed -n '6,16s/^# \{0,1\}//p' "$0"
}

[ $# -gt 0 ] || set -- all
for stage in "$@"; do
	case $stage in
	build | cohcheck | check | run | reference | others | all) ;;
	-h | --help)
		usage
		exit 0
		;;
	*) die "unknown stage '$stage' (see $0 --help)" ;;
	esac
done

command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || require_debian_12

mkdir -p "$setup/versions.d" "$setup/deb" "$setup/src" build/log
# ./boot and ./check may run side by side: the second waits.
exec 9>"$setup/lock"
flock 9
: >"$log"

for stage in "$@"; do
	"stage_$stage"
done
# Downloaded archives and apt's binary caches are not needed any more.
rm -rf "$setup/deb" "$setup/src" "$apt/probe"
rm -f "$apt"/cache/*.bin
