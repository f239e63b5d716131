# SPDX-License-Identifier: MIT
"""cohcheck on code of others: Debian's Linux, Xen, U-Boot and EDK2.

Each must come up as without cohcheck, and nothing may be reported but what a suppression file explains. A report is
either a bug of theirs, written up under docs/findings/, or a false alarm, which is a bug of cohcheck.
"""

import dataclasses
import pathlib
import re
import shutil
import typing

from linux_symbols import read_symbols, write_elf
from others_machine import CheckedMachine
from system_cohcheck import describe
from system_initramfs import write_initramfs
from system_machine import ROOT, Machine
from system_suite import Failure, Result, Test
from system_tree import MIB, RAM_START, Boot, Domain, Module, boot_arguments

INIT = ROOT / "tests/system/others_init.sh"
FIRMWARE = ROOT / "build/guest/firmware"
XEN = ROOT / "build/reference/xen-4.17/boot/xen-4.17-arm64"
XEN_SYMS = ROOT / "build/reference/xen-4.17/boot/xen-syms-4.17-arm64"
SECONDS = 240

# Image, and where the kernel's symbols begin without KASLR: at the end of the modules' area (linux:
# arch/arm64/include/asm/memory.h, KIMAGE_VADDR).
KERNELS = {
    "6.1": (ROOT / "build/guest/kernel/vmlinuz", 0xffff800008000000),
    "6.12": (ROOT / "build/guest/kernel-6.12/vmlinuz", 0xffff800080000000),
}

# How Linux is started: as EL1 guest of nobody, as EL2 host that keeps a stub there, as EL2 host that stays there.
LEVELS = {
    "el1": ("virt,gic-version=3", "cortex-a57"),
    "nvhe": ("virt,gic-version=3,virtualization=on", "cortex-a57"),
    "vhe": ("virt,gic-version=3,virtualization=on", "max"),
}

# QEMU puts an Image without text_offset here, as its own stub is at the start of RAM (qemu: hw/arm/boot.c).
LINUX_START = RAM_START + 2 * MIB
BOOT_ARGUMENTS = "console=ttyAMA0 quiet nokaslr rdinit=/init"


@dataclasses.dataclass
class Case:
    name: str
    # prepare(case, folder) returns QEMU's arguments and cohcheck's.
    prepare: typing.Callable
    converse: typing.Callable           # converse(case, session)
    supp: str                           # tests/system/<supp>.supp
    parameters: dict = dataclasses.field(default_factory=dict)
    # A bug of theirs that must be found: the finding's name, and the symbol of the access or of the writer.
    expects: typing.Optional[tuple] = None
    long: bool = False


def _linux_symbols(folder, version, bases):
    """--elf options for a kernel at its own addresses, and at those where it runs before its MMU is on."""
    image, virtual = KERNELS[version]
    elf = folder.parent / f"linux-{version}.elf"
    if not elf.exists():
        new = folder / "linux.elf"
        write_elf(new, virtual, read_symbols(image))
        new.rename(elf)
    return [option for base in [virtual, *bases] for option in ("--elf", f"{elf}@{base:#x}")]


def _initramfs(folder):
    path = folder / "initramfs.cpio"
    write_initramfs(path, INIT.read_text())
    return path


def _machine(level, cpus, mib=512):
    machine, cpu = LEVELS[level]
    return ["-M", machine, "-cpu", cpu, "-smp", str(cpus), "-m", str(mib)]


# ---- Linux ------------------------------------------------------------------------------------------------

def _prepare_linux(case, folder):
    parameters = case.parameters
    arguments = BOOT_ARGUMENTS + (" test.trace" if parameters["trace"] else "")
    qemu = [*_machine(parameters["level"], parameters["cpus"]), "-kernel", str(KERNELS[parameters["version"]][0]),
            "-initrd", str(_initramfs(folder)), "-append", arguments]
    return qemu, _linux_symbols(folder, parameters["version"], [LINUX_START])


def _expect_linux(case, session, name="linux"):
    session.expect(f"OTHERS {name} up ;", SECONDS)
    if case.parameters.get("cpus", 1) > 1:
        session.expect(f"OTHERS {name} {case.parameters['cpus']} CPUs ;", SECONDS)
    if case.parameters.get("trace"):
        session.expect(f"OTHERS {name} traced [0-9]{{3,}} ;", SECONDS)
    session.expect(f"OTHERS {name} done ;", SECONDS)


def _linux_case(version, level, cpus, entry="clean", long=False, trace=False):
    name = f"linux-{version}-{level}-{cpus}" + ("-trace" if trace else "") + (f"-{entry}" if entry != "clean" else "")
    # docs/findings/linux-map-kernel-tlbi.md; what FEAT_BBM permits on max is no mistake there.
    expects = ("break-before-make", "__pi_map_range") if version == "6.12" and level != "vhe" else None
    return Case(name, _prepare_linux, _expect_linux, "linux", expects=expects, long=long,
                parameters={"version": version, "level": level, "cpus": cpus, "entry": entry, "trace": trace})


