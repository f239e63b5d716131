/* SPDX-License-Identifier: MIT */
/* Between the files of domain/. */
#pragma once

struct domain;

/* Nobody finds it any more. It keeps its id until domain_free(): frames of its that others have mapped are marked with that. */
void domain_list_hide(struct domain *d);
/* The last reference is gone: vCPU and domain structures. */
void domain_free(struct domain *d);
