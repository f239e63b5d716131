# SPDX-License-Identifier: MIT
"""An ELF file with the symbols of a Linux Image, for cohcheck --elf.

Distributions ship kernels without symbols, and the ones with symbols are gigabytes. But each kernel knows its own:
the tables of kallsyms are in the Image (linux: scripts/kallsyms.c, kernel/kallsyms.c). Names are strings of tokens, 256 of
them, each a string itself.
"""

import struct


class NoSymbols(Exception):
    """The Image has no tables that this reader knows."""


def _align(value, to=8):
    return (value + to - 1) // to * to


def _tokens(image):
    """Where the token table is, where its index ends, and the tokens. Digits are tokens of their own, at their code."""
    digits = b"\0" + b"".join(b"%c\0" % code for code in b"0123456789")
    at = image.find(digits)
    while at >= 0:
        # The index, 256 offsets, is behind the tokens, of which most are still to come.
        for index in range(_align(at + 400), at + 2000, 8):
            offsets = struct.unpack_from("<256H", image, index)
            start = at + 1 - offsets[ord("0")]
            if offsets[0] == 0 and _ascends(offsets) and offsets[57] - offsets[48] == 18 and \
                    index == _align(start + offsets[255] + len(_string(image, start + offsets[255])) + 1):
                return start, index + 512, [_string(image, start + offset) for offset in offsets]
        at = image.find(digits, at + 1)
    raise NoSymbols("no table of tokens")


def _string(image, start):
    return image[start:image.index(b"\0", start)]


def _ascends(values):
    return all(a <= b for a, b in zip(values, values[1:]))


def _markers(image, end):
    """Offsets of every 256th name: the last array before the tokens that ascends from 0 in steps of that size."""
    def follows(position):
        step = struct.unpack_from("<I", image, position + 4)[0] - struct.unpack_from("<I", image, position)[0]
        return 256 * 2 < step < 256 * 64

    for start in range(end & ~7, max(end - (1 << 20), 0), -8):
        if image[start:start + 4] == bytes(4) and all(follows(start + 4 * step) for step in range(16)):
            stop = start
            while follows(stop):
                stop += 4
            return start, list(struct.unpack_from(f"<{(stop - start) // 4 + 1}I", image, start))
    raise NoSymbols("no markers")


def _read_names(image, start, count, tokens):
    names, offsets = [], []
    position = start
    for _ in range(count):
        offsets.append(position - start)
        length = image[position]
        position += 1
        if length & 0x80:
            length = length & 0x7f | image[position] << 7
            position += 1
        names.append(b"".join(tokens[code] for code in image[position:position + length]))
        position += length
    return names, offsets


def _names(image, markers_at, markers, tokens):
    """Where the number of symbols is, and the names, each with its type as first letter."""
    position = (markers_at - markers[-1]) & ~7
    for _ in range(1 << 16):
        position -= 8
        count = struct.unpack_from("<I", image, position)[0]
        if (count + 255) // 256 != len(markers):
            continue
        try:
            names, offsets = _read_names(image, position + 8, count, tokens)
        except IndexError:
            continue
        if offsets[::256] == markers:
            return position, names
    raise NoSymbols("no names")


def read_symbols(path):
    """[(offset from the start of the Image, type, name)]"""
    image = path.read_bytes()
    tokens_at, tokens_end, tokens = _tokens(image)
    markers_at, markers = _markers(image, tokens_at)
    count_at, names = _names(image, markers_at, markers, tokens)
    count = len(names)
    # Behind the tokens since Linux 6.4, before the names until then.
    for at in (_align(tokens_end), count_at - 8 - _align(4 * count)):
        offsets = struct.unpack_from(f"<{count}I", image, at)
        if _ascends(offsets) and offsets[0] == 0 and offsets[-1] < 1 << 28:
            origin = _entry(image) - offsets[names.index(b"Tprimary_entry")]
            return [(origin + offset, name[:1].decode(), name[1:].decode("utf-8", "replace"))
                    for offset, name in zip(offsets, names)]
    raise NoSymbols("no addresses")


def _entry(image):
    """Addresses are relative to the first symbol, but the Image's second word is a branch to primary_entry()."""
    branch = struct.unpack_from("<I", image, 4)[0]
    if branch >> 26 != 0b000101:
        raise NoSymbols("the Image's header has no branch")
    return 4 + (branch & 0x3ffffff) * 4


def write_elf(path, base, symbols):
    """An ELF file of nothing but symbols."""
    size = max(offset for offset, _, _ in symbols) + 4096
    strings, table = bytearray(b"\0"), bytearray(24)
    ends = [symbol[0] for symbol in symbols[1:]] + [size]
    for (offset, kind, name), end in zip(symbols, ends):
        if name.startswith("$"):
            continue
        is_code = kind in "tTwW"
        table += struct.pack("<IBBHQQ", len(strings), 0x10 | (2 if is_code else 1), 0, 1, base + offset, end - offset)
        strings += name.encode() + b"\0"
    names = b"\0.text\0.symtab\0.strtab\0.shstrtab\0"
    header_size, segment_size, section_size = 64, 56, 64
    table_at = header_size + segment_size
    strings_at = table_at + len(table)
    names_at = strings_at + len(strings)
    sections_at = _align(names_at + len(names))

    def section(name, kind, flags, addr, offset, length, link=0, info=0, align=1, entry=0):
        return struct.pack("<IIQQQQIIQQ", names.index(name), kind, flags, addr, offset, length, link, info, align, entry)

    elf = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 183, 1, base, header_size, sections_at, 0,
                      header_size, segment_size, 1, section_size, 5, 4)
    elf += struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, 0, size, 4096)
    elf += table + strings + names
    elf += bytes(sections_at - len(elf)) + bytes(section_size)
    elf += section(b".text", 8, 6, base, table_at, size, align=4096)
    elf += section(b".symtab", 2, 0, 0, table_at, len(table), 3, 1, 8, 24)
    elf += section(b".strtab", 3, 0, 0, strings_at, len(strings))
    elf += section(b".shstrtab", 3, 0, 0, names_at, len(names))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(elf)
