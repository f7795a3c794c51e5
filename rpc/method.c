#include "rpc/method.h"
#include "tl/nearest.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 128

static int by_name(const void *key, const void *row)
{
    return strcmp(key, ((const struct rpc_method *)row)->name);
}

const struct rpc_method *rpc_method_find(const char *name)
{
    return bsearch(name, rpc_methods, rpc_n_methods, sizeof rpc_methods[0], by_name);
}

const char *rpc_method_nearest(const char *name)
{
    const char *names[NAMES_MAX];
    size_t n = 0;

    for (size_t i = 0; i < rpc_n_methods && n < NAMES_MAX; i++)
        names[n++] = rpc_methods[i].name;
    return tl_nearest(names, n, name, strlen(name));
}

const char *rpc_param_nearest(const struct rpc_param *params, size_t n, const char *name)
{
    const char *names[NAMES_MAX];
    size_t used = 0;

    for (size_t i = 0; i < n && used < NAMES_MAX; i++)
        names[used++] = params[i].name;
    return tl_nearest(names, used, name, strlen(name));
}

static bool in_list(const char *list, const char *name)
{
    for (; list && *list; list += strlen(list) + 1)
        if (strcmp(list, name) == 0)
            return true;
    return false;
}

const struct rpc_param *rpc_param_find(const struct rpc_param *params, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(params[i].name, name) == 0 || in_list(params[i].aliases, name))
            return &params[i];
    return NULL;
}
