# SPDX-License-Identifier: MIT
"""Tenon with its coherency broken on purpose, under cohcheck: each patch of tests/mutants/ must be found.

A patch is preceded by lines that say what it is about; a line that begins with a blank belongs to the one before:

    Breaks: what is wrong now, with the invariant
    Finds: kinds of findings, any of which counts
    Runs: machine scenario, machine scenario ...
    Max: yes, or no with the reason why it does no harm with FEAT_S2FWB and CTR_EL0.{IDC,DIC}

Tenon itself is run in each of these scenarios first, and nothing may be found.
"""

import dataclasses
import filecmp
import re
import shutil
import subprocess
import threading

from guest_tests import DONE, guest_lines
from system_cohcheck import (SMALL_MIB, Checked, bss_of, describe, move_focus_to_hypervisor, rebuild_next, small_boot,
                             wait_for_scrubbing)
from system_machine import ROOT, ConsoleTimeout, Machine
from system_suite import Failure, Result, Test
from system_tree import Boot, Domain, Module

PATCHES = ROOT / "tests/mutants"
WORK = ROOT / "build/mutants"
TREE = WORK / "tree"
# What `make all` reads. build/ is a link, for what set-up prepared.
SOURCES = ["Makefile", "abi", "bench", "cohcheck", "devtree", "hypervisor", "tests", "tools"]
NOT_COPIED = {"__pycache__", "mutants", "system"}
SECONDS = 120

_build_lock = threading.Lock()
_table = {}


@dataclasses.dataclass(frozen=True)
class Scenario:
    """Domains (topic, vCPUs, MiB), and how often the first one is built again when it has ended. dom0: its topic; it
    turns the machine off."""

    domains: tuple
    rebuilds: int = 0
    dom0: str = ""

    @property
    def idles(self):
        return all(topic != "spin" for topic, _, _ in self.domains)


SCENARIOS = {
    # A domain with nearly all of the memory there is, twice.
    "lines": Scenario((("lines", 1, 58),), 1),
    # With so much of it that certain frames, Tenon's own at boot, are among the domain's; in pages, not blocks.
    "full": Scenario((("lines", 1, 62),), 1),
    # Beside it somebody who never lets the CPUs idle, so that they keep their windows.
    "lines+spin": Scenario((("lines", 1, 54), ("spin", 2, 4)), 1),
    # What Tenon needs for a domain comes back with it, and is used for the one after the next.
    "small": Scenario((("lines", 1, 4),), 2),
    "events": Scenario((("events", 2, 16),)),
    "fifo": Scenario((("events_fifo", 2, 16),)),
    "grants": Scenario((("grants", 1, 16),)),
    "copies": Scenario((("grants_copy", 1, 16),)),
    "foreign": Scenario((("victim", 1, 32),), dom0="foreign"),
}


class Mutant:
    def __init__(self, path):
        self.name = path.stem
        self.path = path
        fields = {}
        key = None
        for line in path.read_text().split("\n--- ", 1)[0].splitlines():
            match = re.match(r"(\w+): *(.*)", line)
            if match:
                key = match[1]
                fields[key] = match[2]
            elif line.startswith(" ") and key:
                fields[key] += line
        try:
            self.breaks = fields["Breaks"]
            self.finds = fields["Finds"].split()
            self.runs = [tuple(run.split()) for run in fields["Runs"].split(",")]
            self.on_max = fields["Max"]
        except KeyError as error:
            raise ValueError(f"{path} says nothing of {error}") from None
        if self.on_max.startswith("yes") != any(machine.startswith("max") for machine, _ in self.runs):
            raise ValueError(f"{path}: Max: and Runs: disagree")
        if unknown := {scenario for _, scenario in self.runs} - set(SCENARIOS):
            raise ValueError(f"{path}: unknown scenario {unknown}")


def mutants():
    return [Mutant(path) for path in sorted(PATCHES.glob("*.patch"))]


# ---- building ---------------------------------------------------------------------------------------

def _same(source, copy):
    return copy.exists() and filecmp.cmp(source, copy, shallow=False)


def _copy_sources():
    """The working tree as it is; what has not changed keeps its time stamp, so that make does little."""
    wanted = set()
    for name in SOURCES:
        top = ROOT / name
        for source in [top] if top.is_file() else sorted(top.rglob("*")):
            if source.is_dir() or NOT_COPIED.intersection(source.relative_to(ROOT).parts):
                continue
            relative = source.relative_to(ROOT)
            copy = TREE / relative
            wanted.add(copy)
            if not _same(source, copy):
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, copy)
    for copy in TREE.rglob("*"):
        if copy.is_file() and copy not in wanted and "build" not in copy.relative_to(TREE).parts and \
                "out" not in copy.relative_to(TREE).parts:
            copy.unlink()
    if not (TREE / "build").is_symlink():
        (TREE / "build").symlink_to(ROOT / "build")


