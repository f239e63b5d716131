# SPDX-License-Identifier: MIT
"""Tests, their results, and running them two at a time."""

import concurrent.futures
import dataclasses
import pathlib
import re
import shutil
import sys
import threading
import time
import traceback
import typing

from system_machine import ROOT, ConsoleTimeout, Session
from system_tree import boot_arguments


@dataclasses.dataclass
class Result:
    name: str
    failure: str = ""                   # empty: passed
    note: str = ""


class Failure(Exception):
    """A test's own verdict: one line."""


@dataclasses.dataclass
class Context:
    """What a run of the suite is about."""

    hypervisor: typing.Optional[pathlib.Path]   # None: Tenon's own builds
    guests: pathlib.Path
    work: pathlib.Path
    logs: pathlib.Path
    long: bool = False
    keep_logs: bool = False
    seed: typing.Optional[int] = None   # of random streams; None: the suite's own choice

    @property
    def is_xen(self):
        """The oracle has other messages and does not power the machine off."""
        return self.hypervisor is not None and b"Tenon" not in self.hypervisor.read_bytes()

    def image(self, build="release"):
        if self.hypervisor is not None:
            return self.hypervisor
        return ROOT / ("build/tenon" if build == "release" else f"build/{build}/tenon")


@dataclasses.dataclass
class Test:
    """A test boots at most one machine at a time. run(run) returns results, or None for one that passed."""

    name: str
    run: typing.Callable
    tenon_only: bool = False
    long: bool = False


def file_name(test_name):
    return re.sub(r"[^A-Za-z0-9.=+-]", "-", test_name)


class Run:
    """What a test gets: its context, and a machine on request."""

    def __init__(self, context, test):
        self.context = context
        self.name = test.name
        self.file_name = file_name(test.name)
        self.sessions = []

    def boot(self, machine, boot, limit_seconds, build="release", arguments=(), prefix=(), image=None):
        """Start a machine with the hypervisor and the boot's modules; the caller closes the session."""
        folder = self.context.work / self.file_name
        for module in [m for d in boot.domains for m in d.modules] + boot.dom0_modules:
            if module.path is not None and not module.path.exists():
                raise Failure(f"there is no {module.path}")
        if not boot.hypervisor_arguments:
            boot.hypervisor_arguments = "console=dtuart loglvl=all guest_loglvl=all"
        extra = boot_arguments(machine, boot, folder, "boot")
        return self.start(machine, extra + list(arguments), limit_seconds, build, prefix, image)

    def start(self, machine, arguments, limit_seconds, build="release", prefix=(), image=None):
        image = image or self.context.image(build)
        if not image.exists():
            raise Failure(f"there is no {image}")
        log = self.context.logs / f"{self.file_name}.log"
        session = Session(machine, ["-kernel", str(image)] + arguments, log, limit_seconds, prefix)
        self.sessions.append(session)
        return session

    def check_hypervisor_is_sane(self, session):
        """Nothing that a test does may make Tenon panic."""
        for line in session.text.splitlines():
            lower = line.lower()
            if "panic" in lower and "kernel panic" not in lower or "assertion failed" in lower:
                raise Failure(f"the hypervisor stopped: {line.strip()}")

    def expect_power_off(self, session, seconds=20):
        """Without dom0 Tenon ends with its last domain; Xen goes on for ever."""
        self.check_hypervisor_is_sane(session)
        if self.context.is_xen:
            return
        status = session.wait_exit(seconds)
        self.check_hypervisor_is_sane(session)
        if status is None:
            raise Failure("the machine was not powered off after the last domain stopped")
        if status != 0:
            raise Failure(f"QEMU ended with status {status}")


def _execute(context, test):
    run = Run(context, test)
    started = time.monotonic()
    try:
        results = test.run(run)
        if results is None:
            results = [Result(test.name)]
    except (Failure, ConsoleTimeout) as error:
        results = [Result(test.name, str(error))]
    except Exception:                   # a bug in a test is a failure of that test
        results = [Result(test.name, traceback.format_exc())]
    finally:
        for session in run.sessions:
            session.stop()
    failed = any(result.failure for result in results)
    if not failed and not context.keep_logs:
        for session in run.sessions:
            session.log_path.unlink(missing_ok=True)
        shutil.rmtree(context.work / run.file_name, ignore_errors=True)
    log = run.sessions[-1].log_path if run.sessions else None
    return test, results, time.monotonic() - started, log


def run_tests(context, tests, jobs, verbose):
    """Returns how many passed and failed."""
    passed = failed = 0
    lock = threading.Lock()
    context.logs.mkdir(parents=True, exist_ok=True)

    def report(future):
        nonlocal passed, failed
        test, results, seconds, log = future.result()
        with lock:
            bad = [result for result in results if result.failure]
            passed += len(results) - len(bad)
            failed += len(bad)
            count = f" ({len(results)})" if len(results) > 1 else ""
            print(f"  {'FAIL' if bad else 'PASS'}  {test.name}{count}, {seconds:.0f} s", flush=True)
            if verbose:
                for result in results:
                    print(f"        {'FAIL' if result.failure else 'pass'}  {result.name} {result.note}")
            for result in bad:
                print(f"        {result.name}: {result.failure}")
            if bad and log is not None:
                shown = log.relative_to(ROOT) if log.is_relative_to(ROOT) else log
                print(f"        console: {shown}")
            sys.stdout.flush()

    with concurrent.futures.ThreadPoolExecutor(max_workers=jobs) as pool:
        futures = [pool.submit(_execute, context, test) for test in tests]
        for future in concurrent.futures.as_completed(futures):
            report(future)
    return passed, failed
