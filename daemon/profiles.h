/* [profile NAME] of the configuration as what rpc/ enforces, with users and groups by number. */
#pragma once

#include "daemon/config.h"
#include "rpc/rpc.h"

struct tgd_profiles {
    struct rpc_profile *list[TGD_PROFILES_CONFIGURED]; /* in the order of the configuration */
    size_t n;
    struct rpc_profile *nobody; /* calls nothing: for a list whose profiles are not there */
};
/* 0, or -1 and in err[] which section and key is wrong; nothing is made then. */
int tgd_profiles_make(struct tgd_profiles *p, const struct tgd_config *c, char err[256]);
void tgd_profiles_free(struct tgd_profiles *p);
/*
 * Of a socket's list of profiles the first that admits the client; where none does the first, which refuses
 * it. NULL: the socket has no list.
 */
struct rpc_profile *tgd_profile_for(const struct tgd_profiles *p, const struct tgd_config *c,
                                    const struct tgd_config_socket *socket, const struct rpc_cred *cred);
