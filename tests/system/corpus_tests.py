# SPDX-License-Identifier: MIT
"""cohcheck's corpus: guests with a planted bug that it must report, and twins of which it must say nothing.

cohcheck/corpus/corpus.list has them. Each line runs the guest and its twin on each of its machines.
"""

import collections
import dataclasses
import json
import re
import subprocess
import threading

import system_machine
from system_machine import QEMU_TREE, ROOT
from system_suite import Failure, Result, Test

LIST = ROOT / "cohcheck/corpus/corpus.list"
BUILD = ROOT / "build"
CPU_MODELS = {"a57": "cortex-a57", "max": "max", "a710": "cortex-a710", "a64fx": "a64fx"}
# QEMU gives the guest the highest exception level that the machine has.
BOARDS = {"el1": "virt", "el2": "virt,virtualization=on", "el3": "virt,virtualization=on,secure=on"}
ARENA = 0x41000000
MODULE = b"A!MODULE" * 512
LIMIT_SECONDS = 30

REPORT = re.compile(r"(V\d[a-z]?|W\d)(?:@(\w+))?(?:<(\w+))?(?:!(\w+))?(?:~([a-z-]+))?")

# Of all runs together, for the table at the end.
tally = collections.Counter()
tally_lock = threading.Lock()


@dataclasses.dataclass
class Report:
    """What is expected, or what was found: a kind, the functions that had a part in it, and the alias's state."""

    kind: str
    access: str = ""
    writer: str = ""
    culprit: str = ""
    alias: str = ""

    def parts(self):
        return (("@", self.access), ("<", self.writer), ("!", self.culprit), ("~", self.alias))

    def __str__(self):
        return self.kind + "".join(mark + text for mark, text in self.parts() if text)

    def matches(self, found):
        """What the list does not name may be anything."""
        return self.kind == found.kind and all(text in ("", other) for (_, text), (_, other)
                                               in zip(self.parts(), found.parts()))


@dataclasses.dataclass
class Entry:
    """One line of the list."""

    guest: str
    machines: list
    reports: list
    cohcheck_options: list
    module: bool
    reboots: bool

    @classmethod
    def parse(cls, line):
        guest, machines, reports, *options = line.split()
        expected = []
        if reports != "silent":
            for text in reports.split(","):
                match = REPORT.fullmatch(text)
                if not match:
                    raise ValueError(f"{LIST}: '{text}' of {guest} is no report")
                expected.append(Report(*(part or "" for part in match.groups())))
        cohcheck_options = [option for option in options if option.startswith("--")]
        unknown = set(options) - set(cohcheck_options) - {"module", "reboots"}
        if unknown:
            raise ValueError(f"{LIST}: unknown option {unknown} of {guest}")
        return cls(guest, machines.split(","), expected, cohcheck_options, "module" in options, "reboots" in options)


def read_list():
    lines = (line.split("#")[0].strip() for line in LIST.read_text().splitlines())
    return [Entry.parse(line) for line in lines if line]


def qemu_command(machine, elf, module=None, reboots=False):
    cpu, level, cpus = machine.split(".")
    command = [str(QEMU_TREE / "bin/qemu-system-aarch64"), "-L", str(QEMU_TREE / "share/qemu"),
               "-M", BOARDS[level], "-cpu", CPU_MODELS[cpu], "-smp", cpus, "-m", "32",
               "-nodefaults", "-display", "none", "-serial", "stdio", "-kernel", str(elf)]
    if not reboots:
        command.append("-no-reboot")
    if level == "el3":                  # PSCI is the guest's own there: it ends by semihosting
        command += ["-semihosting-config", "enable=on,target=native"]
    if module is not None:
        command += ["-device", f"loader,file={module},addr=0x{ARENA:x},force-raw=on"]
    return command


def symbol(place):
    """A function's name; "device" and "loader" are writers, too."""
    if place is None:
        return ""
    return place.get("symbol") or ("" if place["who"] == "cpu" else place["who"])


def findings(data):
    return [Report(finding["kind"], symbol(finding["access"]), symbol(finding.get("writer")),
                   symbol(finding.get("culprit")), (finding.get("alias") or {}).get("state", ""))
            for finding in data["findings"] if not finding.get("suppressed")]


def unchecked(data):
    """QEMU's secure RAM cannot be shared, and no guest uses it; all else that was not checked is a failure."""
    return [item["what"] for item in data["unchecked"] if not item["what"].startswith("secure RAM")]


def compare(expected, found):
    """Empty, or what is wrong."""
    missing = [report for report in expected if not any(report.matches(other) for other in found)]
    surplus = [report for report in found if not any(other.matches(report) for other in expected)]
    parts = []
    if missing:
        parts.append("not reported: " + ", ".join(map(str, missing)))
    if surplus:
        parts.append("reported: " + ", ".join(sorted(set(map(str, surplus)))))
    return "; ".join(parts)


def run_guest(run, entry, machine, name, expected):
    """One run of one of the two; a failure in words, or nothing."""
    folder = run.context.work / run.file_name
    folder.mkdir(parents=True, exist_ok=True)
    elf = BUILD / f"corpus/{name}.elf"
    if not elf.exists():
        raise Failure(f"there is no {elf}: make corpus")
    module = None
    if entry.module:
        module = folder / "module"
        module.write_bytes(MODULE)
    data = folder / f"{name}.json"
    data.unlink(missing_ok=True)
    log = run.context.logs / f"{run.file_name}-{name}.log"
    reports = folder / f"{name}.reports"    # apart, so that they do not cut the guest's line in two
    limit = LIMIT_SECONDS * system_machine.time_scale
    command = (["timeout", "-k", "5", str(int(limit)), str(BUILD / "cohcheck"), "--elf", str(elf), "--json", str(data),
                "--log", str(reports)]
               + entry.cohcheck_options + ["--"] + qemu_command(machine, elf, module, entry.reboots))
    with open(log, "wb") as output:
        output.write((" ".join(command) + "\n\n").encode())
        output.flush()
        status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT).returncode
    text = log.read_text(errors="replace")
    if reports.exists():
        with open(log, "ab") as output:
            output.write(reports.read_bytes())
    if status not in (0, 1):
        return f"cohcheck ended with status {status} ({log.relative_to(ROOT)})"
    if not re.search(r"^PASS\r?$", text, re.MULTILINE):
        return f"the guest did not end as it should ({log.relative_to(ROOT)})"
    report = json.loads(data.read_text())
    found = findings(report)
    if unchecked(report):
        return "not checked: " + ", ".join(unchecked(report))
    if status != (1 if found else 0):
        return f"status {status} with {len(found)} findings"
    wrong = compare(expected, found)
    if not wrong and not run.context.keep_logs:
        log.unlink()
        data.unlink()
    return wrong


def run_entry(run, entry, machine):
    results = []
    for name, expected in ((entry.guest, entry.reports), (f"{entry.guest}-twin", [])):
        wrong = run_guest(run, entry, machine, name, expected)
        note = ", ".join(map(str, expected)) or "silent"
        results.append(Result(f"{name}/{machine}", wrong, note))
        what = "twins silent" if name != entry.guest else "bugs reported" if expected else "no bug there: silent"
        with tally_lock:
            tally[what] += not wrong
            tally[f"{what}, of"] += 1
    return results


def table():
    """Lines for the end of a run of the suite, if any of the corpus was run."""
    return [f"corpus: {what}: {tally[what]} of {tally[f'{what}, of']}"
            for what in ("bugs reported", "no bug there: silent", "twins silent") if tally[f"{what}, of"]]


def tests(context):
    found = []
    for entry in read_list():
        # What the loader may have left in caches makes no difference where the list does not say so.
        entries = [entry]
        if not any(option.startswith("--entry") for option in entry.cohcheck_options):
            entries.append(dataclasses.replace(entry, cohcheck_options=entry.cohcheck_options + ["--entry=adversarial"]))
        for variant in entries:
            options = "".join(f"/{option.lstrip('-')}" for option in variant.cohcheck_options)
            for machine in variant.machines:
                found.append(Test(f"corpus/{variant.guest}/{machine}{options}",
                                  lambda run, e=variant, m=machine: run_entry(run, e, m), tenon_only=True))
    return found
