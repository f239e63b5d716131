/* SPDX-License-Identifier: MIT */
/*
 * The benchmark guest's loops that end in an interrupt (bench.h), with the shortest handlers there can be: what is
 * measured is the hypervisor.
 *
 * Registers while a loop runs:
 *     x0 turns left, x5 what the operation takes, x9 and x10 scratch of handlers, x11 GICv2's CPU interface or 0,
 *     x12 the handler, x13 struct vcpu_info, x14 word of pending bits, x15 interrupts so far
 */

#define HYPERCALL_TAG		0xea1
#define EVENT_CHANNEL_OP	32		/* __HYPERVISOR_event_channel_op */
#define EVTCHNOP_SEND		4
#define GICC_IAR		0xc
#define GICC_EOIR		0x10
#define ICC_IAR1		s3_0_c12_c12_0
#define ICC_EOIR1		s3_0_c12_c12_1
#define ICC_SGI1R		s3_0_c12_c11_5

/* struct bench_context; bench_main.c asserts them. */
#define CONTEXT_GICC		0
#define CONTEXT_SGI		8
#define CONTEXT_GICD_SGIR	16
#define CONTEXT_INFO		24
#define CONTEXT_PENDING		32
#define CONTEXT_SEND		40

/* struct vcpu_info (public/xen.h) */
#define UPCALL_PENDING		0
#define PENDING_SEL		8

	.text

/* ---- vectors: IRQ of EL1 alone is expected; any other exception ends in a loop ------------------- */

	.balign	2048
	.global bench_vectors
bench_vectors:
	.rept	5
	b	.
	.balign	128
	.endr
	br	x12
	.balign	128
	.rept	10
	b	.
	.balign	128
	.endr

/* ---- handlers ------------------------------------------------------------------------------------ */

	.macro	ack version
	.if	\version == 3
	mrs	x9, ICC_IAR1
	.else
	ldr	w9, [x11, #GICC_IAR]
	.endif
	.endm

	.macro	end version
	.if	\version == 3
	msr	ICC_EOIR1, x9
	.else
	str	w9, [x11, #GICC_EOIR]
	.endif
	add	x15, x15, #1
	eret
	.endm

	.macro	handlers version
sgi_v\version:
	ack	\version
	end	\version

timer_v\version:
	ack	\version
	msr	cntv_ctl_el0, xzr
	isb
	end	\version

/* An upcall: the byte first, then the selector, then the ports' word (public/xen.h, struct vcpu_info). */
upcall_v\version:
	ack	\version
	strb	wzr, [x13, #UPCALL_PENDING]
	str	xzr, [x13, #PENDING_SEL]
	str	xzr, [x14]
	end	\version
	.endm

	handlers 2
	handlers 3

/* ---- loops --------------------------------------------------------------------------------------- */

/* x1: struct bench_context. */
	.macro	prepare handler
	ldr	x11, [x1, #CONTEXT_GICC]
	ldr	x13, [x1, #CONTEXT_INFO]
	ldr	x14, [x1, #CONTEXT_PENDING]
	ldr	x5, [x1, #CONTEXT_SEND]
	adr	x12, \handler\()_v2
	adr	x9, \handler\()_v3
	cmp	x11, #0
	csel	x12, x9, x12, eq
	mov	x15, #0
	.endm

	.macro	open
	msr	daifclr, #2
	.endm

	.macro	close
	msr	daifset, #2
	.endm

	.macro	finish
	close
	mov	x0, x15
	ret
	.endm

	.global bench_loop_sgi_v3
bench_loop_sgi_v3:
	prepare	sgi
	ldr	x5, [x1, #CONTEXT_SGI]
	open
1:	msr	ICC_SGI1R, x5
	subs	x0, x0, #1
	b.ne	1b
	finish

	.global bench_loop_sgi_v2
bench_loop_sgi_v2:
	prepare	sgi
	ldr	x5, [x1, #CONTEXT_SGI]
	ldr	x6, [x1, #CONTEXT_GICD_SGIR]
	open
1:	str	w5, [x6]
	subs	x0, x0, #1
	b.ne	1b
	finish

/* A deadline that has passed: the timer's interrupt comes when it is turned on. */
	.global bench_loop_timer
bench_loop_timer:
	prepare	timer
	mov	x5, #1
	msr	cntv_cval_el0, xzr
	open
1:	msr	cntv_ctl_el0, x5
	isb
	subs	x0, x0, #1
	b.ne	1b
	finish

	.macro	send
	mov	x0, #EVTCHNOP_SEND
	mov	x1, x5
	hvc	#HYPERCALL_TAG
	.endm

	.global bench_loop_send
bench_loop_send:
	prepare	upcall
	mov	x6, x0
	mov	x16, #EVENT_CHANNEL_OP
	open
1:	send
	subs	x6, x6, #1
	b.ne	1b
	finish

/* No interrupt; not pending any more next time. */
	.global bench_loop_send_masked
bench_loop_send_masked:
	prepare	upcall
	mov	x6, x0
	mov	x16, #EVENT_CHANNEL_OP
1:	send
	str	xzr, [x14]
	subs	x6, x6, #1
	b.ne	1b
	finish

/* Until the count in x15 has left x7: with interrupts masked in between, so that none is lost before the WFI. */
	.macro	wait
2:	wfi
	open
	close
	cmp	x15, x7
	b.eq	2b
	mov	x7, x15
	.endm

	.global bench_loop_ping
bench_loop_ping:
	prepare	upcall
	mov	x6, x0
	mov	x7, x15
	mov	x16, #EVENT_CHANNEL_OP
1:	send
	wait
	subs	x6, x6, #1
	b.ne	1b
	finish

	.global bench_loop_pong
bench_loop_pong:
	prepare	upcall
	mov	x6, x0
	mov	x7, x15
	mov	x16, #EVENT_CHANNEL_OP
1:	wait
	ldrb	w9, [x6]
	cbnz	w9, 3f
	send
	b	1b
3:	finish

/* ---- the vectors, for the time of a call --------------------------------------------------------- */

	.global bench_pong_with_vectors
bench_pong_with_vectors:
	mov	x2, x1
	mov	x1, x0
	adr	x0, bench_loop_pong
	.global bench_with_vectors
bench_with_vectors:
	stp	x29, x30, [sp, #-32]!
	mov	x3, x0
	mrs	x29, vbar_el1
	str	x29, [sp, #16]
	adr	x4, bench_vectors
	msr	vbar_el1, x4
	isb
	mov	x0, x1
	mov	x1, x2
	blr	x3
	ldr	x29, [sp, #16]
	msr	vbar_el1, x29
	isb
	ldp	x29, x30, [sp], #32
	ret
