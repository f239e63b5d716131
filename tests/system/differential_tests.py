# SPDX-License-Identifier: MIT
"""The same pseudo-random hypercalls on Debian's Xen and on Tenon: the answers must be the same.

The guest (tests/guest/differential*.c) prints a hash for each 1000 calls. Where these differ it is run again for a hash
of each call of the first batches that differ, and a third time for everything about the first call of each that does.
"""

import datetime
import re

from system_machine import ROOT, ConsoleTimeout, Machine
from system_suite import Failure, Run, Test
from system_tree import Boot, Domain, Module

XEN = ROOT / "build/reference/xen-4.17/boot/xen-4.17-arm64"
SEED = 20260                            # with --long, and no --seed: the date
BATCHES = 110                           # of 1000 calls
LONG_BATCHES = 1500
MACHINES = ("a57.v2.1", "a57.v3.1")
DOM0_MACHINES = ("a57.v3.1",)
DOM0_BATCHES = 40
DOM0_ARGUMENTS = " dom0_mem=448M dom0_max_vcpus=2"
LONG_MACHINES = ("max.v2.1", "max.v3.1")
MIB = 768                               # of RAM: neither must run out of it
SECONDS = 300
SHOWN = 6                               # differing calls that are told in full

PREFIX = re.compile(r"\((?:XEN|Tenon)\) (?:DOM\d+: )?|\(d\d+\) ")
TOLD = re.compile(r"(HASHES|HASH|CALL|FAIL|DONE) ?([^;\n]*)(?: ;)?")


def told(text):
    """The guest's own lines, put together again where the hypervisor's cut them in two."""
    whole, pieces = [], []
    for line in text.split("\n"):
        prefix = PREFIX.match(line)
        if prefix and "(d" not in prefix[0] and "DOM" not in prefix[0]:
            continue
        (whole if prefix else pieces).append(line[prefix.end():] if prefix else line)
    lines = whole + re.split(r"(?=HASH |HASHES |CALL |FAIL |DONE |INFO |RUN  |PASS )", "".join(pieces))
    return [match.groups() for match in map(TOLD.match, lines) if match]


class Side:
    """One hypervisor's runs of the stream."""

    def __init__(self, run, name, image, machine, seed, batches, is_dom0):
        self.parent = run
        self.name = name
        self.image = image
        self.machine = machine
        self.seed = seed
        self.arguments = [f"seed={seed}", f"batches={batches}"] + (["tenon"] if name == "Tenon" else []) + \
            (["dom0"] if is_dom0 else [])
        self.is_dom0 = is_dom0
        self.nr_runs = 0

    def lines(self, *arguments):
        """Runs the guest to its end."""
        self.nr_runs += 1
        run = Run(self.parent.context, Test(f"{self.parent.name}-{self.name}-{self.nr_runs}", None))
        kernel = self.parent.context.guests / "differential"
        modules = [Module("kernel", kernel, " ".join(self.arguments + list(arguments)))]
        partner = [Module("kernel", kernel, "partner")]
        boot = Boot(hypervisor_arguments="console=dtuart loglvl=all guest_loglvl=none")
        if self.is_dom0:
            boot.domains = [Domain("guest1", partner, 24, 1)]
            boot.dom0_modules = modules
            boot.hypervisor_arguments += DOM0_ARGUMENTS
        else:
            boot.domains = [Domain("guest1", modules, 320, 2), Domain("guest2", partner, 16, 1)]
        seconds = SECONDS * (10 if self.parent.context.long else 1)
        with run.boot(self.machine, boot, seconds, image=self.image) as session:
            self.parent.sessions.append(session)
            try:
                while not re.search(r"(DONE|FAIL) differential[^\n]*\n", session.text):
                    session.wait_for_line(60, f"the next 1000 calls on {self.name}")
            except ConsoleTimeout as error:
                raise Failure(f"with --seed {self.seed}: {error}") from None
            run.check_hypervisor_is_sane(session)
            lines = told(session.text)
        for kind, text in lines:
            if kind == "FAIL":
                raise Failure(f"on {self.name}, with --seed {self.seed}: {text}")
        return lines


