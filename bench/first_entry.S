/* SPDX-License-Identifier: MIT */
/*
 * A guest that reads the counters with its very first instructions, prints them over its vPL011 and powers itself
 * off. With QEMU's -icount the physical counter tells how many instructions there were from reset to the guest.
 *
 *     first entry: <CNTPCT_EL0> <CNTVCT_EL0> <CNTFRQ_EL0>      (hexadecimal)
 *
 * Registers: x19 physical count, x20 virtual count, x21 UART, x22 text or value, x23 bits left; x0 to x2 scratch.
 */

/* Where Xen's ABI puts a guest's vPL011 (xen: public/arch-arm.h, GUEST_PL011_BASE). */
#define UART_BASE 0x22000000
#define UART_DR	  0x00
#define UART_FR	  0x18
#define FR_TXFF	  5

#define PSCI_SYSTEM_OFF 0x84000008

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
	mrs	x19, cntpct_el0
	mrs	x20, cntvct_el0
	mov	x21, #UART_BASE
	adr	x22, text_start
	bl	print_text
	mov	x22, x19
	bl	print_value
	mov	x22, x20
	bl	print_value
	mrs	x22, cntfrq_el0
	bl	print_value
	adr	x22, text_end
	bl	print_text
	ldr	w0, =PSCI_SYSTEM_OFF
	hvc	#0
	b	.

/* w0: the character. Uses w1. */
print_char:
	ldr	w1, [x21, #UART_FR]
	tbnz	w1, #FR_TXFF, print_char
	strh	w0, [x21, #UART_DR]
	ret

/* x22: text closed by a zero byte. Uses x0 to x2. */
print_text:
	mov	x2, x30
1:	ldrb	w0, [x22], #1
	cbz	w0, 2f
	bl	print_char
	b	1b
2:	ret	x2

/* x22: a number, printed as a space and 16 hexadecimal digits. Uses x0 to x2 and x23. */
print_value:
	mov	x2, x30
	mov	w0, #' '
	bl	print_char
	mov	w23, #60
1:	lsr	x0, x22, x23
	and	w0, w0, #0xf
	cmp	w0, #10
	add	w1, w0, #'a' - 10
	add	w0, w0, #'0'
	csel	w0, w0, w1, lo
	bl	print_char
	subs	w23, w23, #4
	b.pl	1b
	ret	x2

text_start:
	.asciz	"first entry:"
text_end:
	.asciz	"\r\n"
	.balign	8
	.ltorg
	.balign	16
_end:
