# SPDX-License-Identifier: MIT
"""A machine under cohcheck whose software is not Tenon, or not only: QEMU's arguments are all the caller's."""

import dataclasses
import pathlib

import system_cohcheck
from system_cohcheck import Findings
from system_machine import QEMU_TREE, Session
from system_suite import Failure


@dataclasses.dataclass
class CheckedMachine:
    """Stands in for system_machine.Machine. qemu: its arguments; options: cohcheck's; plain: without cohcheck."""

    qemu: list
    options: list
    folder: pathlib.Path
    plain: bool = False

    def qemu_arguments(self):
        command = [str(QEMU_TREE / "bin/qemu-system-aarch64"), "-L", str(QEMU_TREE / "share/qemu"),
                   *self.qemu, "-nodefaults", "-display", "none", "-no-reboot"]
        if self.plain:
            return command
        return [str(system_cohcheck.COHCHECK), *self.options, "--log", str(self.folder / "findings.log"),
                "--json", str(self.folder / "findings.json"), "--", *command]

    def start(self, run, limit_seconds):
        """The caller closes the session."""
        if not self.plain and not system_cohcheck.COHCHECK.exists():
            raise Failure("there is no build/cohcheck: run make cohcheck")
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "findings.json").unlink(missing_ok=True)
        session = Session(self, [], run.context.logs / f"{run.file_name}.log", limit_seconds)
        run.sessions.append(session)
        return session

    def findings(self):
        """After QEMU has ended."""
        path = self.folder / "findings.json"
        if not path.exists():
            raise Failure(f"cohcheck wrote no report; see {self.folder / 'findings.log'}")
        return Findings.read(path)
