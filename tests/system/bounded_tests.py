# SPDX-License-Identifier: MIT
"""How long an interrupt waits while EL2 works (invariant S3): the largest batches, in instructions (bench/bounded.h).

Under bench/bench_plugin.so, which sees each instruction: a stretch lasts from the entry to EL2 until Tenon takes
interrupts, looks for one and finds none, or is back in a guest. A batch that takes longer than the guest's timer must have
been interrupted, and done in full all the same, which the guest checks. `tools/bench.sh --bounded` makes docs/performance.md's table of
the lines that this leaves in build/log/.
"""

import bisect
import re
import subprocess

from system_cohcheck import move_focus_to_hypervisor
from system_machine import ROOT, Machine
from system_suite import Failure, Result, Test
from system_tree import Boot, Domain, Module

LIMIT = 50000
SECONDS = 300
GUEST = ROOT / "build/bench/bounded"
PLUGIN = ROOT / "build/bench/bench_plugin.so"
SECTION = re.compile(r"BOUNDED ([a-z0-9_.]+) (-?\d+) (interrupted|short): (.*)")


class Symbols:
    """Which function an address is in."""

    def __init__(self, elf):
        lines = subprocess.run(["aarch64-linux-gnu-nm", "-n", elf], check=True, capture_output=True, text=True).stdout
        words = [line.split() for line in lines.splitlines()]
        self.all = [(int(w[0], 16), w[2]) for w in words if w[1] in "tTwW"]

    def name(self, address):
        if address == 0:
            return "the guest"
        return re.sub(r"\..*", "", self.all[max(0, bisect.bisect(self.all, (address, "~")) - 1)][1])


def _read_counts(path):
    """Of each section: the longest stretch, the addresses where it begins and ends, and how often EL2 stopped for an interrupt."""
    longest, interrupted = [], []
    for line in path.read_text().splitlines():
        words = line.split()
        if words[1] == "longest":
            longest.append((int(words[2]), int(words[3], 16), int(words[4], 16)))
        elif words[1] == "interrupted":
            interrupted.append(int(words[2]))
    return list(zip(longest, interrupted))


def _results(run, text, counts):
    sections = SECTION.findall(text)
    measured = _read_counts(counts)
    symbols = Symbols(ROOT / "build/tenon.elf")
    results, rows = [], []
    if "passed, 0 failed" not in text or "FAIL" in text:
        results.append(Result(f"{run.name} guest", "the guest failed: see the log"))
    if len(sections) != len(measured):
        raise Failure(f"{len(sections)} operations printed, {len(measured)} measured")
    for (name, _, kind, what), ((count, start, end), interrupted) in zip(sections, measured):
        rows.append(f"| {name} | {what} | {count} | {interrupted} | {symbols.name(start)} | {symbols.name(end)} |")
        failure = ""
        if count >= LIMIT:
            failure = f"{count} instructions between {symbols.name(start)} and {symbols.name(end)}, not under {LIMIT}"
        elif kind == "interrupted" and interrupted == 0:
            failure = "it was not interrupted"
        results.append(Result(f"bounded.{name}", failure, note=f"{count} of {LIMIT}, interrupted {interrupted} times"))
    table = ROOT / f"build/log/{run.file_name}.md"
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text("\n".join(rows) + "\n")
    return results


def _run(run, machine, boot, kill=True):
    counts = run.context.work / f"{run.file_name}.counts"
    counts.parent.mkdir(parents=True, exist_ok=True)
    # Where guests have their RAM; Tenon's own addresses are elsewhere.
    plugin = f"{PLUGIN},out={counts},guest=40000000-{0x40000000 + (machine.mib << 20):x}"
    with run.boot(machine, boot, SECONDS, arguments=["-icount", "shift=0,sleep=off", "-plugin", plugin]) as session:
        if kill:
            session.expect("READY for the key K", SECONDS)
            session.expect("(VICTIM|TARGET) ready", SECONDS, anywhere=True)
            move_focus_to_hypervisor(session, SECONDS)
            session.send("K")
            session.expect(r"d\d+ \(\w+\) is gone", SECONDS)
        session.expect(r"DONE bounded \d+ passed, \d+ failed", SECONDS)
        run.expect_power_off(session, SECONDS)
        text = session.text
    return _results(run, text, counts)


def _domain(name, mib, vcpus, arguments):
    return Domain(name, [Module("kernel", GUEST, arguments)], mib, vcpus)


def run_domu(run):
    # Input goes to the last domain before it goes to Tenon: that is the one that the key K stops. Little memory is left, so that
    # what has been given back is given out again, dirty.
    boot = Boot(domains=[_domain("bounded", 160, 2, "number=1"), _domain("victim", 224, 128, "victim")])
    boot.hypervisor_arguments = "console=dtuart xsm=dummy"
    return _run(run, Machine("a57", 3, mib=512), boot)


def run_vcpus(run):
    boot = Boot(domains=[_domain("bounded", 64, 128, "vcpus")])
    boot.hypervisor_arguments = "console=dtuart"
    return _run(run, Machine("a57", 3, mib=512), boot, kill=False)


def run_dom0(run):
    boot = Boot(domains=[_domain("target", 256, 1, "target")], dom0_modules=[Module("kernel", GUEST, "dom0")])
    boot.hypervisor_arguments = "console=dtuart dom0_mem=1152M dom0_max_vcpus=1"
    return _run(run, Machine("a57", 3, mib=2048), boot)


def tests(context):
    return [Test(f"bounded/{name}", function, tenon_only=True)
            for name, function in (("domu", run_domu), ("vcpus", run_vcpus), ("dom0", run_dom0))]
