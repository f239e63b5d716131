# SPDX-License-Identifier: MIT
"""Boot modules and the device tree that names them.

A boot is a machine's own tree, as QEMU makes it, with nodes added under /chosen: dom0's modules and one
xen,domain node for each domU (xen: docs/misc/arm/device-tree/booting.txt). Modules are put into memory by
QEMU's generic loader.
"""

import dataclasses
import pathlib
import subprocess
import typing

from system_machine import machine_tree_source

RAM_START = 0x40000000
# QEMU puts the device tree 128 MiB into RAM; it may be 2 MiB long.
FIRST_MODULE = RAM_START + 0x0a000000
MIB = 1 << 20


@dataclasses.dataclass
class Module:
    """One image in memory. size: what the tree claims, when that is not the file's size."""

    kind: str                           # kernel, ramdisk
    path: typing.Optional[pathlib.Path]
    bootargs: str = ""
    address: typing.Optional[int] = None
    size: typing.Optional[int] = None


@dataclasses.dataclass
class Domain:
    """A domU of the device tree. properties: lines of text to add to its node, or to replace memory and cpus."""

    name: str
    modules: list
    mib: int = 32
    cpus: int = 1
    properties: str = ""
    has_defaults: bool = True
    address_cells: int = 2


@dataclasses.dataclass
class Boot:
    """Everything that a machine is started with."""

    domains: list = dataclasses.field(default_factory=list)
    dom0_modules: list = dataclasses.field(default_factory=list)
    hypervisor_arguments: str = ""
    extra_source: str = ""              # text to add to the tree
    raw_tree: typing.Optional[bytes] = None  # instead of all that
    first_module: int = FIRST_MODULE


def cells64(value):
    return f"0x{value >> 32:x} 0x{value & 0xffffffff:x}"


def _place(boot):
    """Give each module without an address one of its own; returns QEMU's arguments to load them."""
    arguments = []
    address = boot.first_module
    for module in [m for d in boot.domains for m in d.modules] + boot.dom0_modules:
        if module.address is None:
            module.address = address
        length = module.path.stat().st_size if module.path else 0
        if module.size is None:
            module.size = length
        if module.path:
            arguments += ["-device", f"loader,file={module.path},addr=0x{module.address:x},force-raw=on"]
        if module.address == address:
            address += (max(length, 1) + 2 * MIB - 1) // (2 * MIB) * (2 * MIB)
    return arguments


def _module_source(module, indent):
    lines = [
        f"module@{module.address:x} {{",
        f'\tcompatible = "multiboot,{module.kind}", "multiboot,module";',
        f"\treg = <{cells64(module.address)} {cells64(module.size)}>;",
    ]
    if module.bootargs:
        lines.append(f'\tbootargs = "{module.bootargs}";')
    return "\n".join(indent + line for line in lines + ["};"])


def _domain_source(domain):
    lines = [f"\t\t{domain.name} {{",
             '\t\t\tcompatible = "xen,domain";',
             f"\t\t\t#address-cells = <{domain.address_cells}>;",
             "\t\t\t#size-cells = <2>;"]
    if domain.has_defaults:
        lines += [f"\t\t\tmemory = <{cells64(domain.mib * 1024)}>;",
                  f"\t\t\tcpus = <{domain.cpus}>;",
                  "\t\t\tvpl011;"]
    lines += ["\t\t\t" + line for line in domain.properties.splitlines()]
    lines += [_module_source(module, "\t\t\t") for module in domain.modules]
    return "\n".join(lines + ["\t\t};"])


def tree_source(machine, boot, folder):
    """The whole tree as text; the modules must have been placed."""
    chosen = [f'\t\txen,xen-bootargs = "{boot.hypervisor_arguments}";']
    chosen += [_module_source(module, "\t\t") for module in boot.dom0_modules]
    chosen += [_domain_source(domain) for domain in boot.domains]
    return (machine_tree_source(machine, folder.parent) + "\n/ {\n\tchosen {\n" + "\n".join(chosen) +
            "\n\t};\n};\n" + boot.extra_source)


def boot_arguments(machine, boot, folder, name):
    """QEMU's arguments for a boot: loaders and -dtb. Writes folder/name.dts and .dtb."""
    arguments = _place(boot)
    folder.mkdir(parents=True, exist_ok=True)
    dtb = folder / f"{name}.dtb"
    if boot.raw_tree is not None:
        dtb.write_bytes(boot.raw_tree)
    else:
        dts = folder / f"{name}.dts"
        dts.write_text(tree_source(machine, boot, folder))
        subprocess.run(["dtc", "-q", "-f", "-I", "dts", "-O", "dtb", "-o", str(dtb), str(dts)],
                       check=True, capture_output=True)
    return arguments + ["-dtb", str(dtb)]