def _run(what, command):
    done = subprocess.run(command, cwd=TREE, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{what}: " + (done.stdout + done.stderr).strip()[-1500:])


def _make():
    _run("it does not build", ["make", "--no-print-directory", "-j2", "build=out", "all"])


def _image(mutant):
    """The ELF file of Tenon with this patch, or without any. The image proper lies beside it, without the suffix."""
    folder = WORK / (mutant.name if mutant else "none")
    elf = folder / "tenon.elf"
    with _build_lock:
        _copy_sources()
        # Only one patch differs from make's last run.
        if mutant:
            _run("the patch does not apply any more",
                 ["patch", "-p1", "--fuzz=0", "--no-backup-if-mismatch", "-r", "-", "-i", str(mutant.path)])
        _make()
        folder.mkdir(parents=True, exist_ok=True)
        # Another test with the same image may be starting QEMU with it: it finds a whole file, old or new.
        for name in ("tenon", "tenon.elf"):
            shutil.copy(TREE / "out" / name, folder / f"{name}.new")
            (folder / f"{name}.new").replace(folder / name)
    return elf


# ---- running ------------------------------------------------------------------------------------------

def _wait_for_done(session, count):
    while True:
        lines = guest_lines(session.text[:session.text.rfind("\n") + 1])
        if sum(DONE.match(line) is not None for line in lines) >= count:
            return lines
        session.wait_for_line(SECONDS, "the guest to finish")


def run_scenario(run, machine_name, scenario, elf, options=()):
    """Returns what cohcheck found."""
    machine = Machine.parse(machine_name, *([] if scenario.dom0 else [SMALL_MIB]))
    domains = []
    for number, (topic, cpus, mib) in enumerate(scenario.domains, 1):
        arguments = f"number={number} tenon" + (" fwb" if machine.cpu == "max" else "")
        domains.append(Domain(f"guest{number}", [Module("kernel", run.context.guests / topic, arguments)], mib, cpus))
    boot = small_boot(domains)
    if scenario.dom0:
        boot = Boot(domains, [Module("kernel", run.context.guests / scenario.dom0, "number=0 tenon")],
                    "console=dtuart dom0_mem=64M dom0_max_vcpus=1")
    checked = Checked(run, elf, options=["--loaded", bss_of(elf), *options])
    with run.boot(machine, boot, SECONDS, prefix=checked.prefix, image=elf.with_suffix("")) as session:
        try:
            _wait_for_done(session, 2 if scenario.dom0 else 1)
            if not scenario.dom0:
                move_focus_to_hypervisor(session)
            for count in range(scenario.rebuilds):
                if scenario.idles:
                    wait_for_scrubbing(session, SECONDS)
                rebuild_next(session, SECONDS)
                _wait_for_done(session, 2 + count)
            if not scenario.dom0:
                session.send("R")
        except ConsoleTimeout:
            if "--stop-on-first" not in options or session.wait_exit(1) != 0:
                raise
        status = session.wait_exit(SECONDS)
        if status != 0:
            raise Failure(f"cohcheck ended with status {status}")
    return checked.findings()


def _test_none(run, machine, scenario):
    findings = run_scenario(run, machine, SCENARIOS[scenario], _image(None))
    return [Result(run.name, describe(finding)) for finding in findings.found] or [Result(run.name)]


def _test_mutant(run, mutant, machine, scenario):
    findings = run_scenario(run, machine, SCENARIOS[scenario], _image(mutant), ["--stop-on-first"])
    caught = [finding for finding in findings.found if finding["name"] in mutant.finds]
    _table[(mutant.name, machine.split(".")[0])] = caught[0] if caught else None
    if not findings.found:
        raise Failure("nothing was found")
    if not caught:
        raise Failure("found was something else: " + "; ".join(map(describe, findings.found[:3])))
    return [Result(run.name, note=describe(caught[0]))]


def tests(context):
    all_mutants = mutants()
    found = []
    for machine, scenario in sorted({run for mutant in all_mutants for run in mutant.runs}):
        found.append(Test(f"mutants/none/{machine}-{scenario}",
                          lambda run, m=machine, s=scenario: _test_none(run, m, s), tenon_only=True))
    for mutant in all_mutants:
        for machine, scenario in mutant.runs:
            found.append(Test(f"mutants/{mutant.name}/{machine}",
                              lambda run, mu=mutant, m=machine, s=scenario: _test_mutant(run, mu, m, s),
                              tenon_only=True))
    return found


def print_table():
    """What was run, as it stands in docs/testing.md."""
    if not _table:
        return
    print(f"  {'mutant':30} {'cortex-a57':50} max")
    for mutant in mutants():
        cells = []
        for cpu in ("a57", "max"):
            if (mutant.name, cpu) in _table:
                finding = _table[(mutant.name, cpu)]
                cells.append(describe(finding) if finding else "NOT FOUND")
            else:
                cells.append(mutant.on_max if cpu == "max" and mutant.on_max.startswith("no") else "")
        print(f"  {mutant.name:30} {cells[0][:50]:50} {cells[1]}")
