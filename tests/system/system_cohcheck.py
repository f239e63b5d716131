# SPDX-License-Identifier: MIT
"""Machines under build/cohcheck, and what it found.

Tenon's boot protocol is Linux's: its Image is clean to the PoC, everything else (device tree, modules, what was in RAM)
may be in a cache. cohcheck knows that of -kernel and -device loader by itself.
"""

import dataclasses
import json
import subprocess
import time

from system_machine import ROOT
from system_suite import Failure
from system_tree import Boot

COHCHECK = ROOT / "build/cohcheck"
# QEMU loads an Image whose text_offset is 0 there; Tenon runs there until its MMU is on.
LOAD_ADDRESS = 0x40200000
# Small machines: QEMU puts the device tree at half of RAM.
SMALL_MIB = 64
SMALL_FIRST_MODULE = 0x43000000


@dataclasses.dataclass
class Findings:
    """What one run reported, and what it said could not be checked."""

    found: list
    suppressed: list
    unchecked: list
    totals: dict

    @classmethod
    def read(cls, path):
        data = json.loads(path.read_text())
        findings = data["findings"]
        return cls([f for f in findings if not f["suppressed"]], [f for f in findings if f["suppressed"]],
                   data.get("unchecked", []), data.get("totals", {}))

    @property
    def names(self):
        return {finding["name"] for finding in self.found}


def where(access):
    """symbol (file:line) of an access, writer or culprit; they may be missing."""
    if not access:
        return "?"
    if access.get("file"):
        return f"{access.get('symbol') or hex_of(access)} ({access['file'].split('/')[-1]}:{access.get('line')})"
    return access.get("symbol") or hex_of(access)


def hex_of(access):
    return str(access.get("pc", "?"))


def describe(finding):
    return (f"{finding['name']} x{finding['count']}: {where(finding.get('access'))}, "
            f"written by {where(finding.get('writer'))}")


class Checked:
    """Wraps the machine of one test. findings() after QEMU has ended."""

    def __init__(self, run, image_elf, entry="adversarial", options=()):
        self._folder = run.context.work / run.file_name
        self._json = self._folder / "findings.json"
        self.report = run.context.logs / f"{run.file_name}.findings.log"
        if not COHCHECK.exists():
            raise Failure("there is no build/cohcheck: run make cohcheck")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._json.unlink(missing_ok=True)
        run.context.logs.mkdir(parents=True, exist_ok=True)
        # A finding does not change the exit status: QEMU's own is expected, and 2 is cohcheck's failure.
        self.prefix = [str(COHCHECK), f"--entry={entry}", "--exit-code", "0", "--json", str(self._json), "--log", str(self.report),
                       "--elf", str(image_elf), "--elf", f"{image_elf}@{LOAD_ADDRESS:#x}"]
        self.prefix += [*options, "--"]

    def findings(self):
        if not self._json.exists():
            raise Failure(f"cohcheck wrote no report; see {self.report}")
        return Findings.read(self._json)


def bss_of(elf):
    """Tenon's .bss, START+SIZE where it was loaded: Linux's boot protocol promises nothing of it."""
    symbols = {}
    for line in subprocess.run(["aarch64-linux-gnu-nm", str(elf)], check=True, capture_output=True,
                               text=True).stdout.splitlines():
        value, _, name = line.split()
        symbols[name] = int(value, 16)
    start = LOAD_ADDRESS + ((symbols["image_file_end"] - symbols["image_start"] + 4095) & ~4095)
    return f"{start:#x}+{LOAD_ADDRESS + symbols['image_end'] - symbols['image_start'] - start:#x}"


def move_focus_to_hypervisor(session, seconds=60):
    """Ctrl-A three times, as often as it takes; the console may be on any domain."""
    for _ in range(8):
        said = session.text.count("; Ctrl-A three times moves on")
        session.send("\x01\x01\x01")
        while session.text.count("; Ctrl-A three times moves on") == said:
            session.wait_for_line(seconds, "the console's focus to move on")
        if session.text.split("console input goes to ")[-1].startswith("Tenon"):
            return
    raise Failure("the console's focus never comes to Tenon")


def rebuild_next(session, seconds=60):
    """The key B: one more domain of the device tree is stopped and built anew. Tenon must have the focus."""
    session.skip()
    session.send("B")
    session.expect(r"d\d+ \(\w+\): .* kernel at", seconds)


def wait_for_scrubbing(session, seconds=60):
    """Until idle CPUs have cleaned all free memory, so that what was freed last may be used next."""
    while True:
        session.skip()
        session.send("m")
        if session.expect(r"(\d+) of these still to be scrubbed", seconds)[1] == "0":
            return
        time.sleep(0.5)                 # a key interrupts the scrubbing


def small_boot(domains):
    return Boot(domains=domains, hypervisor_arguments="console=dtuart loglvl=all guest_loglvl=all rebuild",
                first_module=SMALL_FIRST_MODULE)
