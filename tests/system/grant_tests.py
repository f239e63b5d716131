# SPDX-License-Identifier: MIT
"""Domains that die with grants in use: one grants pages, one holds them, and each in turn is stopped and built again.

What is held stays as it is, however long its owner has been dead, and all memory comes back. Also under cohcheck.
"""

from system_cohcheck import SMALL_MIB, Checked, move_focus_to_hypervisor, rebuild_next, small_boot
from system_machine import Machine
from system_suite import Failure, Result, Test
from system_tree import Domain, Module
from tenon_cohcheck_tests import coherency_results, tenon_elf

SECONDS = 120
ROUNDS = 4
HELD_PAGES = 64              # tests/guest/grants_hold.c

# machine, build, entry state under cohcheck
MACHINES = [("a57.v3.1", "release", None), ("max.v2.4", "gcc-debug", None),
            ("a57.v2.2", "release", "adversarial"), ("max.v3.1", "gcc-debug", "clean")]


def _domain(run, machine, name, mib, arguments):
    words = [f"number={1 if name == 'granter' else 2}", "tenon"] + (["fwb"] if machine.cpu == "max" else []) + arguments
    return Domain(name, [Module("kernel", run.context.guests / "grants_hold", " ".join(words))], mib, 1)


def _free_pages(session):
    session.skip()
    session.send("m")
    return int(session.expect(r"(\d+) free", SECONDS)[1])


def _wait_for_holding(session, domid):
    """It goes on holding: it has looked at every word since."""
    session.skip()
    for _ in range(2):
        session.expect(rf"INFO d{domid} still holds them", SECONDS)
    if "FAIL" in session.text:
        raise Failure("the holder's pages have changed")


def _run(run, machine, build, entry_state):
    domains = [_domain(run, machine, "granter", 16, []), _domain(run, machine, "holder", 8, ["holder"])]
    boot = small_boot(domains)
    boot.hypervisor_arguments += " xsm=dummy"
    checked = Checked(run, tenon_elf(run, build), entry_state) if entry_state else None
    free = []
    with run.boot(machine, boot, SECONDS, build, prefix=checked.prefix if checked else ()) as session:
        session.expect(r"INFO d2 holds pages of d1", SECONDS)
        move_focus_to_hypervisor(session, SECONDS)
        granter, holder = 1, 2
        for _ in range(ROUNDS):
            # The granter dies: its pages live on.
            rebuild_next(session, SECONDS)
            granter = holder + 1
            session.expect(rf"INFO d{granter} grants", SECONDS)
            _wait_for_holding(session, holder)
            # The holder dies: now they come back.
            rebuild_next(session, SECONDS)
            holder = granter + 1
            session.expect(rf"INFO d{holder} holds pages of d{granter}", SECONDS)
            _wait_for_holding(session, holder)
            free.append(_free_pages(session))
        session.send("R")
        session.wait_exit(SECONDS)
        run.check_hypervisor_is_sane(session)
    # Tenon makes tables for addresses that it has not used before, and keeps them; that is a page or two.
    if free[0] - free[-1] >= HELD_PAGES:
        return [Result(f"{run.name} memory", f"free pages after each round: {free}")]
    results = [Result(f"{run.name} memory")]
    return results + (coherency_results(run, checked) if checked else [])


def tests(context):
    found = []
    for name, build, entry_state in MACHINES:
        test_name = f"grants/death/{name}" + (f"/{build}" if build != "release" else "")
        if entry_state:
            test_name += f"-checked-{entry_state}"
        found.append(Test(test_name, lambda run, m=Machine.parse(name, SMALL_MIB), b=build, e=entry_state:
                          _run(run, m, b, e), tenon_only=True))
    return found
