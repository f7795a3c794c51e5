/* The error codes of the socket: rpc/errors.def as an enum. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum rpc_error_code {
#define RPC_ERROR(code, name, text) RPC_E_##name = (code),
#include "rpc/errors.def"
#undef RPC_ERROR
};
/* Telegram's error n is RPC_E_TELEGRAM + n. */
#define RPC_E_TELEGRAM 2000

/* "PEER_UNKNOWN" of a code in the table; "INTERNAL" for others. */
const char *rpc_error_name(int code);
/* The message of the table. */
const char *rpc_error_text(int code);
/* For discovery: row i, false at the end. */
bool rpc_error_at(size_t i, int *code, const char **name, const char **text);
