# SPDX-License-Identifier: MIT
"""A domain is destroyed and built again, over and over, while dom0 uses all that it has, on all CPUs.

It maps its frames and its grants, sends it events, gives and takes its memory, before, while and after it goes
(tests/guest/doomed.c, doomed_user.c). Tenon must stand it, and all memory comes back when dom0 has let go of what it holds.
"""

from hostile_tests import Console
from system_cohcheck import SMALL_FIRST_MODULE, move_focus_to_hypervisor
from system_machine import Machine
from system_suite import Failure, Test
from system_tree import Boot, Domain, Module

SECONDS = 240
ROUNDS = 10
LONG_ROUNDS = 60
MIB = 16
# Machine and its build. dom0 has a vCPU more than there are jobs to share, or than CPUs.
MACHINES = (("a57.v3.4", "release"), ("max.v2.2", "gcc-debug"))
LONG_MACHINES = (("max.v3.4", "clang-debug"), ("a57.v2.3", "gcc-debug"))
# A page or two of Tenon's own: for addresses not used before.
SLACK_PAGES = 4


def _boot(run, machine, last):
    domain = Domain("doomed", [Module("kernel", run.context.guests / "doomed", "number=1 tenon")], MIB, 1)
    arguments = f"console=dtuart loglvl=all guest_loglvl=all rebuild dom0_mem=64M dom0_max_vcpus={machine.cpus + 1}"
    return Boot(domains=[domain], hypervisor_arguments=arguments,
                dom0_modules=[Module("kernel", run.context.guests / "doomed_user", f"number=0 tenon last={last}")])


def _wait(session, pattern, anywhere=False):
    seen = session.expect(rf"{pattern}|PANIC[^\n]*\n[^\n]*\n|FAIL [^\n]*\n", SECONDS, anywhere)[0]
    if "PANIC" in seen:
        raise Failure("Tenon stops: " + " ".join(session.text[session.text.index("PANIC"):].split("\n")[:2]))
    if "FAIL" in seen:
        raise Failure(seen.strip())


def _run(run, machine, build, rounds):
    last = rounds + 3
    with run.boot(machine, _boot(run, machine, last), SECONDS, build) as session:
        console = Console(session)
        _wait(session, r"INFO is ready", anywhere=True)
        move_focus_to_hypervisor(session, SECONDS)
        for domid in range(2, last + 1):
            if domid == 3:
                before = console.free_pages()
            elif domid % 2 == 1:
                # In steps, between which guests run on the same CPU.
                console.move_focus(str(domid - 1))
                console.move_focus("Tenon")
                console.destroy(domid - 1)
            session.skip()
            session.send("B")
            _wait(session, rf"INFO d{domid} waits for its end")
        _wait(session, r"INFO has let go", anywhere=True)
        after = console.free_pages()
        session.send("R")
        session.wait_exit(SECONDS)
        run.check_hypervisor_is_sane(session)
        if "FAIL" in session.text:
            raise Failure("a guest's case fails")
    if abs(before - after) > SLACK_PAGES:
        raise Failure(f"{before} pages were free before, {after} are afterwards")


def tests(context):
    machines = MACHINES + (LONG_MACHINES if context.long else ())
    rounds = LONG_ROUNDS if context.long else ROUNDS
    return [Test(f"destroy/{name}" + (f"/{build}" if build != "release" else ""),
                 lambda run, m=Machine.parse(name, 256), b=build: _run(run, m, b, rounds), tenon_only=True)
            for name, build in machines]
