# SPDX-License-Identifier: MIT
"""The race of flush and speculation (docs/coherency.md), with the guest tests/race/race.S, under cohcheck.

The guest is right on a bare machine. Under Xen, which keeps all of RAM mapped write-back, what it wrote with its caches off
may be hidden by older lines; under Tenon nothing may be reported.
"""

import dataclasses
import re
import typing

from others_machine import CheckedMachine
from others_tests import XEN, XEN_SYMS
from system_cohcheck import LOAD_ADDRESS, describe
from system_machine import ROOT, Machine
from system_suite import Failure, Result, Test
from system_tree import Boot, Domain, Module, boot_arguments

IMAGE = ROOT / "build/race/race"
SECONDS = 120
SAYS = "RACE data as written, code as written"

# Where the guest is put, in its own addresses.
BASES = {("xen", "domu"): 0x40000000, ("xen", "dom0"): 0x44000000,
         ("tenon", "domu"): 0x40000000, ("tenon", "dom0"): 0x40400000}

# What must be found under Xen: the finding's name, and where in the guest.
EXPECTED = {"read-stale": "read_data", "fetch-stale": "code", "walk-stale": None}


@dataclasses.dataclass
class Case:
    hypervisor: typing.Optional[str]    # xen, tenon, or none: a bare machine without EL2
    domain: str                         # domu, dom0
    cpu: str                            # a57, max

    @property
    def name(self):
        return f"race/{self.hypervisor}-{self.domain}-{self.cpu}" if self.hypervisor else f"race/bare-{self.cpu}"


CASES = [
    Case(None, "", "a57"),
    Case("xen", "domu", "a57"),
    Case("xen", "dom0", "a57"),
    Case("tenon", "domu", "a57"),
    Case("tenon", "dom0", "a57"),
    Case("tenon", "domu", "max"),
    Case("tenon", "dom0", "max"),
]


def _machine(case, folder):
    machine = Machine(case.cpu, 3, 1, 256)
    if case.hypervisor is None:
        cpu = "cortex-a57" if case.cpu == "a57" else case.cpu
        qemu = ["-M", "virt,gic-version=3", "-cpu", cpu, "-m", "256", "-kernel", str(IMAGE)]
        return CheckedMachine(qemu, ["--elf", f"{IMAGE}.elf@{LOAD_ADDRESS:#x}", "--entry", "adversarial"], folder)

    boot = Boot()
    boot.hypervisor_arguments = "console=dtuart loglvl=all guest_loglvl=all bootscrub=0 dom0_mem=64M"
    if case.domain == "domu":
        boot.domains = [Domain("race", [Module("kernel", IMAGE)], 16)]
    else:
        boot.dom0_modules = [Module("kernel", IMAGE, "none")]
    loads = boot_arguments(machine, boot, folder, "boot")
    # -machine and what follows, without QEMU's path and -L, and what CheckedMachine adds.
    qemu = machine.qemu_arguments()[3:-4] + loads
    options = ["--elf", f"{IMAGE}.elf@{BASES[case.hypervisor, case.domain]:#x}"]
    if case.hypervisor == "xen":
        return CheckedMachine(qemu + ["-kernel", str(XEN)],
                              options + ["--elf", str(XEN_SYMS), "--elf", f"{XEN_SYMS}@{LOAD_ADDRESS:#x}"], folder)
    # Whatever the loader's images left in caches, too.
    elf = ROOT / "build/tenon.elf"
    options += ["--elf", str(elf), "--elf", f"{elf}@{LOAD_ADDRESS:#x}", "--entry", "adversarial"]
    return CheckedMachine(qemu + ["-kernel", str(ROOT / "build/tenon")], options, folder)


def _is_alias_of_xen(alias):
    return alias is not None and alias["el"] == 2 and alias["stage"] == 1 and alias["state"] == "live" and \
        alias["type"] == "WB"


def _check_xen(findings):
    results = []
    for name, symbol in EXPECTED.items():
        matching = [finding for finding in findings.found if finding["name"] == name and
                    symbol in (None, (finding["access"] or {}).get("symbol"))]
        with_alias = [finding for finding in matching if _is_alias_of_xen(finding["alias"])]
        failure = ""
        if not matching:
            failure = f"there is no {name}" + (f" in {symbol}" if symbol else "")
        elif not with_alias:
            failure = f"{name} does not name Xen's alias, but {matching[0]['alias']}"
        results.append(Result(f"{name} names Xen's cacheable mapping", failure))
    return results


def _run(run, case):
    folder = run.context.work / run.file_name
    folder.mkdir(parents=True, exist_ok=True)
    if not IMAGE.exists():
        raise Failure("there is no build/race/race: run make race")
    machine = _machine(case, folder)
    with machine.start(run, SECONDS) as session:
        session.expect(SAYS, SECONDS)
        # Xen without a dom0 goes on for ever: there is no status then.
        status = None
        if case.hypervisor == "xen" and case.domain == "domu":
            session.stop()
        else:
            status = session.wait_exit(30)
            if status is None:
                raise Failure("the machine does not power off")
        loaded = re.search(r"Loading zImage from \w+ to 0*(\w+)-", session.text)
    if case.hypervisor == "xen" and loaded and int(loaded[1], 16) != BASES["xen", case.domain]:
        raise Failure(f"Xen puts the guest at 0x{loaded[1]}, where its symbols are not looked for")
    findings = machine.findings()
    if case.hypervisor == "xen":
        return _check_xen(findings)
    if findings.found:
        return [Result("silent", describe(finding)) for finding in findings.found[:20]]
    return [Result("silent", "" if status == 0 else f"cohcheck's exit status is {status}")]


def tests(context):
    if context.is_xen:
        return []
    return [Test(case.name, lambda run, case=case: _run(run, case)) for case in CASES]
