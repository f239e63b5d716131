# SPDX-License-Identifier: MIT
"""Tenon under cohcheck: nothing may be found, and nothing of Tenon is suppressed.

- checked/guests: the bare-metal guests of guests.list, each on one of its machines, among them those that turn their
  caches off and on and use set/way.
- checked/rebuild: memory that a domain gave back is used by the next one (the key B), alone and beside others.
- checked/linux: dom0 and a domU with Debian's kernels from reset to their shells, block and network I/O of dom0, and the
  domU built again meanwhile.
"""

import hashlib
import os

import boot_tests
import guest_tests
from guest_tests import DONE, guest_lines
from linux_symbols import read_symbols, write_elf
from system_cohcheck import SMALL_MIB, Checked, describe, move_focus_to_hypervisor, rebuild_next, small_boot
from system_initramfs import kernel_modules, write_initramfs
from system_machine import ROOT, Machine
from system_suite import Failure, Result, Test
from system_tree import MIB, Boot, Domain, Module

# Guests whose subject is time or input, and one that reads all memory word by word: others touch memory in the same ways.
LEFT_OUT = {"uart_input", "spin", "wait", "memory"}

# machine, dom0's and the domU's vCPUs, entry state
LINUX = [
    ("a57.v2.1", 1, 1, "adversarial"),
    ("a57.v3.2", 2, 1, "adversarial"),
    ("max.v2.2", 2, 2, "adversarial"),
    ("max.v3.1", 1, 1, "clean"),
]
# machine, domains (topic, vCPUs, MiB), presses of the key, entry state
REBUILDS = [
    ("a57.v3.1", [("lines", 1, 52)], 2, "adversarial"),
    ("a57.v2.2", [("lines", 1, 24), ("cold", 2, 24)], 4, "adversarial"),
    ("max.v3.2", [("cold", 2, 24), ("lines", 1, 24)], 4, "adversarial"),
    ("max.v2.1", [("lines", 1, 46), ("spin", 1, 4)], 3, "clean"),
]
SECONDS = 240


def tenon_elf(run, build):
    image = run.context.image(build)
    return image.with_name("tenon.elf")


def coherency_results(run, checked):
    """One result for each finding, or one that passed; what was not checked is said."""
    findings = checked.findings()
    results = [Result(f"{run.name} finding", describe(finding)) for finding in findings.found]
    note = "; ".join(f"{entry['what']}: {entry['count']}" for entry in findings.unchecked)
    if results:
        results.append(Result(f"{run.name} report", str(checked.report)))
    return results or [Result(f"{run.name} coherent", note=note)]


# ---- bare-metal guests --------------------------------------------------------------------------------

def _run_guest(run, entry, machine, build, entry_state):
    checked = Checked(run, tenon_elf(run, build), entry_state)
    results = guest_tests.run_entry(run, entry, machine, build, checked.prefix, slower=4)
    return results + coherency_results(run, checked)


def _guest_tests():
    for number, entry in enumerate(guest_tests.read_list()):
        if entry.topic in LEFT_OUT:
            continue
        # One machine each; over the list all kinds come up. Every third starts as a plain emulator does, all zero.
        name = entry.machines[number % len(entry.machines)]
        machine, _, build = name.partition("/")
        entry_state = "clean" if number % 3 == 2 else "adversarial"
        yield Test(f"checked/guests-{entry.name}/{name}-{entry_state}",
                   lambda run, e=entry, m=Machine.parse(machine), b=build or "release", s=entry_state:
                   _run_guest(run, e, m, b, s), tenon_only=True)


# ---- memory that comes back -----------------------------------------------------------------------------

def _count_done(session):
    lines = guest_lines(session.text[:session.text.rfind("\n") + 1])
    if any(line.startswith("FAIL") for line in lines):
        raise Failure("a guest's case fails: " + next(line for line in lines if line.startswith("FAIL")))
    return sum(DONE.match(line) is not None for line in lines)


def _wait_for_done(session, count):
    while _count_done(session) < count:
        session.wait_for_line(SECONDS, f"{count} guests to finish")


def _run_rebuild(run, machine_name, topics, presses, entry_state):
    machine = Machine.parse(machine_name, SMALL_MIB)
    domains = [
        Domain(f"guest{number}",
               [Module("kernel", run.context.guests / topic,
                       f"number={number} tenon" + (" fwb" if machine.cpu == "max" else ""))], mib, cpus)
        for number, (topic, cpus, mib) in enumerate(topics, 1)]
    finish = [topic != "spin" for topic, _, _ in topics]
    done = sum(finish)
    checked = Checked(run, tenon_elf(run, "release"), entry_state)
    with run.boot(machine, small_boot(domains), SECONDS, prefix=checked.prefix) as session:
        _wait_for_done(session, done)
        move_focus_to_hypervisor(session, SECONDS)
        for press in range(presses):
            rebuild_next(session, SECONDS)
            done += finish[press % len(finish)]
            _wait_for_done(session, done)
        session.send("R")
        status = session.wait_exit(SECONDS)
        run.check_hypervisor_is_sane(session)
        if status != 0:
            raise Failure(f"cohcheck ended with status {status}")
    return coherency_results(run, checked)


