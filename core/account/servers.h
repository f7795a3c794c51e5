/* Shared by servers.c and servers_builtin.c; what they offer is in account.h. */
#pragma once

#include "core/account/account.h"

/* Empty, with room for n servers and n_keys keys; NULL: no memory. */
struct mt_servers *mt_servers_make(size_t n, size_t n_keys);
