/*
 * Which account goes out through which proxy. The first that is set counts:
 *
 *     setProxy for the account    its keys.db
 *     [account NAME] proxy        tgd.conf
 *     setProxy for all            keys.db of the state folder
 *     [daemon] proxy              tgd.conf
 *     none: direct
 *
 * "direct" is a setting like others: it ends the search. A text that cannot be read keeps its account
 * stopped; nothing ever goes out directly because a proxy is broken.
 */
#pragma once

#include "daemon/daemon.h"
#include "rpc/rpc.h"

/* What is set for all; -1 with words in err[]: better not to start. */
int tgd_proxies_open(struct tgd *d, char err[256]);
void tgd_proxies_close(struct tgd *d); /* ends tests too */
/* The one of an account (NULL: of one that has nothing of its own). MT_E_ARG: it cannot be read. */
int tgd_proxy_of(const struct tgd *d, const struct tgd_account *a, struct mt_proxy_cfg *out,
                 enum rpc_proxy_source *source);
/* The configuration may say something else now: whoever is concerned changes over. */
void tgd_proxies_reload(struct tgd *d);

/* rpc/rpc.h: setProxy, getProxy, testProxy */
int tgd_proxy_set(void *ctx, int32_t account, const char *text, char err[256]);
int tgd_proxy_get(void *ctx, int32_t account, struct rpc_proxy *out);
uint64_t tgd_proxy_test(void *ctx, int32_t account, const char *text, char err[256]);
bool tgd_proxy_tested(void *ctx, uint64_t test, struct rpc_proxy_test *out);
