# SPDX-License-Identifier: MIT
"""The bare-metal guests of tests/guest/guests.list, each on the machines listed there."""

import collections
import re
import threading

from system_machine import ROOT, ConsoleTimeout, Machine
from system_suite import Failure, Result, Test
from system_tree import FIRST_MODULE, MIB, RAM_START, Boot, Domain, Module

DIRT_BYTES = 16 * MIB
DOM0_MIB = 64
dirt_lock = threading.Lock()

LIST = ROOT / "tests/guest/guests.list"

# Lines of domains without the console's focus, and of the hypervisor, have a prefix and come whole. The domain
# with the focus writes character by character, and a line of another cuts its own in two.
PREFIX = re.compile(r"\((?:XEN|Tenon)\) (?:DOM\d+: )?|\(d\d+\) ")
LINE_START = re.compile(r"(?=RUN  |PASS |FAIL |SKIP |DONE |INFO |READY)")
RESULT = re.compile(r"(PASS|FAIL) ([a-z0-9_]+(?:\.[a-z0-9_]+)?)(?:: (.*))?")
DONE = re.compile(r"DONE ([a-z0-9_]+) \d+ passed, \d+ failed")


def guest_lines(text):
    """The guests' own lines, put together again."""
    whole = []
    pieces = []
    for line in text.split("\n"):
        prefix = PREFIX.match(line)
        if prefix:
            whole.append(line[prefix.end():])
        else:
            pieces.append(line)
    return whole + LINE_START.split("".join(pieces))


class Entry:
    """One line of the list."""

    def __init__(self, line):
        topic, domains, cpus, mib, machines, *options = line.split()
        self.topic = topic
        self.domains = int(domains)
        self.cpus = int(cpus)
        self.mib = int(mib)
        self.machines = [machine for machine in machines.split(",") if not machine.startswith("+")]
        self.long_machines = [machine[1:] for machine in machines.split(",") if machine.startswith("+")]
        self.options = {}
        self.name = topic if self.domains == 1 else f"{topic}x{domains}"
        for option in options:
            key, _, value = option.partition("=")
            self.options[key] = value
            if key == "args":
                self.name += f"-{value}"
        unknown = set(self.options) - {"args", "beside", "ends", "says", "input", "tenon", "seconds", "boot", "dirty", "dom0", "node"}
        if unknown:
            raise ValueError(f"{LIST}: unknown option {unknown} of {topic}")


def read_list():
    lines = (line.split("#")[0].strip() for line in LIST.read_text().splitlines())
    return [Entry(line) for line in lines if line]


def _guest(run, machine, name, topic, number, entry):
    arguments = [f"number={number}"]
    if machine.cpu == "max":
        arguments.append("fwb")         # FEAT_S2FWB
    if not run.context.is_xen:
        arguments.append("tenon")
    if entry.options.get("args"):
        arguments.append(entry.options["args"].replace(",", " "))
    module = Module("kernel", run.context.guests / topic, " ".join(arguments))
    name_of_property, _, value = entry.options.get("node", "").partition("=")
    properties = f"{name_of_property} = <{value}>;" if value else ""
    return Domain(name, [module], entry.mib, entry.cpus, properties)


def _dirt(run, machine):
    """QEMU's RAM is zero at first, a real machine's is not: arguments that fill all of it above the modules."""
    chunk = run.context.work / "dirt"
    with dirt_lock:
        if not chunk.exists():
            chunk.write_bytes(b"\xa5dirty\x5a\n" * (DIRT_BYTES // 8))
    start = FIRST_MODULE + 16 * MIB     # the modules are a few kB each, 2 MiB apart
    return [argument for address in range(start, RAM_START + machine.mib * MIB - DIRT_BYTES + 1, DIRT_BYTES)
            for argument in ("-device", f"loader,file={chunk},addr=0x{address:x},force-raw=on")]


def _wait_for_guests(session, expected, seconds):
    """Until each guest has said DONE, or one has failed outside its cases and will not say anything more."""
    done = {}
    while done != expected:
        session.wait_for_line(seconds, f"{sum(expected.values())} guests to finish")
        lines = guest_lines(session.text[:session.text.rfind("\n") + 1])
        done = dict(collections.Counter(match[1] for match in filter(None, map(DONE.match, lines))))
        for line in lines:
            if re.match(r"FAIL [a-z0-9_]+:", line):
                raise Failure("the guest stopped")


def run_entry(run, entry, machine, build, prefix=(), slower=1):
    """One line of the list. prefix: a command that runs QEMU, and makes it slower."""
    domains = [_guest(run, machine, f"guest{n}", entry.topic, n, entry) for n in range(1, entry.domains + 1)]
    expected = {entry.topic: entry.domains}
    if "ends" in entry.options:
        # What is under test gives no closing line: its domain is stopped, or runs until the machine is.
        expected = {}
    if "beside" in entry.options:
        topic = entry.options["beside"]
        domains.append(_guest(run, machine, "beside", topic, len(domains) + 1, entry))
        expected[topic] = expected.get(topic, 0) + 1
    boot = Boot(domains=domains)
    if "dom0" in entry.options:
        topic = entry.options["dom0"]
        boot.dom0_modules = _guest(run, machine, "dom0", topic, 0, entry).modules
        boot.hypervisor_arguments = f"console=dtuart loglvl=all guest_loglvl=all dom0_mem={DOM0_MIB}M dom0_max_vcpus=1"
        expected[topic] = 1
    if "boot" in entry.options:
        boot.hypervisor_arguments = "console=dtuart loglvl=all guest_loglvl=all " + entry.options["boot"].replace(",", " ")
    seconds = int(entry.options.get("seconds", "180")) * slower
    results = []
    dirt = _dirt(run, machine) if "dirty" in entry.options else []
    with run.boot(machine, boot, seconds, build, dirt, prefix) as session:
        try:
            if "input" in entry.options:
                session.expect("READY", seconds)
                if run.context.is_xen:
                    session.send("\x01\x01\x01")     # its focus is on dom0, even when there is none
                session.send(entry.options["input"])
            _wait_for_guests(session, expected, seconds)
            if "says" in entry.options and not run.context.is_xen:
                session.expect(entry.options["says"], seconds, anywhere=True)
            if entry.options.get("ends") != "never":
                run.expect_power_off(session, 20 * slower)
            run.check_hypervisor_is_sane(session)
        except (ConsoleTimeout, Failure) as error:
            results.append(Result(entry.topic, str(error)))
        for match in filter(None, map(RESULT.match, guest_lines(session.text))):
            verdict, name, text = match.groups()
            results.append(Result(name, (text or "failed") if verdict == "FAIL" else "", text or ""))
    if not results:
        results.append(Result(entry.name))
    return results


def tests(context):
    found = []
    for entry in read_list():
        for name in entry.machines + (entry.long_machines if context.long else []):
            machine, _, build = name.partition("/")
            found.append(Test(f"guest/{entry.name}/{name}",
                              lambda run, e=entry, m=Machine.parse(machine), b=build or "release": run_entry(run, e, m, b),
                              tenon_only="tenon" in entry.options))
    return found
