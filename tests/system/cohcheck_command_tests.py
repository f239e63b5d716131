# SPDX-License-Identifier: MIT
"""The command build/cohcheck: what it refuses and how it says so, its options, its files, and that nothing is left running.

Guests are two of the corpus: one with a planted bug, and its twin.
"""

import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import typing

import system_machine
from system_machine import QEMU_TREE, ROOT
from system_suite import Failure, Result, Test

BUILD = ROOT / "build"
QEMU = QEMU_TREE / "bin/qemu-system-aarch64"
GUEST = "race_missing_clean"
REPORT = "V1 read-under-dirty"
LIMIT_SECONDS = 30


def elf(twin=False):
    return BUILD / f"corpus/{GUEST}{'-twin' if twin else ''}.elf"


def qemu(*arguments, machine="virt,virtualization=on", program=None):
    return [str(program or QEMU), "-L", str(QEMU_TREE / "share/qemu"), "-M", machine, "-cpu", "cortex-a57", "-m", "32",
            "-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio", *map(str, arguments)]


def guest(twin=False):
    return qemu("-kernel", elf(twin))


@dataclasses.dataclass
class Outcome:
    status: int
    out: str
    err: str


class Command:
    """What a test gets: a folder of its own, and the command."""

    def __init__(self, run):
        self.folder = run.context.work / run.file_name
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (BUILD / "cohcheck").exists():
            raise Failure("there is no build/cohcheck: run make cohcheck")

    def path(self, name):
        return self.folder / name

    def write(self, name, content, executable=False):
        path = self.path(name)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(0o755 if executable else 0o644)
        return path

    def argv(self, options, command):
        return [str(BUILD / "cohcheck"), *map(str, options), *(["--", *map(str, command)] if command else [])]

    def __call__(self, options, command=()):
        done = subprocess.run(["timeout", "-k", "5", str(int(LIMIT_SECONDS * system_machine.time_scale)),
                               *self.argv(options, command)], stdin=subprocess.DEVNULL, capture_output=True)
        return Outcome(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))

    def start(self, options, command):
        return subprocess.Popen(self.argv(options, command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)


def require(condition, what):
    if not condition:
        raise Failure(what)


def expect_status(outcome, status):
    require(outcome.status == status, f"status {outcome.status}, not {status}: {outcome.err.strip()[-300:]}")


# --- what is refused --------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Refusal:
    """prepare(command) gives options and QEMU's command line. says: in the one line that cohcheck writes."""

    name: str
    prepare: typing.Callable
    says: str
    # QEMU itself says what is wrong as well.
    qemu_says: str = ""


def _plain(*command):
    return lambda c: ([], list(command))


def _qemu(*arguments, machine="virt"):
    return lambda c: ([], qemu(*arguments, machine=machine))


def _options(*options):
    return lambda c: (list(options), guest())


def _script(name, text):
    """A program that answers --help with this."""
    return lambda c: ([], qemu(program=c.write(name, f"#!/bin/sh\ncat <<'END'\n{text}\nEND\n", executable=True)))


def _suppressions(text):
    return lambda c: (["--suppress", c.write("suppressions", text)], guest())


def _stripped(c):
    subprocess.run(["aarch64-linux-gnu-strip", "-o", str(c.path("stripped.elf")), str(elf())], check=True)
    return ["--elf", c.path("stripped.elf")], guest()


HELP = "QEMU emulator version {}\nusage: qemu-system-aarch64 [options] [disk_image]\n{}-h or -help display this help"
PLUGIN_HELP = "-plugin [file=]<file>[,<argname>=<argvalue>]\n"

REFUSALS = [
    # QEMU.
    Refusal("no-command", lambda c: ([], []), "there is no QEMU command line"),
    Refusal("no-such-program", lambda c: ([], qemu(program="/nonexistent/qemu-system-aarch64")), "no such program"),
    Refusal("not-executable", lambda c: ([], qemu(program=c.write("qemu-system-aarch64", "x"))), "not executable"),
    Refusal("not-qemu", _script("tool", "usage: tool"), "does not look like QEMU"),
    Refusal("other-architecture", _plain(QEMU_TREE / "bin/qemu-system-arm", "-M", "virt"), "another architecture"),
    Refusal("user-mode", _plain("qemu-aarch64", "./program"), "user-mode"),
    Refusal("user-mode-renamed", _script("emulator", "usage: emulator [options] program [arguments...]\nLinux CPU emulator"),
            "user-mode"),
    Refusal("too-old", _script("qemu-system-aarch64", HELP.format("8.2.1", PLUGIN_HELP)), "8.2, too old.*10.0"),
    Refusal("no-plugins", _script("qemu-system-aarch64", HELP.format("10.0.2", "")), "without plugins"),
    Refusal("no-machine", _plain(QEMU, "-m", "32"), "add -M virt"),
    Refusal("other-machine", _qemu(machine="raspi4b"), "raspi4b.*not supported.*virt"),
    Refusal("no-cpu", _plain(QEMU, "-M", "virt"), "no CPU.*32-bit.*add -cpu"),
    Refusal("32-bit-cpu", _qemu("-cpu", "cortex-a15"), "cortex-a15 is a 32-bit CPU"),
    Refusal("kvm", _qemu("-enable-kvm"), "-enable-kvm.*leave it out"),
    Refusal("kvm-accel", _qemu("-accel", "kvm"), "accelerator kvm"),
    Refusal("kvm-machine", _qemu(machine="virt,accel=kvm:tcg"), "accelerator kvm"),
    Refusal("single-thread", _qemu("-accel", "tcg,thread=single", "-smp", "2"), "thread=single.*-smp 1"),
    Refusal("icount", _qemu("-icount", "1", "-smp", "2"), "-icount.*-smp 1"),
    Refusal("own-memory-path", _qemu("-mem-path", "/dev/shm"), "-mem-path.*leave it out"),
    Refusal("own-memory-object", _qemu("-object", "memory-backend-ram,id=m,size=32M"), "memory-backend-ram.*-m"),
    Refusal("own-memory-backend", _qemu(machine="virt,memory-backend=m"), "memory-backend=m.*-m"),
    Refusal("numa", _qemu("-numa", "node"), "-numa.*leave it out"),
    Refusal("memory-beyond-the-host", _qemu("-m", "64T"), "do not fit.*use a smaller -m"),
    Refusal("no-size", _qemu("-m", "lots"), "lots.*no size"),
    Refusal("argument-missing", _plain(QEMU, "-M", "virt", "-kernel"), "-kernel lacks its argument"),
    Refusal("qemus-own-refusal", _qemu("-cpu", "nonsense"), "before the guest started", "nonsense"),
    Refusal("no-firmware", _qemu("-bios", "nowhere.fd"), "nowhere.fd"),
    Refusal("flash-in-qcow2", lambda c: ([], qemu("-drive", f"if=pflash,file={c.write('flash', b'QFI' + bytes([251] * 99))}")),
            "qcow2.*convert"),

    # Options.
    Refusal("unknown-option", _options("--nonsense"), "--nonsense.*--help"),
    Refusal("option-without-value", lambda c: (["--json"], []), "--json takes a value"),
    Refusal("exit-code", _options("--exit-code", "300"), "0 to 255"),
    Refusal("entry", _options("--entry", "dirty"), "clean or adversarial"),
    Refusal("range", _options("--entry", "adversarial", "--clean", "0x40000000"), r"START\+SIZE"),
    Refusal("range-without-adversarial", _options("--loaded", "0x40000000+4K"), "--entry adversarial"),
    Refusal("drop-of-no-maintenance", _options("--drop", "LDR"), "LDR.*DC, IC, TLBI or DSB"),
    Refusal("drop-in-no-symbol", _options("--drop", "DC_CVAC@nowhere", "--elf", str(ROOT / "build/nothing")), "build/nothing"),
    Refusal("drop-without-elf", _options("--drop", "DC_CVAC@nowhere"), "no nowhere in any file"),
    Refusal("no-plugin", _options("--plugin", "/nonexistent.so"), "/nonexistent.so"),
    Refusal("not-a-plugin", _options("--plugin", "/etc/passwd"), "before the guest started", "passwd"),
    Refusal("nowhere-to-write", _options("--json", "/nonexistent/x.json"), "/nonexistent/x.json"),
    Refusal("replay-of-nothing", lambda c: (["--replay", c.path("nothing")], []), "nothing: No such file"),
    Refusal("replay-of-no-trace", lambda c: (["--replay", c.write("trace", "x" * 200)], []), "no trace"),
    Refusal("replay-and-qemu", lambda c: (["--replay", "x"], guest()), "--replay runs no QEMU"),

    # Files.
    Refusal("elf-missing", _options("--elf", "/nonexistent.elf"), "/nonexistent.elf: No such file"),
    Refusal("elf-stripped", _stripped, "stripped"),
    Refusal("elf-of-the-host", _options("--elf", "/bin/true"), "another architecture"),
    Refusal("elf-that-is-text", _options("--elf", str(ROOT / "README.md")), "not an ELF file"),
    Refusal("elf-base", lambda c: (["--elf", f"{elf()}@here"], guest()), "must be an address"),
    Refusal("suppressions-missing", _options("--suppress", "/nonexistent"), "/nonexistent: No such file"),
    Refusal("suppressions-a-folder", _options("--suppress", "/"), "Is a directory"),
    Refusal("suppression-without-reason", _suppressions("# fine\nV1 *\n"), ":2: .*reason"),
    Refusal("suppression-of-no-kind", _suppressions("\n\nV77 *  # why\n"), ":3: .*kind"),
    Refusal("suppression-without-symbol", _suppressions("V1  # why\n"), ":1: .*symbol"),
    Refusal("suppressions-binary", _suppressions(b"V1 *\0 # why\n"), ":1: .*text"),
    Refusal("kernel-packed", lambda c: (["--entry=adversarial"], qemu("-kernel", c.write("kernel.gz", b"\x1f\x8b\x08" + bytes(99)))),
            "packed.*--clean"),
]


def _run_refusal(run, refusal):
    command = Command(run)
    options, line = refusal.prepare(command)
    outcome = command(options, line)
    expect_status(outcome, 2)
    said = [text for text in outcome.err.splitlines() if text.startswith("cohcheck: ")]
    require(len(said) == 1, f"{len(said)} messages, not one: {outcome.err.strip()[-300:]}")
    require(re.search(refusal.says, said[0]), f"says '{said[0]}', nothing of /{refusal.says}/")
    others = [text for text in outcome.err.splitlines() if not text.startswith("cohcheck: ")]
    if refusal.qemu_says:
        require(any(refusal.qemu_says in text for text in others), "QEMU's own message is missing")
    else:
        require(not others, f"besides: {others}")


# --- what is done -----------------------------------------------------------------------------------------------


def _exit_status(run):
    command = Command(run)
    outcome = command(["--elf", elf()], guest())
    expect_status(outcome, 1)
    require(REPORT in outcome.err and "cold_read+" in outcome.err, "the report is not on standard error")
    require("PASS" in outcome.out and "cohcheck" not in outcome.out, "standard output is not the guest's alone")
    expect_status(command(["--exit-code", "7"], guest()), 7)
    expect_status(command(["--exit-code", "0"], guest()), 0)
    outcome = command(["--exit-code", "7", "--elf", elf(True)], guest(True))
    expect_status(outcome, 0)
    require("nothing found" in outcome.err, "a silent run does not say so")


def _files(run):
    command = Command(run)
    paths = {name: command.path(name) for name in ("log", "json", "html", "trace")}
    outcome = command(["--elf", elf(), *(text for name, path in paths.items() for text in (f"--{name}", path))], guest())
    expect_status(outcome, 1)
    require(REPORT not in outcome.err, "the report is on standard error in spite of --log")
    require(REPORT in paths["log"].read_text(), "the report is not in the log")
    data = json.loads(paths["json"].read_text())
    require(data["version"] == 1 and data["totals"]["complete"], "the JSON file is not complete")
    finding, = data["findings"]
    require((finding["kind"], finding["name"]) == ("V1", "read-under-dirty"), "JSON has another kind")
    require(finding["access"]["symbol"] == "cold_read" and finding["writer"]["symbol"] == "builder_write",
            "JSON has other symbols")
    require(finding["access"]["pa"].startswith("0x") and finding["access"]["file"] and finding["access"]["line"] > 0,
            "JSON lacks address or line")
    page = paths["html"].read_text()
    require(page.startswith("<!DOCTYPE html>") and page.rstrip().endswith("</html>"), "the page is not whole")
    require("cold_read" in page and "Life of line" in page and "data-cells" in page, "the page lacks timeline or map")
    require(not re.search(r"https?:|src=|@import|url\(", page), "the page needs something from outside")
    _check_replay(command, paths["trace"], data)


def _check_replay(command, trace, data):
    again = command.path("again.json")
    outcome = command(["--elf", elf(), "--replay", trace, "--line", data["findings"][0]["access"]["pa"], "--json", again])
    expect_status(outcome, 1)
    finding, = json.loads(again.read_text())["findings"]
    for key in ("kind", "count", "writer"):
        require(finding[key] == data["findings"][0][key] or key == "writer" and
                finding[key]["pc"] == data["findings"][0][key]["pc"], f"replay finds another {key}")
    require(re.search(r"store WB.*builder_write", outcome.out) and "<- finding" in outcome.out,
            f"the line's life is not told: {outcome.out}")


def _drop(run):
    command = Command(run)
    base = ["--elf", elf(True)]
    outcome = command(base + ["--drop", "DC_CVAC"], guest(True))
    expect_status(outcome, 1)
    require(REPORT in outcome.err, "without its DC CVAC the twin is not reported")
    expect_status(command(base + ["--drop", "DC_CVAC@guest"], guest(True)), 1)
    expect_status(command(base + ["--drop", "DC_CVAC@builder_write"], guest(True)), 0)
    expect_status(command(base + ["--drop", "DSB"], guest(True)), 1)


def _suppress(run):
    command = Command(run)
    known = command.write("known", "V1 cold_* writer=builder_*  # planted\nV2 *  # never\n")
    outcome = command(["--elf", elf(), "--suppress", known], guest())
    expect_status(outcome, 0)
    require(REPORT not in outcome.err, "a suppressed finding is shown")
    require("suppressed by" in outcome.err and ":1 (planted)" in outcome.err, "the suppression that was used is not named")
    require(f"{known}:2 suppressed nothing" in outcome.err, "the suppression that was not used is not named")
    other = command.write("other", "V1 cold_* writer=somebody  # planted\n")
    expect_status(command(["--elf", elf(), "--suppress", other], guest()), 1)


def _summary(run):
    command = Command(run)
    outcome = command(["--summary", "--elf", elf(True)], guest(True))
    expect_status(outcome, 0)
    require(re.search(r"DC CVAC\s+1\s+0\s+0% guest", outcome.err), f"the clean is not counted: {outcome.err}")
    per_byte = re.search(r"([0-9.]+) bytes per byte of guest RAM", outcome.err)
    require(per_byte and float(per_byte[1]) <= 0.35, "the memory used is missing, or too much")


def _help(run):
    command = Command(run)
    outcome = command(["--help"])
    expect_status(outcome, 0)
    lines = outcome.out.splitlines()
    require(len(lines) <= 24 and max(map(len, lines)) <= 80, "--help does not fit a screen")
    manual = (ROOT / "cohcheck/cli/cohcheck.1").read_text().replace("\\-", "-")
    for option in sorted(set(re.findall(r"--[a-z-]+", outcome.out)) - {"--"}):
        require(option in manual, f"cohcheck(1) does not describe {option}")
    expect_status(command(["--version"]), 0)


# --- nothing is left running ------------------------------------------------------------------------------------


def _child_of(process):
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(children[0]) if children else None


def _is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _wait(seconds, condition, what):
    end = time.monotonic() + seconds * system_machine.time_scale
    while not condition():
        require(time.monotonic() < end, what)
        time.sleep(0.05)


def _endless(command):
    """A kernel that is a branch to itself."""
    return qemu("-kernel", command.write("kernel", (0x14000000).to_bytes(4, "little") * 1024))


def _catches(pid, number):
    """QEMU does so when it has a machine and is about to run it."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return bool(int(re.search(r"^SigCgt:\s*([0-9a-f]+)", status, re.MULTILINE)[1], 16) >> (number - 1) & 1)


def _start_endless(command, options=()):
    process = command.start(options, _endless(command))
    # QEMU after cohcheck has asked it for its version: the one with the plugin.
    _wait(20, lambda: (child := _child_of(process)) and
          b"-plugin" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes(), "QEMU does not start")
    _wait(20, lambda: _catches(_child_of(process), signal.SIGTERM), "QEMU is not ready")
    return process, _child_of(process)


def _signal(run, number):
    command = Command(run)
    data = command.path("json")
    process, child = _start_endless(command, ["--json", data])
    try:
        process.send_signal(number)
        _wait(15, lambda: process.poll() is not None, "cohcheck does not end")
    finally:
        process.kill()
        _, err = process.communicate()
    require(not _is_alive(child), "QEMU is left running")
    require(process.returncode == 0, f"status {process.returncode}: {err.decode()}")
    require(json.loads(data.read_text())["totals"]["complete"], "the findings until then are not written")


def _killed(run):
    command = Command(run)
    process, child = _start_endless(command)
    process.kill()
    process.communicate()
    _wait(5, lambda: not _is_alive(child), "QEMU outlives cohcheck")


def _qemu_killed(run):
    command = Command(run)
    process, child = _start_endless(command, ["--json", command.path("json")])
    os.kill(child, signal.SIGKILL)
    _, err = process.communicate(timeout=20 * system_machine.time_scale)
    require(process.returncode == 2 and b"incomplete" in err, f"status {process.returncode}: {err.decode()}")
    require(not json.loads(command.path("json").read_text())["totals"]["complete"], "an incomplete run is called complete")


def _stop_on_first(run):
    command = Command(run)
    outcome = command(["--stop-on-first", "--json", command.path("json")], guest())
    expect_status(outcome, 1)
    require(len(json.loads(command.path("json").read_text())["findings"]) == 1, "there is not exactly one finding")


def tests(context):
    found = [Test(f"cohcheck/refuses/{refusal.name}", lambda run, r=refusal: _run_refusal(run, r), tenon_only=True)
             for refusal in REFUSALS]
    for name, function in (("exit-status", _exit_status), ("files", _files), ("drop", _drop), ("suppress", _suppress),
                           ("summary", _summary), ("help", _help), ("stop-on-first", _stop_on_first), ("killed", _killed),
                           ("qemu-killed", _qemu_killed),
                           ("sigterm", lambda run: _signal(run, signal.SIGTERM)),
                           ("sigint", lambda run: _signal(run, signal.SIGINT))):
        found.append(Test(f"cohcheck/{name}", function, tenon_only=True))
    return found
