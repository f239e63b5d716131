/* SPDX-License-Identifier: MIT */
/*
 * The image at its virtual address. Boundaries between different permissions are page-aligned (M2);
 * boot_head.S and mm/hyp_map.c map exactly the segments that the symbols below name:
 *
 *	text             RX      vectors, code; the page of .idmap.text is also mapped 1:1 while booting
 *	init text        RX      given back after boot
 *	rodata           RO
 *	init data        RW      given back after boot
 *	ro_after_init    RW      RO once boot is over
 *	data, bss        RW      the boot CPU's stack has an unmapped guard page below it
 */
#include "asm_offsets.h"

OUTPUT_ARCH(aarch64)
ENTRY(image_header)

PHDRS
{
	text PT_LOAD FLAGS(5);
	rodata PT_LOAD FLAGS(4);
	data PT_LOAD FLAGS(6);
}

SECTIONS
{
	. = IMAGE_BASE_VA;
	image_start = .;
	.text : {
		KEEP(*(.head.text))
		KEEP(*(.vectors.text))
		*(.text .text.*)
		. = ALIGN(1024);
		idmap_text_start = .;
		KEEP(*(.idmap.text))
		idmap_text_end = .;
		. = ALIGN(4096);
	} :text
	text_end = .;

	init_text_start = .;
	.init.text : {
		*(.init.text .init.text.*)
		. = ALIGN(4096);
	} :text
	init_text_end = .;

	.rodata : {
		*(.rodata .rodata.*)
		*(.symtab_table)
		. = ALIGN(4096);
	} :rodata
	rodata_end = .;

	init_data_start = .;
	.init.data : {
		*(.init.data .init.data.* .init.rodata .init.rodata.*)
		. = ALIGN(4096);
	} :data
	init_data_end = .;

	ro_after_init_start = .;
	.data.ro_after_init : {
		*(.data.ro_after_init .data.ro_after_init.*)
		. = ALIGN(4096);
	} :data
	ro_after_init_end = .;

	.data : {
		*(.data .data.*)
		. = ALIGN(16);
	} :data
	image_file_end = .;

	/* Written with the MMU off, or the stack in use when .bss is cleared: not part of .bss. */
	.boot_bss (NOLOAD) : ALIGN(4096) {
		boot_tables_start = .;
		KEEP(*(.boot_tables))
		. = ALIGN(4096);
		boot_tables_end = .;
		boot_stack_guard = .;
		. += 4096;
		. += BOOT_STACK_BYTES;
		boot_stack_top = .;
	} :data

	/* Cleared with .bss, else like their namesakes above: no room in the file for what starts as zero. */
	bss_start = .;
	init_bss_start = .;
	.init.bss (NOLOAD) : {
		*(.bss.init)
		. = ALIGN(4096);
	} :data
	init_bss_end = .;
	ro_after_init_bss_start = .;
	.bss.ro_after_init (NOLOAD) : {
		*(.bss.ro_after_init)
		. = ALIGN(4096);
	} :data
	ro_after_init_bss_end = .;
	.bss (NOLOAD) : {
		*(.bss .bss.* COMMON)
		. = ALIGN(64);
		percpu_start = .;
		*(.percpu)
		. = ALIGN(64);
		percpu_end = .;
		. = ALIGN(4096);
	} :data
	bss_end = .;
	image_end = .;
	image_size = ABSOLUTE(image_end - image_start);

	.got : { *(.got .got.plt .igot .igot.plt) }
	.iplt : { *(.iplt) *(.rela.*) *(.plt) }
	.debug_abbrev 0 : { *(.debug_abbrev) }
	.debug_addr 0 : { *(.debug_addr) }
	.debug_aranges 0 : { *(.debug_aranges) }
	.debug_frame 0 : { *(.debug_frame) }
	.debug_info 0 : { *(.debug_info) }
	.debug_line 0 : { *(.debug_line) }
	.debug_line_str 0 : { *(.debug_line_str) }
	.debug_loclists 0 : { *(.debug_loclists) }
	.debug_rnglists 0 : { *(.debug_rnglists) }
	.debug_str 0 : { *(.debug_str) }
	.debug_str_offsets 0 : { *(.debug_str_offsets) }
	.comment 0 : { *(.comment) }
	.symtab 0 : { *(.symtab) }
	.strtab 0 : { *(.strtab) }
	.shstrtab 0 : { *(.shstrtab) }
	/DISCARD/ : { *(.note.*) }
}

ASSERT(SIZEOF(.got) == 0 && SIZEOF(.iplt) == 0, "code is not position-independent: no GOT or PLT")
/* boot_head.S maps the page that it begins in 1:1. */
ASSERT(idmap_text_end - idmap_text_start <= 1024, "the identity-mapped code must not cross a page")
ASSERT(image_end - image_start <= BOOT_IMAGE_MAX, "the image has outgrown its two level-3 tables")
