/* SPDX-License-Identifier: MIT */
/* Between the files of domain/. */
#pragma once

struct domain;

/* struct domain and struct vcpu are whole blocks of Tenon's own frames. */
#define DOMAIN_ORDER 1
#define VCPU_ORDER   1

/* Nobody finds it any more. It keeps its id until domain_free(): frames of its that others have mapped are marked with that. */
void domain_list_hide(struct domain *d);
/* Its id is free. */
void domain_list_forget(const struct domain *d);
/* The last reference is gone, wherever that was, locks held or not: vCPU and domain structures go a little later. */
void domain_free(struct domain *d);
