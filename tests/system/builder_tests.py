# SPDX-License-Identifier: MIT
"""What the boot loader may get wrong, and what Tenon says about it.

In each case a domain called "bad" is broken in one way, and a sound one called "good" is there as well. Tenon
must say what is wrong, naming the domain, leave it out, and run the other one to its end. On Xen, which panics in
most of them, only the cases that are not broken are run.
"""

import dataclasses
import gzip
import typing

from guest_tests import DONE, guest_lines
from system_machine import ROOT, Machine
from system_suite import Failure, Result, Test
from system_tree import FIRST_MODULE, MIB, RAM_START, Boot, Domain, Module, cells64

KERNEL_CLOUD = ROOT / "build/guest/kernel-cloud/vmlinuz"


@dataclasses.dataclass
class Case:
    """prepare(files) makes the broken domain, or several, or a whole Boot. says: what Tenon must say."""

    name: str
    prepare: typing.Callable
    says: str
    # How many guests must run to their end; 1 is the sound domain.
    done: int = 1
    on_xen: bool = False
    cpu: str = "a57"


class Files:
    """Images for the cases, made in the test's folder."""

    def __init__(self, run):
        self.folder = run.context.work / run.file_name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.hello = run.context.guests / "hello"

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        return path

    def kernel(self):
        return Module("kernel", self.hello)

    def compressed(self):
        return gzip.compress(self.hello.read_bytes(), mtime=0)


def bad(*modules, **arguments):
    return Domain("bad", list(modules), **{"mib": 16, **arguments})


def _properties(text):
    """A domain whose memory, cpus and so on are spelled out."""
    return lambda files: bad(files.kernel(), properties=text, has_defaults=False)


def _kernel(make):
    return lambda files: bad(Module("kernel", files.write("kernel", make(files))))


def _flip(data, at):
    return data[:at] + bytes([data[at] ^ 0xff]) + data[at + 1:]


def _with_image_size(files, size):
    """The guest's Image, claiming to need that much memory."""
    data = bytearray(files.hello.read_bytes())
    data[16:24] = size.to_bytes(8, "little")
    return bytes(data)


def _overlapping(files):
    kernel = files.kernel()
    kernel.address = FIRST_MODULE + 64 * MIB
    ramdisk = Module("ramdisk", files.write("ramdisk", bytes(2 * MIB)), address=kernel.address + 4096)
    ramdisk.path = None                 # not loaded: QEMU itself refuses images that overlap
    ramdisk.size = 2 * MIB
    return bad(kernel, ramdisk)


def _module(address=None, size=None):
    def prepare(files):
        module = files.kernel()
        if address is not None:
            module.path = None          # nothing is put there
            module.address = address
        module.size = size
        return bad(module)
    return prepare


def _no_reg(files):
    domain = bad()
    domain.properties = 'module@1 { compatible = "multiboot,kernel", "multiboot,module"; };'
    return domain


def _short_reg(files):
    domain = bad()
    domain.properties = 'module@1 { compatible = "multiboot,kernel", "multiboot,module"; reg = <0x4a000000>; };'
    return domain


def _absurd_cells(files):
    domain = bad(files.kernel())
    domain.address_cells = 77
    return domain


def _many_domains(files):
    return [Domain(f"extra{n}", [files.kernel()], mib=4) for n in range(70)]


def _many_modules(files):
    # One kernel is enough; the others name the same file.
    first = files.kernel()
    first.address, first.size = FIRST_MODULE, files.hello.stat().st_size
    others = [Module("ramdisk", None, address=FIRST_MODULE + (n + 1) * MIB, size=4096) for n in range(40)]
    return bad(first, *others)


GIB = 1 << 30
ROOM = "vpl011; "

