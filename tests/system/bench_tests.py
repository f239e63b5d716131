# SPDX-License-Identifier: MIT
"""The benchmark guest (bench/): what operations cost, within the bounds of bench/bounds.list.

With QEMU's -icount the figures are the same in every run, so a few percent of room are for changes that are worth it, not
for noise.
"""

import re

from system_machine import ROOT, Machine
from system_suite import Failure, Result, Test
from system_tree import Boot, Domain, Module

LIST = ROOT / "bench/bounds.list"
ROOM = 1.05                             # an operation may cost so much more than the list says
FIGURE = re.compile(r"BENCH (on|off) ([a-z0-9_.]+) ([0-9.]+)")


def read_bounds(gic):
    """Instructions by (MMU off or on, operation)."""
    bounds = {}
    for line in LIST.read_text().splitlines():
        line = line.split("#")[0].split()
        if line and line[0] == f"v{gic}":
            bounds[line[1], line[2]] = float(line[3])
    return bounds


def _guest(name, arguments, cpus):
    return Domain(name, [Module("kernel", ROOT / "build/bench/bench", arguments)], 16, cpus)


def run_bench(run, gic):
    boot = Boot(domains=[_guest("bench", "number=1", 2), _guest("peer0", "peer=0", 1), _guest("peer1", "peer=1", 1)])
    boot.hypervisor_arguments = "console=dtuart xsm=dummy"
    with run.boot(Machine("a57", gic), boot, 300, arguments=["-icount", "shift=0,sleep=off"]) as session:
        session.expect(r"DONE bench \d+ passed, \d+ failed", 300)
        text = session.text
        run.check_hypervisor_is_sane(session)
    if "2 passed, 0 failed" not in text:
        raise Failure("the benchmark guest failed")
    bounds = read_bounds(gic)
    results = []
    for mmu, operation, figure in FIGURE.findall(text):
        bound = bounds.pop((mmu, operation), None)
        name = f"bench.v{gic}.{mmu}.{operation}"
        if operation == "loop":
            continue
        if bound is None:
            results.append(Result(name, f"{LIST.name} has no bound for it"))
        elif float(figure) > bound * ROOM:
            results.append(Result(name, f"{figure} instructions, {bound:.0f} are in {LIST.name}: see where they go with "
                                        f"tools/bench.sh --profile {operation}"))
        else:
            results.append(Result(name, note=f"{figure} of {bound:.0f}"))
    results += [Result(f"bench.v{gic}.{mmu}.{operation}", "was not measured") for mmu, operation in bounds]
    return results


def tests(context):
    return [Test(f"bench/a57.v{gic}.1", lambda run, g=gic: run_bench(run, g), tenon_only=True) for gic in (3, 2)]