# ---- U-Boot -----------------------------------------------------------------------------------------------

UBOOT_KERNEL = 0x44000000
UBOOT_INITRD = 0x48000000


def _prepare_uboot(case, folder):
    initramfs = _initramfs(folder)
    case.parameters["initrd_size"] = initramfs.stat().st_size
    loads = [(KERNELS["6.1"][0], UBOOT_KERNEL), (initramfs, UBOOT_INITRD)]
    qemu = [*_machine(case.parameters["level"], case.parameters["cpus"]), "-bios", str(FIRMWARE / "u-boot.bin")]
    for path, address in loads:
        qemu += ["-device", f"loader,file={path},addr={address:#x},force-raw=on"]
    return qemu, _linux_symbols(folder, "6.1", [UBOOT_KERNEL])


def _converse_uboot(case, session):
    session.expect("Hit any key", 60)
    session.send("\n")
    session.expect("^=> ", 60)
    for command in ("version", "md.l 40000000 10", "mw.l 50000000 12345678 1000; cmp.l 50000000 50001000 400",
                    f"setenv bootargs {BOOT_ARGUMENTS}"):
        session.send(command + "\n")
        session.expect("^=> ", 60)
    session.send(f"booti {UBOOT_KERNEL:x} {UBOOT_INITRD:x}:{case.parameters['initrd_size']:x} ${{fdtcontroladdr}}\n")
    _expect_linux(case, session)


# ---- EDK2 -------------------------------------------------------------------------------------------------

# Where Linux's stub moves the kernel to, which depends on how much memory EDK2 uses.
EDK2_KERNEL = 0x56400000
EDK2_DISK_KERNEL = 0x54200000


def _edk2_flash(folder):
    variables = folder / "variables.fd"
    shutil.copyfile(FIRMWARE / "AAVMF_VARS.fd", variables)
    return ["-drive", f"if=pflash,format=raw,readonly=on,file={FIRMWARE / 'AAVMF_CODE.fd'}",
            "-drive", f"if=pflash,format=raw,file={variables}"]


def _prepare_edk2_kernel(case, folder):
    qemu = [*_machine(case.parameters["level"], case.parameters["cpus"]), *_edk2_flash(folder),
            "-kernel", str(KERNELS["6.1"][0]), "-initrd", str(_initramfs(folder)), "-append", BOOT_ARGUMENTS]
    return qemu, _linux_symbols(folder, "6.1", [EDK2_KERNEL])


def _prepare_edk2_disk(case, folder):
    """Its shell starts the kernel from a file system, so a driver, DMA and its own loader of images are at work."""
    disk = folder / "disk"
    disk.mkdir(exist_ok=True)
    shutil.copyfile(KERNELS["6.12"][0], disk / "linux.efi")
    shutil.copyfile(_initramfs(folder), disk / "initrd")
    (disk / "startup.nsh").write_text(f"fs0:\r\nlinux.efi initrd=initrd {BOOT_ARGUMENTS}\r\n")
    qemu = [*_machine(case.parameters["level"], case.parameters["cpus"]), *_edk2_flash(folder),
            "-drive", f"if=none,id=disk,format=raw,readonly=on,file=fat:{disk}",
            "-device", "virtio-blk-device,drive=disk"]
    return qemu, _linux_symbols(folder, "6.12", [EDK2_DISK_KERNEL])


def _converse_edk2_disk(case, session):
    session.expect("Press.*ESC", SECONDS)
    session.send("\n")
    # Without waiting for its five seconds.
    session.expect("Shell>", SECONDS)
    session.send("startup.nsh\r")
    _expect_linux(case, session)


# ---- Xen --------------------------------------------------------------------------------------------------

DOM0_MIB = 256


def _prepare_xen(case, folder):
    cpus = case.parameters["cpus"]
    initramfs = _initramfs(folder)
    arguments = "rdinit=/init quiet nokaslr"
    boot = Boot(first_module=0x60000000)
    boot.hypervisor_arguments = f"console=dtuart bootscrub=0 loglvl=all guest_loglvl=all dom0_mem={DOM0_MIB}M"
    boot.dom0_modules = [Module("kernel", KERNELS["6.1"][0], f"console=hvc0 {arguments} test.name=dom0 test.wait"),
                         Module("ramdisk", initramfs)]
    if case.parameters["domu"]:
        modules = [Module("kernel", KERNELS["6.1"][0], f"console=ttyAMA0 {arguments} test.name=domu"),
                   Module("ramdisk", initramfs)]
        boot.domains = [Domain("domu", modules, 128, 1)]
    machine = Machine("a57" if LEVELS[case.parameters["level"]][1] == "cortex-a57" else "max", 3, cpus, 1024)
    loads = boot_arguments(machine, boot, folder, "boot")
    qemu = [*_machine(case.parameters["level"], cpus, 1024), "-kernel", str(XEN), *loads]
    # Xen's own code runs first where it was loaded.
    return qemu, ["--elf", str(XEN_SYMS), "--elf", f"{XEN_SYMS}@{LINUX_START:#x}", *_linux_symbols(folder, "6.1", [])]


