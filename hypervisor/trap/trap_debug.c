/* SPDX-License-Identifier: MIT */
/*
 * The debug registers of a 64-bit guest (Arm ARM, "Debug registers", with DebugVer Armv8.0 and no double lock). All
 * accesses trap and work on vcpu.debug; domain/vcpu_debug.h says when the CPU's own registers get it. There is no
 * external debugger: what an OS would leave to one can be written and read back, and does nothing.
 */
#include "trap/trap_internal.h"

#include "arm64/cpu.h"
#include "arm64/sysreg.h"
#include "domain/domain.h"

/* DBGBCR<n>_EL1: BT LBN SSC HMC BAS PMC E; DBGWCR<n>_EL1: MASK WT LBN SSC HMC BAS LSC PAC E. */
#define BCR_WRITABLE   UINT64_C(0x00ffe1e7)
#define WCR_WRITABLE   UINT64_C(0x1f1fffff)

#define MDSCR_WRITABLE (MDSCR_SS | MDSCR_TDCC | MDSCR_KDE | MDSCR_MDE)
/* With the OS lock closed also what the OS restores for an external debugger. */
#define MDSCR_LOCKED                                                                            \
	(MDSCR_ERR | MDSCR_HDE | MDSCR_SC2 | MDSCR_TDA | MDSCR_INTDIS | MDSCR_TXU | MDSCR_RXO | \
	 MDSCR_TXFULL | MDSCR_RXFULL)
#define MDCCINT_WRITABLE  (BIT64(30) | BIT64(29)) /* RX, TX */

#define OSLSR_IMPLEMENTED BIT64(3) /* OSLM 0b10 */
#define OSLSR_LOCKED      BIT64(1)

#define CLAIM_TAGS        0xffu
#define AUTH_DISABLED \
	0xau /* DBGAUTHSTATUS_EL1: Non-secure debug by others implemented, and disabled */

enum trap_outcome trap_debug_point(struct vcpu *v, struct sysreg_access *access)
{
	struct vcpu_debug_state *debug = &v->debug;
	const unsigned int n = access->key >> 1 & 15;
	const unsigned int op2 = access->key >> 17 & 7;
	const bool is_watchpoint = op2 >= 6;
	uint64_t mask = UINT64_MAX;
	uint64_t *field;

	if (n >= (is_watchpoint ? cpu_features.nr_watchpoints : cpu_features.nr_breakpoints)) {
		return TRAP_UNDEFINED;
	}
	switch (op2) {
	case 4:
		field = &debug->bvr[n]; /* of a context: its lowest bits count */
		break;
	case 5:
		field = &debug->bcr[n];
		mask = BCR_WRITABLE;
		break;
	case 6:
		field = &debug->wvr[n];
		mask = ~UINT64_C(3);
		break;
	default:
		field = &debug->wcr[n];
		mask = WCR_WRITABLE;
		break;
	}
	if (access->is_write) {
		*field = access->value & mask;
		vcpu_debug_load(debug);
	} else {
		access->value = *field;
	}
	return TRAP_DONE;
}

enum trap_outcome trap_debug_mdscr(struct vcpu *v, struct sysreg_access *access)
{
	struct vcpu_debug_state *debug = &v->debug;
	const uint32_t writable =
		(uint32_t)(debug->os_lock != 0 ? MDSCR_WRITABLE | MDSCR_LOCKED : MDSCR_WRITABLE);

	if (access->is_write) {
		debug->mdscr = (debug->mdscr & ~writable) | ((uint32_t)access->value & writable);
		vcpu_debug_load(debug);
	} else {
		access->value = debug->mdscr;
	}
	return TRAP_DONE;
}

enum trap_outcome trap_debug_oslar(struct vcpu *v, struct sysreg_access *access)
{
	v->debug.os_lock = (uint32_t)(access->value & 1);
	vcpu_debug_load(&v->debug);
	return TRAP_DONE;
}

enum trap_outcome trap_debug_oslsr(struct vcpu *v, struct sysreg_access *access)
{
	access->value = OSLSR_IMPLEMENTED | (v->debug.os_lock != 0 ? OSLSR_LOCKED : 0);
	return TRAP_DONE;
}

static enum trap_outcome word(struct sysreg_access *access, uint32_t *field, uint64_t mask)
{
	if (access->is_write) {
		*field = (uint32_t)(access->value & mask);
	} else {
		access->value = *field;
	}
	return TRAP_DONE;
}

enum trap_outcome trap_debug_mdccint(struct vcpu *v, struct sysreg_access *access)
{
	return word(access, &v->debug.mdccint, MDCCINT_WRITABLE);
}

enum trap_outcome trap_debug_osdtrrx(struct vcpu *v, struct sysreg_access *access)
{
	return word(access, &v->debug.osdtrrx, UINT32_MAX);
}

enum trap_outcome trap_debug_osdtrtx(struct vcpu *v, struct sysreg_access *access)
{
	return word(access, &v->debug.osdtrtx, UINT32_MAX);
}

/* With the OS lock open it is zero, and not to be written. */
enum trap_outcome trap_debug_oseccr(struct vcpu *v, struct sysreg_access *access)
{
	if (v->debug.os_lock == 0) {
		access->value = 0;
		return TRAP_DONE;
	}
	return word(access, &v->debug.oseccr, UINT32_MAX);
}