CASES = [
    # Sound, if unusual.
    Case("compressed-kernel", lambda files: bad(Module("kernel", files.write("kernel.gz", files.compressed()))), "", 2, True),
    Case("module-kinds-by-order",
         lambda files: bad(Module("module", files.hello), Module("module", files.write("ramdisk", bytes(4096)))), "", 2),
    Case("long-command-line", lambda files: bad(Module("kernel", files.hello, "x" * 1000)), "", 2, True),

    # Kernels.
    Case("kernel-of-unknown-format", _kernel(lambda files: b"This is no kernel. " * 1000), "bad.*kernel.*(format|Image|magic)"),
    Case("kernel-of-zeroes", _kernel(lambda files: bytes(100000)), "bad.*kernel.*(format|Image|magic)"),
    Case("kernel-shorter-than-its-header", _kernel(lambda files: files.hello.read_bytes()[:60]),
         "bad.*kernel.*(truncated|short|small|format|Image)"),
    Case("kernel-of-one-byte", _kernel(lambda files: b"\x1f"), "bad.*kernel"),
    Case("kernel-that-is-a-device-tree", _kernel(lambda files: b"\xd0\x0d\xfe\xed" + bytes(4096)), "bad.*kernel"),
    Case("kernel-larger-than-memory", lambda files: bad(Module("kernel", KERNEL_CLOUD)), "bad.*kernel.*(memory|fit)"),
    Case("kernel-wants-more-memory-than-there-is",
         _kernel(lambda files: _with_image_size(files, 17 * MIB)), "bad.*kernel.*(memory|fit)"),
    Case("kernel-with-absurd-size",
         _kernel(lambda files: _with_image_size(files, (1 << 64) - 1)), "bad.*kernel"),
    Case("compressed-kernel-corrupt", _kernel(lambda files: _flip(files.compressed(), len(files.compressed()) // 2)),
         "bad.*kernel.*(corrupt|gzip|decompress|inflate|checksum)"),
    Case("compressed-kernel-wrong-checksum", _kernel(lambda files: _flip(files.compressed(), len(files.compressed()) - 6)),
         "bad.*kernel.*(corrupt|gzip|decompress|inflate|checksum)"),
    Case("compressed-kernel-truncated", _kernel(lambda files: files.compressed()[:2000]),
         "bad.*kernel.*(truncated|corrupt|gzip|decompress|inflate|ends)"),
    Case("compressed-kernel-lies-about-its-size",
         _kernel(lambda files: files.compressed()[:-4] + (0x7fffffff).to_bytes(4, "little")), "bad.*kernel"),
    Case("compressed-rubbish", _kernel(lambda files: gzip.compress(b"This is no kernel. " * 1000)), "bad.*kernel"),
    Case("no-kernel", lambda files: bad(Module("ramdisk", files.hello)), "bad.*no kernel"),

    # Memory.
    Case("memory-that-is-not-there", lambda files: bad(files.kernel(), mib=8 * 1024), "bad.*memory"),
    Case("memory-of-all-there-is", lambda files: bad(files.kernel(), mib=512), "bad.*memory"),
    Case("initrd-that-does-not-fit",
         lambda files: bad(files.kernel(), Module("ramdisk", files.write("ramdisk", bytes(16 * MIB)))), "bad.*initrd.*fit"),
    Case("memory-missing", _properties("cpus = <1>; vpl011;"), "bad.*memory"),
    Case("memory-of-one-cell", _properties("memory = <16384>; cpus = <1>; vpl011;"), "bad.*memory"),
    Case("memory-none", _properties("memory = <0 0>; cpus = <1>; vpl011;"), "bad.*memory"),
    Case("memory-absurd", _properties("memory = <0xffffffff 0xffffffff>; cpus = <1>; vpl011;"), "bad.*memory"),
    Case("memory-too-small-for-the-kernel", lambda files: bad(files.kernel(), has_defaults=False,
                                                             properties="memory = <0 64>; cpus = <1>; vpl011;"), "bad"),
    Case("cpus-missing", _properties("memory = <0 16384>; vpl011;"), "bad.*cpus"),
    Case("cpus-none", _properties("memory = <0 16384>; cpus = <0>; vpl011;"), "bad.*cpus"),
    Case("cpus-absurd", _properties("memory = <0 16384>; cpus = <0xffffffff>; vpl011;"), "bad.*cpus"),
    Case("cpus-of-two-cells", _properties("memory = <0 16384>; cpus = <0 1>; vpl011;"), "bad.*cpus"),

    # Modules.
    Case("modules-that-overlap", _overlapping, "bad.*overlap"),
    Case("module-outside-ram", _module(0x1000000000, 4096), "bad.*module"),
    Case("module-over-the-end-of-ram", _module(RAM_START + 512 * MIB - 4096, 65536), "bad.*module"),
    Case("module-in-tenon-itself", _module(RAM_START + 2 * MIB, 65536), "bad.*module.*overlap"),
    Case("module-in-the-device-tree", _module(RAM_START + 128 * MIB, 65536), "bad.*module.*overlap"),
    Case("module-of-no-size", _module(FIRST_MODULE + 8 * MIB, 0), "bad.*module"),
    Case("module-of-absurd-size", _module(FIRST_MODULE + 8 * MIB, 1 << 63), "bad.*module"),
    Case("module-that-wraps", _module(FIRST_MODULE + 8 * MIB, (1 << 64) - 4096), "bad.*module"),
    Case("module-without-reg", _no_reg, "bad.*module.*reg"),
    Case("module-with-short-reg", _short_reg, "bad.*module.*reg"),
    Case("absurd-cell-sizes", _absurd_cells, "bad.*(cells|reg)"),
    Case("too-many-modules", _many_modules, "bad.*module.*32"),

    # The rest of the tree.
    Case("unsupported-property",
         lambda files: bad(files.kernel(), properties="direct-map;"), "bad.*direct-map"),
    Case("unknown-value-of-enhanced",
         lambda files: bad(files.kernel(), properties='xen,enhanced = "perhaps";'), "bad.*enhanced"),
    Case("too-many-domains", _many_domains, "more than|too many", done=-1),
]


def _run(run, case):
    files = Files(run)
    prepared = case.prepare(files)
    domains = prepared if isinstance(prepared, list) else [prepared]
    boot = Boot(domains=domains + [Domain("good", [files.kernel()], mib=16)])
    if case.done < 0:
        boot.domains.insert(0, boot.domains.pop())
    with run.boot(Machine(case.cpu, 3, 1, 512), boot, 90) as session:
        lines = []
        wanted = max(case.done, 1)
        while sum(DONE.match(line) is not None for line in lines) < wanted:
            session.wait_for_line(60, f"{wanted} domains to run to their end")
            lines = guest_lines(session.text)
        run.expect_power_off(session, 60)
        if case.says and not run.context.is_xen:
            session.expect(case.says, 1, anywhere=True)
            said = [line for line in session.text.splitlines() if line.startswith("(Tenon)") and "bad" in line]
            if len(said) > 3:
                raise Failure(f"{len(said)} messages about one thing")


def _run_nothing(run):
    """Neither dom0 nor any domain."""
    with run.boot(Machine("a57", 3, 1, 512), Boot(), 60) as session:
        session.expect("no boot modules", 30)
        run.check_hypervisor_is_sane(session)


def _run_no_dom0_kernel(run):
    """Only a ramdisk for dom0."""
    files = Files(run)
    boot = Boot(domains=[Domain("good", [files.kernel()], mib=16)],
                dom0_modules=[Module("ramdisk", files.write("ramdisk", bytes(4096)))])
    with run.boot(Machine("a57", 2, 1, 512), boot, 60) as session:
        session.expect("dom0.*no kernel", 30)
        session.expect("DONE hello", 30)
        run.expect_power_off(session)


def _run_too_small(run):
    """A machine in which nothing fits."""
    files = Files(run)
    boot = Boot(domains=[Domain("bad", [files.kernel()], mib=64), Domain("good", [files.kernel()], mib=2)],
                first_module=RAM_START + 20 * MIB) # QEMU's tree is at 16 MiB
    with run.boot(Machine("a57", 3, 1, 32), boot, 60) as session:
        session.expect("bad.*memory", 30)
        session.expect("DONE hello", 30, anywhere=True)
        run.expect_power_off(session)


def tests(context):
    found = [Test(f"builder/{case.name}", lambda run, case=case: _run(run, case), tenon_only=not case.on_xen)
             for case in CASES]
    found.append(Test("builder/no-modules", _run_nothing, tenon_only=True))
    found.append(Test("builder/no-kernel-for-dom0", _run_no_dom0_kernel, tenon_only=True))
    found.append(Test("builder/small-machine", _run_too_small, tenon_only=True))
    return found
