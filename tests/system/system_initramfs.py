# SPDX-License-Identifier: MIT
"""An initramfs of busybox and an init script, in the newc format (linux: Documentation/driver-api/early-userspace)."""

import pathlib

from system_machine import ROOT


class Cpio:
    def __init__(self):
        self._data = bytearray()
        self._inode = 0

    def _entry(self, name, mode, content=b"", device=(0, 0)):
        self._inode += 1
        fields = [self._inode, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(name) + 1, 0]
        self._data += b"070701" + "".join(f"{field:08X}" for field in fields).encode()
        self._data += name.encode() + b"\0"
        self._pad()
        self._data += content
        self._pad()

    def _pad(self):
        self._data += bytes(-len(self._data) % 4)

    def folder(self, name):
        self._entry(name, 0o040755)

    def program(self, name, content):
        self._entry(name, 0o100755, content)

    def link(self, name, target):
        self._entry(name, 0o120777, target.encode())

    def character_device(self, name, major, minor):
        self._entry(name, 0o020600, device=(major, minor))

    def finish(self):
        self._entry("TRAILER!!!", 0)
        return bytes(self._data) + bytes(-len(self._data) % 512)


def kernel_modules(folder, names):
    """The files of these modules of a kernel that tools/setup.sh unpacked."""
    return [next(iter(sorted((folder / "lib/modules").rglob(f"{name}.ko")))) for name in names]


def write_initramfs(path, script, modules=(), busybox=ROOT / "build/guest/busybox"):
    """busybox, a few links, the script as /init, and kernel modules in /lib."""
    archive = Cpio()
    for name in ("bin", "dev", "lib", "proc", "sys", "tmp"):
        archive.folder(name)
    archive.character_device("dev/console", 5, 1)
    archive.program("bin/busybox", busybox.read_bytes())
    archive.link("bin/sh", "busybox")
    archive.program("init", script.encode())
    for module in modules:
        archive.program(f"lib/{module.name}", module.read_bytes())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(archive.finish())
