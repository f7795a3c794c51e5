#include "rpc/errors.h"

static const struct {
    int code;
    const char *name, *text;
} rows[] = {
#define RPC_ERROR(c, n, t) {.code = (c), .name = #n, .text = (t)},
#include "rpc/errors.def"
#undef RPC_ERROR
};

bool rpc_error_at(size_t i, int *code, const char **name, const char **text)
{
    if (i >= sizeof rows / sizeof rows[0])
        return false;
    *code = rows[i].code;
    *name = rows[i].name;
    *text = rows[i].text;
    return true;
}

const char *rpc_error_name(int code)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].code == code)
            return rows[i].name;
    return "INTERNAL";
}

const char *rpc_error_text(int code)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].code == code)
            return rows[i].text;
    return "something went wrong inside tgd";
}
