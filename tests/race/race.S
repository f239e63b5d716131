/* SPDX-License-Identifier: MIT */
/*
 * The race of flush and speculation, as a guest: it writes data, code and translation tables with MMU and caches off,
 * turns them on, reads the data and runs the code. It does not invalidate anything, and need not: nobody has touched these
 * lines through a cache since its loader cleaned the image to the PoC, as the boot protocol promises (linux:
 * Documentation/arm64/booting.rst). That holds on a bare machine. Under a hypervisor it holds only as long as that has no
 * cacheable mapping of the guest's memory: a line that it may fetch speculatively between the loader's cleaning and the
 * guest's writing is stale when the guest's caches are on.
 *
 * QEMU has no caches, so the guest always says "data as written, code as written". cohcheck tells what could have been.
 *
 * What must not blur the picture: SCTLR_EL1.I is off until the MMU is on, so that instructions are fetched non-cacheable,
 * and everything that is written is more than two pages away from what runs, since with the MMU off a CPU may prefetch
 * from the next 4 KiB (Arm ARM, "Behavior of instruction fetches when all associated stages of translation are disabled").
 *
 * It runs at EL1: as domU or dom0 of Xen or Tenon, or on QEMU's machine without EL2. It is position-independent.
 * Registers: x19 the image's first byte, x20 result (0: all as written), x21 UART, x22 text; x0 to x5 scratch.
 */

/* xen: public/arch-arm.h, GUEST_PL011_BASE, and public/xen.h, the numbers of hypercalls. */
#define XEN_UART_BASE			0x22000000
#define XEN_HVC				0xea1
#define HYPERVISOR_XEN_VERSION		17
#define HYPERVISOR_CONSOLE_IO		18
/* QEMU: hw/arm/virt.c */
#define VIRT_UART_BASE			0x09000000

#define UART_DR				0x00
#define UART_FR				0x18
#define FR_TXFF				5
#define PSCI_SYSTEM_OFF			0x84000008

#define SCTLR_M				(1 << 0)
#define SCTLR_C				(1 << 2)
#define SCTLR_I				(1 << 12)
/* Index 0 Normal write-back, 1 Device-nGnRE. */
#define MAIR				0x04ff
/* 39 bits of VA, walks write-back and inner shareable, nothing at TTBR1; 36 bits of PA. */
#define TCR				(25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | 1 << 32)
#define BLOCK_NORMAL			0x701 /* valid block, AF, inner shareable */
#define BLOCK_DEVICE			0x405

#define NR_WORDS			64
#define OLD_WORD			0x01d01d01d

	.section .text.head, "ax"
	.globl	_start
_start:
	/* Linux, Documentation/arm64/booting.rst: the arm64 Image header. */
	b	entry
	nop
	.quad	0			/* text_offset */
	.quad	_end - _start		/* image_size */
	.quad	0xa			/* little-endian, 4 KiB pages, anywhere */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

entry:
	adr	x19, _start
	mov	x20, #0
	mrs	x0, sctlr_el1
	mov	x1, #(SCTLR_M | SCTLR_C)
	orr	x1, x1, #SCTLR_I
	bic	x0, x0, x1
	msr	sctlr_el1, x0
	isb

	.globl	write_data
write_data:
	adrp	x0, data
	mov	x1, #0
1:	add	x2, x1, #0x100
	str	x2, [x0, x1, lsl #3]
	add	x1, x1, #1
	cmp	x1, #NR_WORDS
	b.lo	1b

	/* Two instructions: what they return tells old from new. */
	.globl	write_code
write_code:
	adrp	x0, code
	ldr	w1, new_code
	str	w1, [x0]
	ldr	w1, new_code + 4
	str	w1, [x0, #4]

	/* One GiB of RAM round this image, and the one with the UART. All else is as loaded: invalid. */
	.globl	write_tables
write_tables:
	adrp	x0, table
	mov	x1, #BLOCK_DEVICE
	str	x1, [x0]
	lsr	x2, x19, #30
	lsl	x1, x2, #30
	add	x1, x1, #BLOCK_NORMAL
	str	x1, [x0, x2, lsl #3]

	.globl	turn_caches_on
turn_caches_on:
	dsb	sy
	msr	ttbr0_el1, x0
	mov	x1, #MAIR
	msr	mair_el1, x1
	ldr	x1, tcr
	msr	tcr_el1, x1
	isb
	tlbi	vmalle1
	dsb	nsh
	isb
	mrs	x0, sctlr_el1
	mov	x1, #(SCTLR_M | SCTLR_C)
	orr	x1, x1, #SCTLR_I
	orr	x0, x0, x1
	msr	sctlr_el1, x0
	isb

	.globl	read_data
read_data:
	adrp	x0, data
	mov	x1, #0
1:	ldr	x2, [x0, x1, lsl #3]
	add	x3, x1, #0x100
	cmp	x2, x3
	cinc	x20, x20, ne
	add	x1, x1, #1
	cmp	x1, #NR_WORDS
	b.lo	1b

	.globl	run_code
run_code:
	adrp	x1, code
	mov	w0, #0
	blr	x1
	cmp	w0, #2
	cinc	x20, x20, ne

	/* Dom0's console is a hypercall, a domU has a vPL011, a bare machine its UART. */
	mov	x0, #0
	mov	x16, #HYPERVISOR_XEN_VERSION
	hvc	#XEN_HVC
	mov	x21, #VIRT_UART_BASE
	tbnz	x0, #63, 1f
	mov	x21, #XEN_UART_BASE
1:	adr	x22, text_good
	mov	x1, #(text_good_end - text_good)
	cbz	x20, 2f
	adr	x22, text_bad
	mov	x1, #(text_bad_end - text_bad)
2:	mov	x0, #0			/* CONSOLEIO_write */
	mov	x2, x22
	mov	x16, #HYPERVISOR_CONSOLE_IO
	hvc	#XEN_HVC
	cbz	x0, off
	bl	print_text
off:	ldr	w0, psci_off
	hvc	#0
	b	.

/* x22: text closed by a zero byte. Uses x0, x1. */
print_text:
	ldrb	w0, [x22], #1
	cbz	w0, 2f
1:	ldr	w1, [x21, #UART_FR]
	tbnz	w1, #FR_TXFF, 1b
	strh	w0, [x21, #UART_DR]
	b	print_text
2:	ret

text_good:
	.ascii	"RACE data as written, code as written\r\n"
text_good_end:
	.byte	0
text_bad:
	.ascii	"RACE something is old\r\n"
text_bad_end:
	.byte	0
	.balign	8
tcr:	.quad	TCR
new_code:
	mov	w0, #2
	ret
psci_off:
	.long	PSCI_SYSTEM_OFF

	/* Three pages, each with two between it and the one before, and two behind the last. */
	.balign	4096
	.space	2 * 4096
	.globl	data
data:	.fill	NR_WORDS, 8, OLD_WORD
	.balign	4096
	.space	2 * 4096
	.globl	code
code:	mov	w0, #1
	ret
	.balign	4096
	.space	2 * 4096
	.globl	table
table:	.space	4096
	.space	2 * 4096
_end:
