# SPDX-License-Identifier: MIT
"""A domain that does its worst on two vCPUs, beside dom0 and another domain that compute sums.

Tenon, with assertions, must stay up, the sums must be right, and the domain, destroyed from Tenon's console, must give
back every page: as many as a twin of it that did nothing, and was destroyed before.
"""

import re
import time

from boot_tests import HIGH, KERNEL
from system_initramfs import write_initramfs
from system_machine import ROOT, Machine
from system_suite import Failure, Test
from system_tree import Boot, Domain, Module

INIT = ROOT / "tests/system/hostile_init.sh"
# Two CPUs less than vCPUs: they are moved all the time.
MACHINES = ("a57.v2.2", "max.v3.2")
LONG_MACHINES = ("a57.v3.4", "max.v2.1")
SECONDS = 60
LONG_SECONDS = 600
SEED = 1
MIB = 24
FOCUS = "\x01\x01\x01"


class Console:
    """Tenon's console with its focus: dom0, the witness, the hostile domain, its twin, Tenon."""

    def __init__(self, session):
        self.session = session

    def move_focus(self, to):
        """On, until it is there."""
        for _ in range(6):
            self.session.skip()
            self.session.send(FOCUS)
            match = self.session.expect(r"console input goes to (Tenon|d(\d+))", 60)
            if (match[2] or "Tenon") == to:
                return
        raise Failure(f"the console's focus does not reach {to}")

    def key(self, key, answer):
        self.session.skip()
        self.session.send(key)
        return self.session.expect(answer, 60)

    def free_pages(self):
        """
        With Tenon's own tables, of which a domain's frames need some that stay: one for each 2 MiB of the machine's RAM at
        most. When it has been the same for a while: before that pages may be on their way.
        """
        last, same = None, 0
        while same < 5:
            match = self.key("m", r"memory: \d+ pages \(\d+ MiB\), (\d+) free, [^\n]*\n[^\n]*  (\d+) pages are tables")
            pages = int(match[1]) + int(match[2])
            same = same + 1 if pages == last else 0
            last = pages
            time.sleep(0.2)
        return last

    def destroy(self, domid):
        self.key("K", rf"d{domid} \(\w+\) is stopped and destroyed")
        self.session.expect(rf"d{domid} \(\w+\) is gone", 120)


def _boot(run, seconds, seed):
    guests = run.context.guests
    initramfs = run.context.work / run.file_name / "initramfs.cpio"
    write_initramfs(initramfs, INIT.read_text())
    boot = Boot(first_module=HIGH)
    boot.hypervisor_arguments = "console=dtuart dom0_mem=192M dom0_max_vcpus=1"
    boot.dom0_modules = [Module("kernel", KERNEL, f"console=hvc0 rdinit=/init quiet test.seconds={seconds}"),
                         Module("ramdisk", initramfs)]
    boot.domains = [
        Domain("witness", [Module("kernel", guests / "hostile_witness", f"tenon seconds={seconds}")], 16, 1),
        Domain("hostile", [Module("kernel", guests / "hostile", f"tenon seed={seed}")], MIB, 2),
        Domain("twin", [Module("kernel", guests / "hostile", "tenon idle")], MIB, 2),
    ]
    return boot


def _check_stay(run, session):
    run.check_hypervisor_is_sane(session)
    stopped = re.search(r"d2 \(hostile\) has stopped[^\n]*", session.text)
    if stopped:
        raise Failure(f"the hostile domain has ended itself: {stopped[0]}")
    if re.search(r"FAIL hostile|Kernel panic", session.text):
        raise Failure("a domain fails")


def run_hostile(run, machine, build, seconds, seed):
    boot = _boot(run, seconds, seed)
    limit = 2 * seconds + 400
    with run.boot(machine, boot, limit, build) as session:
        console = Console(session)
        session.expect(r"TEST ready ;", 200, anywhere=True)
        # Both of them have come up; each writes a line of its own, whoever has the focus.
        for domid in (2, 3):
            session.expect(rf"\(d{domid}\) READY", 60, anywhere=True)
        console.move_focus("Tenon")
        before = console.free_pages()
        console.destroy(3)
        free = console.free_pages()
        size = free - before

        console.move_focus("0")
        session.send("go\n")
        console.move_focus("1")
        session.send("g")
        console.move_focus("2")
        session.send("g")
        console.move_focus("Tenon")
        session.expect(r"\(d2\) INFO begins", 60, anywhere=True)
        sums = {}
        while len(sums) < 2:
            session.wait_for_line(seconds + 120, "the others' sums")
            _check_stay(run, session)
            for name, pattern in (("dom0", r"TEST sums (\d+) wrong (\d+) ;"),
                                  ("witness", r"DONE hostile_witness (\d+) passed, (\d+) failed")):
                match = re.search(pattern, session.text)
                if match:
                    sums[name] = match.groups()
        for name, (good, bad) in sums.items():
            if good == "0" or bad != "0":
                raise Failure(f"{name}: {good} sums or cases, {bad} of them wrong")
        attacks = re.findall(r"\(d2\) INFO (\d+) and (\d+) attacks", session.text)
        if not attacks or int(attacks[-1][1]) == 0:
            where = console.key("d", r"  d2 [^\n]*\n(?:.*\n)*?[^\n]* v1 [^\n]*\n")[0]
            raise Failure("the hostile domain has not done much:\n" + where)

        console.destroy(2)
        after = console.free_pages()
        # The witness has stopped by itself and keeps its pages until somebody destroys it.
        if after - free != size:
            raise Failure(f"the hostile domain kept pages: {after - free} came back, {size} of its twin")
        console.move_focus("0")
        session.send("off\n")
        if session.wait_exit(60) != 0:
            raise Failure("dom0 does not turn the machine off")
        run.check_hypervisor_is_sane(session)


def tests(context):
    machines = MACHINES + (LONG_MACHINES if context.long else ())
    seconds = LONG_SECONDS if context.long else SECONDS
    return [Test(f"hostile/{machine}",
                 lambda run, m=Machine.parse(machine, 1024), s=SEED + n: run_hostile(run, m, "gcc-debug", seconds, s),
                 tenon_only=True)
            for n, machine in enumerate(machines)]
