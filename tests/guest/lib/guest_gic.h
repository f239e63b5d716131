/* SPDX-License-Identifier: MIT */
/*
 * The interrupt controller as a guest sees it, GICv2 (Arm IHI 0048) or GICv3 (Arm IHI 0069) with affinity
 * routing: enough of a driver to take interrupts, and raw registers for tests of the registers.
 */
#pragma once

#include "lib/compiler.h"

#define GIC_NR_INTIDS   1020
#define GIC_SPURIOUS    1023

/* Distributor; on GICv3 the first 32 INTIDs' registers are in the SGI frame of the redistributor. */
#define GICD_CTLR       0x0000
#define GICD_TYPER      0x0004
#define GICD_IIDR       0x0008
#define GICD_TYPER2     0x000c
#define GICD_IGROUPR    0x0080
#define GICD_ISENABLER  0x0100
#define GICD_ICENABLER  0x0180
#define GICD_ISPENDR    0x0200
#define GICD_ICPENDR    0x0280
#define GICD_ISACTIVER  0x0300
#define GICD_ICACTIVER  0x0380
#define GICD_IPRIORITYR 0x0400
#define GICD_ITARGETSR  0x0800
#define GICD_ICFGR      0x0c00
#define GICD_SGIR       0x0f00
#define GICD_CPENDSGIR  0x0f10
#define GICD_SPENDSGIR  0x0f20
#define GICD_IROUTER    0x6000
#define GICD_PIDR2_V3   0xffe8
#define GICR_CTLR       0x0000
#define GICR_IIDR       0x0004
#define GICR_TYPER      0x0008
#define GICR_WAKER      0x0014
#define GICR_SYNCR      0x00c0
#define GICR_PIDR2      0xffe8
#define GICR_SGI_FRAME  0x10000
#define GICR_STRIDE     0x20000
#define GICC_CTLR       0x0000
#define GICC_PMR        0x0004
#define GICC_BPR        0x0008
#define GICC_IAR        0x000c
#define GICC_EOIR       0x0010
#define GICC_RPR        0x0014
#define GICC_HPPIR      0x0018
#define GICC_IIDR       0x00fc
#define GICC_DIR        0x1000

#define GIC_PRIORITY    0xa0 /* of everything, unless a test says otherwise */

typedef void (*irq_handler_t)(uint32_t intid);

void gic_init(void);
void gic_init_cpu(void);
/* The vector's work: acknowledge, call the handler, end. */
void gic_handle_irq(void);

void gic_set_handler(uint32_t intid, irq_handler_t handler);
/* Private INTIDs are this CPU's. */
void gic_enable(uint32_t intid);
void gic_disable(uint32_t intid);
void gic_set_pending(uint32_t intid);
void gic_clear_pending(uint32_t intid);
bool gic_is_pending(uint32_t intid);
bool gic_is_active(uint32_t intid);
void gic_set_priority(uint32_t intid, uint8_t priority);
/* SPIs only. */
void gic_set_target(uint32_t intid, unsigned int cpu_idx);
void gic_set_edge(uint32_t intid, bool edge);
/* This CPU's priority mask. */
void gic_set_mask(uint8_t mask);

void gic_send_sgi(unsigned int cpu_idx, uint32_t sgi);
void gic_send_sgi_others(uint32_t sgi);
void gic_send_sgi_self(uint32_t sgi);

/* Interrupts without a handler, and spurious ones, since the start; all CPUs. */
extern uint32_t gic_nr_unhandled;
extern uint32_t gic_nr_spurious;

/* Source CPU of the SGI in service (GICv2). */
extern uint32_t gic_last_source[];

/* Address of a distributor register that has `bits` bits an interrupt, for the word that holds intid. */
uint64_t gic_word(uint32_t offset, uint32_t intid, unsigned int bits);
uint64_t gic_redistributor(unsigned int cpu_idx);
/* Acknowledge and end by hand. */
uint32_t gic_acknowledge(void);
void gic_end(uint32_t acknowledged);
uint32_t gic_running_priority(void);

uint32_t mmio_get32(uint64_t address);
void mmio_set32(uint64_t address, uint32_t value);