# ---- Linux ------------------------------------------------------------------------------------------------

# Linux has one finding of its own, which its suppressions explain; that takes its symbols, at fixed addresses. Both
# domains run the same kernel, as both have it at the same addresses.
LINUX_SUPPRESSIONS = ROOT / "tests/system/linux.supp"
LINUX_BASE = 0xffff800008000000

DISK_BYTES = 4 * MIB
FILE_BYTES = MIB // 2


def _linux_options(folder):
    """cohcheck's options."""
    elf = folder / "linux.elf"
    write_elf(elf, LINUX_BASE, read_symbols(boot_tests.KERNEL))
    return ["--elf", f"{elf}@{LINUX_BASE:#x}", "--suppress", str(LINUX_SUPPRESSIONS)]


def _devices(folder):
    """A disk and a network for dom0: QEMU's arguments, and what Linux is to find."""
    disk = os.urandom(DISK_BYTES)
    content = os.urandom(FILE_BYTES)
    (folder / "disk").write_bytes(disk)
    (folder / "tftp").mkdir(parents=True, exist_ok=True)
    (folder / "tftp/file").write_bytes(content)
    return [
        "-drive", f"if=none,id=disk,format=raw,file={folder / 'disk'}",
        "-device", "virtio-blk-device,drive=disk",
        "-netdev", f"user,id=net,restrict=on,tftp={folder / 'tftp'}",
        "-device", "virtio-net-device,netdev=net",
    ], f"test.block={hashlib.md5(disk[:MIB]).hexdigest()} test.net={hashlib.md5(content).hexdigest()}"


def _wait_for_reports(run, session, names, rounds):
    """Until each has said that it is done, the last one as often as it was built."""
    while True:
        said = [name for name, verdict, _, _ in boot_tests.reports(session.text) if verdict == "done"]
        if set(names) <= set(said) and said.count(names[-1]) >= rounds:
            return
        run.check_hypervisor_is_sane(session)
        session.wait_for_line(SECONDS, f"{', '.join(names)} to come up")


def _run_linux(run, machine_name, dom0_cpus, domu_cpus, entry_state):
    machine = Machine.parse(machine_name, boot_tests.MACHINE_MIB)
    folder = run.context.work / run.file_name
    folder.mkdir(parents=True, exist_ok=True)
    script = boot_tests.INIT.read_text()
    modules = kernel_modules(ROOT / "build/guest/kernel",
                             ["virtio_mmio", "virtio_blk", "failover", "net_failover", "virtio_net"])
    write_initramfs(folder / "dom0.cpio", script, modules)
    write_initramfs(folder / "domu.cpio", script)
    devices, expected = _devices(folder)
    dom0 = boot_tests.kernel_arguments("dom0", "hvc0", dom0_cpus, boot_tests.DOM0_MIB,
                                       f"nokaslr test.xen test.wait test.quick {expected}")
    domu = boot_tests.kernel_arguments("linux1", "ttyAMA0", domu_cpus, boot_tests.DOMU_MIB, "nokaslr test.quick")
    boot = Boot(first_module=boot_tests.HIGH,
                hypervisor_arguments=f"console=dtuart dom0_mem={boot_tests.DOM0_MIB}M dom0_max_vcpus={dom0_cpus} rebuild")
    boot.dom0_modules = [Module("kernel", boot_tests.KERNEL, dom0), Module("ramdisk", folder / "dom0.cpio")]
    boot.domains = [Domain("linux1", [Module("kernel", boot_tests.KERNEL, domu),
                                      Module("ramdisk", folder / "domu.cpio")], boot_tests.DOMU_MIB, domu_cpus)]
    checked = Checked(run, tenon_elf(run, "release"), entry_state, _linux_options(folder))
    with run.boot(machine, boot, SECONDS, arguments=devices, prefix=checked.prefix) as session:
        _wait_for_reports(run, session, ["dom0", "linux1"], 1)
        move_focus_to_hypervisor(session, SECONDS)
        rebuild_next(session, SECONDS)
        _wait_for_reports(run, session, ["dom0", "linux1"], 2)
        session.send("\x01\x01\x01")
        session.expect("console input goes to d0", SECONDS)
        session.send("continue\n")
        session.expect("TEST dom0 got continue", SECONDS, anywhere=True)
        status = session.wait_exit(SECONDS)
        run.check_hypervisor_is_sane(session)
        if status != 0:
            raise Failure(f"cohcheck ended with status {status}")
        return boot_tests.results(session.text) + coherency_results(run, checked)


def tests(context):
    found = list(_guest_tests())
    for machine, topics, presses, entry in REBUILDS:
        name = "+".join(topic for topic, _, _ in topics)
        found.append(Test(f"checked/rebuild-{name}/{machine}-{entry}",
                          lambda run, m=machine, t=topics, p=presses, e=entry: _run_rebuild(run, m, t, p, e),
                          tenon_only=True))
    for machine, dom0, domu, entry in LINUX:
        found.append(Test(f"checked/linux/{machine}-{entry}",
                          lambda run, m=machine, a=dom0, b=domu, e=entry: _run_linux(run, m, a, b, e),
                          tenon_only=True))
    return found
