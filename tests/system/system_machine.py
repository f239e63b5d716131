# SPDX-License-Identifier: MIT
"""A QEMU machine and a conversation with its serial console.

The machine is QEMU's `virt` with EL2, from build/qemu (tools/setup.sh). Nothing here knows which
hypervisor runs on it.
"""

import dataclasses
import os
import pathlib
import re
import selectors
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
QEMU_TREE = ROOT / "build/qemu/usr"

CPU_MODELS = {"a57": "cortex-a57", "max": "max"}

# Every wait is multiplied by this (--slow).
time_scale = 1.0


@dataclasses.dataclass(frozen=True)
class Machine:
    """CPU model (a57, max), GIC version, number of CPUs, MiB of RAM."""

    cpu: str = "a57"
    gic: int = 3
    cpus: int = 1
    mib: int = 512

    @classmethod
    def parse(cls, text, mib=512):
        """'a57.v3.4': as test lists and --help name machines."""
        match = re.fullmatch(r"(a57|max)\.v([23])\.(\d+)", text)
        if not match:
            raise ValueError(f"'{text}' is not a machine such as a57.v3.4")
        return cls(match[1], int(match[2]), int(match[3]), mib)

    def __str__(self):
        return f"{self.cpu}.v{self.gic}.{self.cpus}"

    def qemu_arguments(self):
        return [
            str(QEMU_TREE / "bin/qemu-system-aarch64"),
            "-L", str(QEMU_TREE / "share/qemu"),
            "-M", f"virt,virtualization=on,gic-version={self.gic}",
            "-cpu", CPU_MODELS[self.cpu],
            "-smp", str(self.cpus),
            "-m", str(self.mib),
            "-nodefaults", "-display", "none", "-no-reboot",
        ]


class ConsoleTimeout(Exception):
    """What was waited for did not come."""


def _threads(pid):
    """Threads of a process and its descendants: their names, states and seconds of CPU time by (process, thread)."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
        try:
            name, _, rest = (task / "stat").read_text().partition("(")[2].rpartition(")")
            fields = rest.split()
            found[pid, task.name] = (name, fields[0], (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))
            for child in (task / "children").read_text().split():
                found.update(_threads(child))
        except (OSError, IndexError):
            pass                        # it has ended meanwhile
    return found


def describe_threads(pid):
    """Does a machine that says nothing work, or wait? Each thread that has used CPU time: in all, and in the last second."""
    before = _threads(pid)
    time.sleep(1)
    now = _threads(pid)
    return ", ".join(f"{name} ({state}) {used:.1f} s + {used - before.get(key, (name, state, 0.0))[2]:.2f}"
                     for key, (name, state, used) in now.items() if used > 0) or "no thread has run"


class Session:
    """A running QEMU. Everything it prints goes to a log file and to `text`."""

    def __init__(self, machine, arguments, log_path, limit_seconds, prefix=()):
        self.log_path = log_path
        self.text = ""
        self._position = 0
        log_path.parent.mkdir(parents=True, exist_ok=True)
        # prefix: a command that runs QEMU.
        command = list(prefix) + machine.qemu_arguments() + ["-serial", "stdio"] + arguments
        self._log = open(log_path, "wb")
        self._log.write((" ".join(command) + "\n\n").encode())
        # timeout(1) ends QEMU even when this process is killed.
        limit = str(int(limit_seconds * time_scale) + 5)
        self._process = subprocess.Popen(
            ["timeout", "-k", "5", limit] + command,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
        os.set_blocking(self._process.stdout.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._process.stdout, selectors.EVENT_READ)
        self._deadline = time.monotonic() + limit_seconds * time_scale
        self._open = True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _read(self, seconds):
        """Take in what has come; wait at most that long for the first byte."""
        if not self._open or not self._selector.select(max(0.0, seconds)):
            return
        data = self._process.stdout.read()
        if data is None:
            return
        if not data:
            self._open = False
            return
        self._log.write(data)
        self._log.flush()
        self.text += data.decode("utf-8", "replace").replace("\r", "")

    def expect(self, pattern, seconds=60, anywhere=False):
        """Wait until the regular expression matches what came since the last match (or anywhere)."""
        regex = re.compile(pattern, re.MULTILINE)
        end = min(time.monotonic() + seconds * time_scale, self._deadline)
        while True:
            match = regex.search(self.text, 0 if anywhere else self._position)
            if match:
                if not anywhere:
                    self._position = match.end()
                return match
            left = end - time.monotonic()
            if left <= 0 or not self._open:
                raise ConsoleTimeout(f"no /{pattern}/ on the console within {seconds} s ({self._state()})")
            self._read(left)

    def _state(self):
        """For whoever reads of a time-out where there is no console log."""
        said = self.text.rstrip().rsplit("\n", 1)[-1][-200:]
        working = describe_threads(self._process.pid) if self._open else "QEMU has ended"
        return f"last line: {said!r}; {working}"

    def skip(self):
        """expect() looks only at what comes from now on."""
        self._read(0)
        self._position = len(self.text)

    def wait_for_line(self, seconds, what):
        """Wait until another line has come."""
        lines = self.text.count("\n")
        end = min(time.monotonic() + seconds * time_scale, self._deadline)
        while self.text.count("\n") == lines:
            left = end - time.monotonic()
            if left <= 0 or not self._open:
                ended = "QEMU has ended" if not self._open else f"nothing came for {seconds} s"
                raise ConsoleTimeout(f"waiting for {what}: {ended}")
            self._read(left)

    def send(self, text):
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def wait_exit(self, seconds=20):
        """QEMU's exit status, or None when it still runs then."""
        end = time.monotonic() + seconds * time_scale
        while self._open and time.monotonic() < end:
            self._read(end - time.monotonic())
        try:
            return self._process.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            return None

    def stop(self):
        if self._log.closed:
            return
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._read(0)
        self._process.stdin.close()
        self._process.stdout.close()
        self._selector.close()
        self._log.close()


_tree_lock = threading.Lock()


def machine_tree_source(machine, folder):
    """The device tree that QEMU would pass, as text."""
    dtb = folder / f"machine-{machine}-{machine.mib}.dtb"
    with _tree_lock:
        if not dtb.exists():
            folder.mkdir(parents=True, exist_ok=True)
            arguments = machine.qemu_arguments()
            at = arguments.index("-M") + 1
            arguments[at] += f",dumpdtb={dtb}.new"
            subprocess.run(["timeout", "60"] + arguments, check=True, capture_output=True)
            os.rename(f"{dtb}.new", dtb)
    return subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", str(dtb)],
                          check=True, capture_output=True, text=True).stdout
