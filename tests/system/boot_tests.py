# SPDX-License-Identifier: MIT
"""Boots of Debian's unmodified kernels, as boots.list says.

Each domain runs linux_init.sh, which looks at what it finds and reports in lines that begin with TEST. dom0 then
waits for a line on its console, so input is tested too, and powers the machine off.
"""

import re

from guest_tests import PREFIX
from system_initramfs import write_initramfs
from system_machine import ROOT, Machine
from system_suite import Failure, Result, Test
from system_tree import Boot, Domain, Module

LIST = ROOT / "tests/system/boots.list"
INIT = ROOT / "tests/system/linux_init.sh"
KERNEL = ROOT / "build/guest/kernel/vmlinuz"
KERNEL_CLOUD = ROOT / "build/guest/kernel-cloud/vmlinuz"
KERNEL_ARMMP = ROOT / "build/guest/kernel-armmp/vmlinuz"
BUSYBOX_ARMHF = ROOT / "build/guest/busybox-armhf"

DOM0_MIB = 256
DOMU_MIB = 144
MACHINE_MIB = 1024
SECONDS = 240

# Modules go to the top of RAM: dom0's memory, which is mapped one to one, must be found in large pieces below.
HIGH = 0x70000000

REPORT = re.compile(r"TEST (\w+) (ok|bad|late|done)(?: ([a-z_]+))?(?:: ([^\n]*?))? ;")


def reports(text):
    """What the domains said, with the lines of the one that has the focus put together again."""
    whole, pieces = [], []
    for line in text.split("\n"):
        prefix = PREFIX.match(line)
        (whole if prefix else pieces).append(line[prefix.end():] if prefix else line)
    return [match.groups() for match in REPORT.finditer("\n".join(whole) + "\n" + "".join(pieces))]


class Row:
    def __init__(self, line):
        self.machine, dom0, domus, self.loader, self.xen, self.build = line.split()
        self.dom0 = 0 if dom0 == "-" else int(dom0)
        self.domus = [] if domus == "-" else [self._domu(text) for text in domus.split(",")]
        self.name = f"boot/{self.machine}-dom0={dom0}-domu={domus.replace(',', '+')}-{self.build}"
        if self.loader != "tree":
            self.name += f"-{self.loader}"

    @staticmethod
    def _domu(text):
        """vCPUs, and whether it is a 32-bit guest."""
        cpus = text.removesuffix("x32")
        return int(cpus), cpus != text


def kernel_arguments(name, console, cpus, mib, extra=""):
    return f"console={console} rdinit=/init quiet test.name={name} test.cpus={cpus} test.mib={mib} {extra}".strip()


def _check_reports(run, session, expected, seconds):
    """Wait until each domain has said that it is done; turn what they said into results."""
    def missing():
        return expected - {name for name, verdict, _, _ in reports(session.text) if verdict == "done"}

    while missing():
        if re.search(r"Kernel panic", session.text):
            raise Failure("a domain's kernel panics")
        run.check_hypervisor_is_sane(session)
        session.wait_for_line(seconds, f"{', '.join(sorted(missing()))} to come up")


def results(text):
    return [Result(f"{name} {check}", (detail or "bad") if verdict == "bad" else "", detail or "")
            for name, verdict, check, detail in reports(text) if verdict in ("ok", "bad")]


def excused(found, late):
    """Whether nothing fails but CPUs of the domains that had a late one."""
    names = {f"{name} {check}" for name in late for check in ("cpus", "hotplug")}
    return all(not result.failure or result.name in names for result in found)


def _run(run, row):
    """Where the machine may have been too slow for Linux's own limit: again. If that recurs it is a failure."""
    # A 32-bit Linux waits a second for a CPU, a 64-bit one five.
    for _ in range(3 if any(is_32bit for _, is_32bit in row.domus) else 2):
        found = _run_once(run, row)
        late = {name: detail for name, verdict, _, detail in reports(run.sessions[-1].text) if verdict == "late"}
        if not late or not excused(found, late):
            return found
    return found + [Result(f"{name} CPUs in time", f"{detail}, in each of several boots") for name, detail in late.items()]


def _run_once(run, row):
    machine = Machine.parse(row.machine, MACHINE_MIB)
    folder = run.context.work / run.file_name
    initramfs = folder / "initramfs.cpio"
    write_initramfs(initramfs, INIT.read_text())
    boot = Boot(first_module=HIGH)
    boot.hypervisor_arguments = f"console=dtuart dom0_mem={DOM0_MIB}M dom0_max_vcpus={max(row.dom0, 1)}"
    dom0_arguments = kernel_arguments("dom0", "hvc0", row.dom0, DOM0_MIB, "test.xen test.rtc test.wait")
    names = set()
    if row.dom0:
        names.add("dom0")
    for number, (cpus, is_32bit) in enumerate(row.domus, 1):
        name = f"linux{number}"
        names.add(name)
        arguments = kernel_arguments(name, "ttyAMA0", cpus, DOMU_MIB, "test.xen" if row.xen == "yes" else "")
        if is_32bit:
            ramdisk = folder / "initramfs32.cpio"
            write_initramfs(ramdisk, INIT.read_text(), busybox=BUSYBOX_ARMHF)
            modules = [Module("kernel", KERNEL_ARMMP, arguments + " test.machine=armv7l"), Module("ramdisk", ramdisk)]
        else:
            modules = [Module("kernel", KERNEL_CLOUD, arguments), Module("ramdisk", initramfs)]
        properties = 'xen,enhanced = "no-xenstore";' if row.xen == "yes" else ""
        boot.domains.append(Domain(name, modules, DOMU_MIB, cpus, properties))

    if row.loader == "tree":
        if row.dom0:
            boot.dom0_modules = [Module("kernel", KERNEL, dom0_arguments), Module("ramdisk", initramfs)]
        session = run.boot(machine, boot, SECONDS, row.build)
    else:
        arguments = ["-append", boot.hypervisor_arguments,
                     "-device", f"guest-loader,addr=0x{HIGH:x},kernel={KERNEL},bootargs={dom0_arguments}",
                     "-device", f"guest-loader,addr=0x{HIGH + 0x4000000:x},initrd={initramfs}"]
        session = run.start(machine, arguments, SECONDS, row.build)
    with session:
        _check_reports(run, session, names, SECONDS)
        if row.dom0:
            # To dom0's console, which has the focus. It answers and powers the machine off.
            session.send("continue\n")
            session.expect("TEST dom0 got continue", 30, anywhere=True)
            status = session.wait_exit(60)
            run.check_hypervisor_is_sane(session)
            if status != 0:
                raise Failure(f"after dom0's poweroff QEMU's status is {status}" if status is not None
                              else "dom0's poweroff does not end the machine")
        else:
            run.expect_power_off(session, 60)
        return results(session.text) + [Result("power off")]


def tests(context):
    lines = (line.split("#")[0].strip() for line in LIST.read_text().splitlines())
    rows = [Row(line) for line in lines if line]
    return [Test(row.name, lambda run, row=row: _run(run, row)) for row in rows]