/* Both read the tags; ones written set them, or clear them. SET reads as which tags there are. */
enum trap_outcome trap_debug_claim_set(struct vcpu *v, struct sysreg_access *access)
{
	if (access->is_write) {
		v->debug.claim |= (uint32_t)access->value & CLAIM_TAGS;
	} else {
		access->value = CLAIM_TAGS;
	}
	return TRAP_DONE;
}

enum trap_outcome trap_debug_claim_clear(struct vcpu *v, struct sysreg_access *access)
{
	if (access->is_write) {
		v->debug.claim &= ~(uint32_t)access->value;
	} else {
		access->value = v->debug.claim;
	}
	return TRAP_DONE;
}

enum trap_outcome trap_debug_auth(struct vcpu *v, struct sysreg_access *access)
{
	access->value = AUTH_DISABLED;
	return TRAP_DONE;
}

/* MDCCSR_EL0: the two flags of the channel to a debugger. */
enum trap_outcome trap_debug_mdccsr(struct vcpu *v, struct sysreg_access *access)
{
	access->value = v->debug.mdscr & (MDSCR_TXFULL | MDSCR_RXFULL);
	return TRAP_DONE;
}

/*
 * DBGDTR_EL0, DBGDTRTX_EL0, DBGDTRRX_EL0. Nothing ever comes, and what is sent is never taken: the flag stays up, by
 * which drivers see that nobody listens.
 */
enum trap_outcome trap_debug_dtr(struct vcpu *v, struct sysreg_access *access)
{
	if (access->is_write) {
		v->debug.mdscr |= (uint32_t)MDSCR_TXFULL;
	} else {
		v->debug.mdscr &= ~(uint32_t)MDSCR_RXFULL;
		access->value = 0;
	}
	return TRAP_DONE;
}

/* ---- watchpoints on what is emulated ------------------------------------------------------------------- */

#define CR_E       BIT64(0)
#define CR_EL1     BIT64(1) /* PAC, PMC */
#define CR_EL0     BIT64(2)
#define CR_SSC     BITS64(15, 14)
#define SSC_SECURE 2
#define CR_LBN     BITS64(19, 16)
#define WCR_LSC    BITS64(4, 3)
#define WCR_BAS    BITS64(12, 5)
#define WCR_WT     BIT64(20)
#define WCR_MASK   BITS64(28, 24)
#define BCR_BT     BITS64(23, 20)
#define BT_CONTEXT 3 /* CONTEXTIDR_EL1, for others to link to */

/* The breakpoint that a linked watchpoint names agrees. */
static bool context_matches(const struct vcpu_debug_state *debug, uint64_t wcr)
{
	const uint64_t n = FIELD_GET(CR_LBN, wcr);

	return n < cpu_features.nr_breakpoints && (debug->bcr[n] & CR_E) != 0 &&
	       FIELD_GET(BCR_BT, debug->bcr[n]) == BT_CONTEXT &&
	       (uint32_t)debug->bvr[n] == (uint32_t)sysreg_read(CONTEXTIDR_EL1);
}

/* Arm ARM, "AArch64.WatchpointByteMatch": one byte of the access. */
static bool byte_matches(uint64_t wvr, uint64_t wcr, uint64_t va)
{
	const unsigned int mask = (unsigned int)FIELD_GET(WCR_MASK, wcr);

	if (mask > 2) {
		return va >> mask == wvr >> mask;
	}
	/* With bit 2 of the address set a word is watched, else a doubleword. */
	if ((wvr & 4) != 0) {
		return va >> 2 == wvr >> 2 && (FIELD_GET(WCR_BAS, wcr) >> (va & 3) & 1) != 0;
	}
	return va >> 3 == wvr >> 3 && (FIELD_GET(WCR_BAS, wcr) >> (va & 7) & 1) != 0;
}

static bool matches(const struct vcpu_debug_state *debug, unsigned int n, uint64_t level,
		    uint64_t va, unsigned int size, bool is_write)
{
	const uint64_t wcr = debug->wcr[n];

	if ((wcr & CR_E) == 0 || (wcr & level) == 0 || FIELD_GET(CR_SSC, wcr) == SSC_SECURE ||
	    (FIELD_GET(WCR_LSC, wcr) & (is_write ? 2 : 1)) == 0 ||
	    ((wcr & WCR_WT) != 0 && !context_matches(debug, wcr))) {
		return false;
	}
	for (unsigned int i = 0; i < size; i++) {
		if (byte_matches(debug->wvr[n], wcr, va + i)) {
			return true;
		}
	}
	return false;
}

bool trap_debug_is_watched(const struct vcpu *v, uint64_t va, unsigned int size, bool is_write)
{
	const struct vcpu_debug_state *debug = &v->debug;
	const uint64_t pstate = v->regs.pstate;
	const bool at_el0 = (pstate & PSTATE_AARCH32) != 0 || (pstate & PSTATE_MODE) == PSTATE_EL0t;

	if ((debug->mdscr & MDSCR_MDE) == 0 || debug->os_lock != 0 ||
	    (!at_el0 && ((debug->mdscr & MDSCR_KDE) == 0 || (pstate & PSTATE_D) != 0))) {
		return false;
	}
	for (unsigned int n = 0; n < cpu_features.nr_watchpoints; n++) {
		if (matches(debug, n, at_el0 ? CR_EL0 : CR_EL1, va, size, is_write)) {
			return true;
		}
	}
	return false;
}