def _converse_xen(case, session):
    names = {"dom0", "domu"} if case.parameters["domu"] else {"dom0"}
    for name in sorted(names):
        session.expect(f"OTHERS {name} done ;", SECONDS, anywhere=True)
    session.send("\n")


def _xen_case(cpus, domu, level="nvhe", entry="clean", long=False):
    name = f"xen-4.17-{LEVELS[level][1].removeprefix('cortex-')}-{cpus}{'-domu' if domu else ''}"
    name += f"-{entry}" if entry != "clean" else ""
    expects = ("walk-stale", "create_page_tables") if cpus > 1 else None
    return Case(name, _prepare_xen, _converse_xen, "xen", expects=expects, long=long,
                parameters={"cpus": cpus, "domu": domu, "level": level, "entry": entry})


def _firmware_case(name, prepare, converse, supp, level, cpus, entry="clean", long=False):
    name = f"{name}-{level}-{cpus}" + (f"-{entry}" if entry != "clean" else "")
    return Case(name, prepare, converse, supp, long=long,
                parameters={"level": level, "cpus": cpus, "entry": entry})


CASES = [
    _linux_case("6.1", "el1", 1),
    _linux_case("6.1", "nvhe", 2),
    _linux_case("6.1", "vhe", 2),
    _linux_case("6.12", "el1", 2),
    _linux_case("6.12", "nvhe", 1),
    _linux_case("6.12", "vhe", 2),
    _linux_case("6.1", "el1", 1, entry="adversarial"),
    _linux_case("6.12", "nvhe", 2, entry="adversarial"),
    _linux_case("6.1", "el1", 2, long=True),
    _linux_case("6.1", "nvhe", 1, long=True),
    _linux_case("6.1", "vhe", 1, long=True),
    _linux_case("6.12", "el1", 1, long=True),
    _linux_case("6.12", "nvhe", 2, long=True),
    _linux_case("6.12", "vhe", 1, long=True),
    _linux_case("6.1", "nvhe", 2, trace=True, long=True),
    _linux_case("6.12", "el1", 2, trace=True, long=True),
    _linux_case("6.12", "vhe", 2, entry="adversarial", long=True),
    _firmware_case("uboot", _prepare_uboot, _converse_uboot, "uboot", "el1", 1),
    _firmware_case("uboot", _prepare_uboot, _converse_uboot, "uboot", "nvhe", 2),
    _firmware_case("uboot", _prepare_uboot, _converse_uboot, "uboot", "vhe", 1, long=True),
    _firmware_case("edk2-kernel", _prepare_edk2_kernel, _expect_linux, "edk2", "el1", 1),
    _firmware_case("edk2-disk", _prepare_edk2_disk, _converse_edk2_disk, "edk2", "nvhe", 2),
    _firmware_case("edk2-disk", _prepare_edk2_disk, _converse_edk2_disk, "edk2", "vhe", 1, long=True),
    _xen_case(1, domu=False),
    _xen_case(2, domu=True),
    _xen_case(1, domu=True, long=True),
    _xen_case(2, domu=True, level="vhe", long=True),
]


def _check_findings(case, machine, status):
    """What cohcheck reported, as results."""
    if machine.plain:
        return []
    findings = machine.findings()
    results = []
    if case.expects:
        name, symbol = case.expects
        found = any(finding["name"] == name and symbol in [(finding[who] or {}).get("symbol") for who in ("access", "writer")]
                    for finding in findings.suppressed)
        results.append(Result(f"{name} of {symbol}", "" if found else "a known bug of theirs is not found"))
    if findings.found:
        return results + [Result("silent", describe(finding)) for finding in findings.found[:20]]
    unchecked = sum(entry["count"] for entry in findings.unchecked)
    note = f"{len(findings.suppressed)} suppressed, {unchecked} unchecked"
    return results + [Result("silent", "" if status == 0 else f"cohcheck's exit status is {status}", note)]


def _run(run, case):
    folder = run.context.work / run.file_name
    folder.mkdir(parents=True, exist_ok=True)
    qemu, options = case.prepare(case, folder)
    options += ["--entry", case.parameters["entry"]] if case.parameters["entry"] != "clean" else []
    supp = ROOT / f"tests/system/{case.supp}.supp"
    for path in {supp, ROOT / "tests/system/linux.supp"}:
        if path.exists():
            options += ["--suppress", str(path)]
    machine = CheckedMachine(qemu, options, folder)
    with machine.start(run, SECONDS) as session:
        case.converse(case, session)
        status = session.wait_exit(60)
        if re.search(r"Kernel panic|Synchronous Exception", session.text):
            raise Failure("the kernel or the firmware panics")
        if status is None:
            raise Failure("the machine does not power off")
    return [Result("comes up and powers off")] + _check_findings(case, machine, status)


def tests(context):
    if context.is_xen:
        return []
    return [Test(f"others/{case.name}", lambda run, case=case: _run(run, case), long=case.long) for case in CASES]
