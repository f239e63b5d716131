/* SPDX-License-Identifier: MIT */
/* Between the files of domain/. */
#pragma once

struct domain;

void domain_list_remove(struct domain *d);
/* The last reference is gone: vCPU and domain structures. */
void domain_free(struct domain *d);
