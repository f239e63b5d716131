# SPDX-License-Identifier: MIT
hyp-objs += hypervisor/lib/crc32.o hypervisor/lib/format.o hypervisor/lib/lock.o hypervisor/lib/log.o
hyp-objs += hypervisor/lib/rangeset.o hypervisor/lib/string.o hypervisor/lib/symbol.o

# The compiler must not turn the loops in here into calls of the functions that they implement.
cflags-hypervisor/lib/string.o := -fno-builtin

unit-tests += bitmap_test
bitmap_test-objs := hypervisor/lib/bitmap_test.o

unit-tests += crc32_test
crc32_test-objs := hypervisor/lib/crc32_test.o hypervisor/lib/crc32.o

# The C library has functions of these names, so the host gives Tenon's others.
format-rename := -Dsnprintf=tenon_snprintf -Dvsnprintf=tenon_vsnprintf
unit-tests += format_test
format_test-objs := hypervisor/lib/format_test.o hypervisor/lib/format.o
unit-cflags-hypervisor/lib/format.o := $(format-rename)

unit-tests += list_test
list_test-objs := hypervisor/lib/list_test.o

unit-tests += lock_test
lock_test-objs := hypervisor/lib/lock_test.o hypervisor/lib/lock.o tests/unit/fake_machine.o

unit-tests += log_test
log_test-objs := hypervisor/lib/log_test.o hypervisor/lib/log.o hypervisor/lib/lock.o tests/unit/fake_machine.o

unit-tests += rangeset_test
rangeset_test-objs := hypervisor/lib/rangeset_test.o hypervisor/lib/rangeset.o

string-rename := $(foreach f,memcpy memmove memset memcmp memchr strlen strnlen strcmp strncmp strchr strrchr strstr strlcpy,\
	-D$(f)=tenon_$(f))
unit-tests += string_test
string_test-objs := hypervisor/lib/string_test.o hypervisor/lib/string.o
unit-cflags-hypervisor/lib/string.o := $(string-rename)

# The test's table is made by tools/symtab from a list of its own.
unit-tests += symbol_test
symbol_test-objs := hypervisor/lib/symbol_test.o hypervisor/lib/symbol.o gen/symbol_test_table.o
