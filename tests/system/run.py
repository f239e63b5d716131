#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the system tests: guests and kernels on Tenon, cohcheck's corpus, Tenon whole and broken under it, others' code.

Everything must have been prepared and built: ./check does that. Closes with 'N passed, M failed'.
"""

import argparse
import collections
import pathlib
import sys

import bench_tests
import boot_tests
import bounded_tests
import builder_tests
import cohcheck_command_tests
import corpus_tests
import destroy_tests
import differential_tests
import grant_tests
import guest_tests
import hostile_tests
import mutant_tests
import others_tests
import race_tests
import system_machine
import tenon_cohcheck_tests
from system_machine import ROOT
from system_suite import Context, file_name, run_tests

SUITES = (guest_tests, bench_tests, bounded_tests, boot_tests, builder_tests, grant_tests, cohcheck_command_tests, corpus_tests, tenon_cohcheck_tests,
          race_tests, others_tests, mutant_tests, differential_tests, hostile_tests, destroy_tests)


def check_names(tests):
    """A test's folder and log are named after it: two of one name that run at once would overwrite each other's."""
    count = collections.Counter(file_name(test.name) for test in tests)
    twice = [name for name, times in count.items() if times > 1]
    if twice:
        sys.exit(f"run.py: more than one test is named {', '.join(twice)}; give each its own name")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hypervisor", type=pathlib.Path, metavar="PATH",
                        help="run on this image instead of build/tenon; Debian's Xen is the oracle")
    parser.add_argument("--guests", type=pathlib.Path, metavar="FOLDER", default=ROOT / "build/gcc-release/guests",
                        help="where the test guests were built")
    parser.add_argument("--long", action="store_true", help="more machines and longer loops")
    parser.add_argument("--list", action="store_true", help="name the tests, run none")
    parser.add_argument("--keep-logs", action="store_true", help="also of tests that pass")
    parser.add_argument("--jobs", type=int, default=2, help="machines at a time (2)")
    parser.add_argument("--slow", type=float, default=1.0, metavar="FACTOR", help="stretch all time limits")
    parser.add_argument("--seed", type=int, metavar="N",
                        help="of the random hypercalls (a fixed one; with --long one of the day)")
    parser.add_argument("-v", "--verbose", action="store_true", help="a line for each case")
    parser.add_argument("filter", nargs="*", help="only tests whose name contains one of these")
    options = parser.parse_args()

    system_machine.time_scale = options.slow
    context = Context(options.hypervisor, options.guests.resolve(), ROOT / "build/system",
                      ROOT / "build/log/system", options.long, options.keep_logs, options.seed)
    tests = [test for suite in SUITES for test in suite.tests(context)
             if (not test.tenon_only or not context.is_xen) and (not test.long or context.long)
             and (not options.filter or any(part in test.name for part in options.filter))]
    check_names(tests)
    if options.list:
        print("\n".join(test.name for test in tests))
        return 0
    for line in differential_tests.about_seed(context, tests):
        print(line, flush=True)
    passed, failed = run_tests(context, tests, options.jobs, options.verbose)
    mutant_tests.print_table()
    for line in corpus_tests.table():
        print(line)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
