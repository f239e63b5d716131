/* SPDX-License-Identifier: MIT */
/* Exceptions of a test guest: guest_trap.h. */
#include "guest_trap.h"

#include "guest.h"
#include "guest_asm.h"
#include "guest_gic.h"
#include "guest_smp.h"

_Static_assert(sizeof(struct guest_frame) == 288, "FRAME_SIZE in guest_start.S");

void guest_exception(struct guest_frame *frame, uint64_t kind);

bool (*guest_sync_hook)(struct guest_frame *frame);

void fault_catch(void)
{
	struct guest_cpu *cpu = this_cpu();

	cpu->fault = (struct guest_fault){0};
	WRITE_ONCE(cpu->catching, true);
}

struct guest_fault fault_caught(void)
{
	struct guest_cpu *cpu = this_cpu();

	/* An SError that a store has caused may still be on its way. */
	dsb_sy();
	isb();
	WRITE_ONCE(cpu->catching, false);
	return cpu->fault;
}

struct guest_fault fault_read(unsigned int size, uint64_t address, uint64_t *value)
{
	uint64_t result = 0;

	fault_catch();
	switch (size) {
	case 1:
		__asm__ volatile("ldrb %w0, [%1]" : "+r"(result) : "r"(address) : "memory");
		break;
	case 2:
		__asm__ volatile("ldrh %w0, [%1]" : "+r"(result) : "r"(address) : "memory");
		break;
	case 4:
		__asm__ volatile("ldr %w0, [%1]" : "+r"(result) : "r"(address) : "memory");
		break;
	case 8:
		__asm__ volatile("ldr %0, [%1]" : "+r"(result) : "r"(address) : "memory");
		break;
	}
	*value = result;
	return fault_caught();
}

struct guest_fault fault_write(unsigned int size, uint64_t address, uint64_t value)
{
	fault_catch();
	switch (size) {
	case 1:
		__asm__ volatile("strb %w0, [%1]" ::"r"(value), "r"(address) : "memory");
		break;
	case 2:
		__asm__ volatile("strh %w0, [%1]" ::"r"(value), "r"(address) : "memory");
		break;
	case 4:
		__asm__ volatile("str %w0, [%1]" ::"r"(value), "r"(address) : "memory");
		break;
	case 8:
		__asm__ volatile("str %0, [%1]" ::"r"(value), "r"(address) : "memory");
		break;
	}
	return fault_caught();
}

void guest_jump(uint64_t address);

struct guest_fault fault_jump(uint64_t address)
{
	fault_catch();
	guest_jump(address);
	return fault_caught();
}

static void unexpected(const struct guest_frame *frame, uint64_t kind)
{
	static const char *const types[] = {"synchronous exception", "IRQ", "FIQ", "SError"};

	print("INFO vCPU %u: ELR %#lx, FAR %#lx, SPSR %#lx, LR %#lx\n", this_cpu()->idx, frame->elr,
	      frame->far, frame->spsr, frame->x[30]);
	print("FAIL %s: unexpected %s (vector %lu), ESR %#lx\n", guest_topic, types[kind % 4], kind,
	      frame->esr);
	guest_power_off();
}

void guest_exception(struct guest_frame *frame, uint64_t kind)
{
	struct guest_cpu *cpu = this_cpu();
	unsigned int class = ESR_EC(frame->esr);

	switch (kind % 4) {
	case 1:
		if (kind == 5) {
			gic_handle_irq();
			return;
		}
		break;
	case 0:
		frame->reserved = kind;
		if (kind <= 8 && guest_sync_hook != NULL && guest_sync_hook(frame)) {
			return;
		}
		if (!cpu->catching || kind != 4) {
			break;
		}
		cpu->fault = (struct guest_fault){.taken = true,
						  .esr = frame->esr,
						  .far = frame->far,
						  .elr = frame->elr};
		if (class == ESR_EC_INSTR_ABORT_SAME || class == ESR_EC_PC_ALIGN) {
			frame->elr = frame->x[30];
		} else {
			frame->elr += 4;
		}
		return;
	case 3:
		/* An SError does not belong to an instruction: there is nothing to step over. */
		if (cpu->catching) {
			cpu->fault = (struct guest_fault){.taken = true, .esr = frame->esr};
			return;
		}
		break;
	}
	unexpected(frame, kind);
}