def batch_hashes(lines):
    return dict(text.strip().split(" ", 1) for kind, text in lines if kind == "HASH")


def call_hashes(lines):
    found = {}
    for kind, text in lines:
        if kind == "HASHES":
            batch, first, *hashes = text.split()
            found.update((int(batch) * 1000 + int(first) + i, value) for i, value in enumerate(hashes))
    return found


def calls(lines):
    """Number of a call to what is told about it."""
    found, current = {}, None
    for kind, text in lines:
        if kind == "CALL":
            if text.strip().isdigit():
                current = found.setdefault(int(text), [])
            elif current is not None:
                current.append(text)
    return found


def first_differences(sides, batches):
    """Of each of these batches, the first call whose answers differ."""
    arguments = [f"hashes{i + 1}={batch}" for i, batch in enumerate(batches)]
    one, other = (call_hashes(side.lines(*arguments)) for side in sides)
    found = {}
    for number in sorted(one):
        if one[number] != other.get(number):
            found.setdefault(number // 1000, number)
    return sorted(found.values())


def describe(sides, numbers):
    arguments = [f"call{i + 1}={number}" for i, number in enumerate(numbers)]
    one, other = (calls(side.lines(*arguments)) for side in sides)
    text = []
    for number in numbers:
        text.append(f"call {number}:")
        mine, others = one.get(number, []), other.get(number, [])
        for i in range(max(len(mine), len(others))):
            a = mine[i].strip() if i < len(mine) else "-"
            b = others[i].strip() if i < len(others) else "-"
            text += [f"  both   {a}"] if a == b else [f"  Xen    {a}", f"  Tenon  {b}"]
    return "\n        ".join(text)


def run_differential(run, machine, seed, batches, is_dom0=False, build="release"):
    if not XEN.exists():
        raise Failure(f"there is no {XEN}: tools/setup.sh reference")
    # Also with --hypervisor, which then names a Tenon that is elsewhere.
    images = (XEN, run.context.image(build))
    sides = [Side(run, name, image, machine, seed, batches, is_dom0) for name, image in zip(("Xen", "Tenon"), images)]
    one, other = (batch_hashes(side.lines()) for side in sides)
    if len(one) != batches:
        raise Failure(f"on Xen, with --seed {seed}, {len(one)} hashes of {batches}")
    differ = [int(batch) for batch in one if one[batch] != other.get(batch)]
    if not differ:
        return
    numbers = first_differences(sides, differ[:SHOWN])
    first = str(differ[0])
    raise Failure(f"seed {seed} (run.py --seed {seed}): {len(differ)} of {batches} batches differ, first batch {first}:\n"
                  f"        Xen    {one[first]}\n        Tenon  {other.get(first)}\n"
                  f"        {describe(sides, numbers)}")


def seed_of(context):
    """The short run is the same each day, so that it passes today when it passed yesterday; the long one looks further."""
    if context.seed is not None:
        return context.seed
    return int(datetime.date.today().strftime("%Y%m%d")) if context.long else SEED


def about_seed(context, chosen):
    """What is printed before the tests: a run is repeated with it."""
    if any(test.name.startswith("differential/") for test in chosen):
        yield f"  random hypercalls: --seed {seed_of(context)}"


def tests(context):
    seed = seed_of(context)
    machines = MACHINES + (LONG_MACHINES if context.long else ())
    batches = LONG_BATCHES if context.long else BATCHES
    dom0_machines = machines if context.long else DOM0_MACHINES
    dom0_batches = LONG_BATCHES if context.long else DOM0_BATCHES
    found = [Test(f"differential/{machine}",
                  lambda run, m=Machine.parse(machine, MIB): run_differential(run, m, seed, batches), tenon_only=True)
             for machine in machines]
    return found + [Test(f"differential/dom0/{machine}",
                         lambda run, m=Machine.parse(machine, MIB): run_differential(run, m, seed, dom0_batches, True),
                         tenon_only=True)
                    for machine in dom0_machines]
