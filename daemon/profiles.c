#include "daemon/profiles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/edge.h"

typedef bool by_name_fn(const char *name, int64_t *id);

/* Names and numbers of a list. False: one is nobody's. */
static bool numbers(const char *list, by_name_fn *by_name, const char *key, int64_t **ids, size_t *n,
                    char err[256])
{
    char word[64];

    *ids = NULL;
    *n = 0;
    while (tgd_config_word(&list, word, sizeof word)) {
        int64_t *more = realloc(*ids, (*n + 1) * sizeof *more);

        if (!more) {
            snprintf(err, 256, "out of memory");
            return false;
        }
        *ids = more;
        if (!by_name(word, &(*ids)[(*n)++])) {
            snprintf(err, 256, "%s: there is no '%.60s'", key, word);
            return false;
        }
    }
    return true;
}

static struct rpc_profile *make(const struct tgd_config_profile *from, char err[256])
{
    struct rpc_profile_cfg cfg = {.name = from->name,
                                  .accounts = from->accounts,
                                  .methods = from->methods,
                                  .chats = from->chats,
                                  .owner_uid = getuid()};
    int64_t *uids = NULL, *gids = NULL;
    struct rpc_profile *p = NULL;

    if (numbers(from->users, tgd_user_by_name, "users", &uids, &cfg.n_uids, err) &&
        numbers(from->groups, tgd_group_by_name, "groups", &gids, &cfg.n_gids, err)) {
        cfg.uids = uids;
        cfg.gids = gids;
        p = rpc_profile_new(&cfg, err);
    }
    free(uids);
    free(gids);
    return p;
}

int tgd_profiles_make(struct tgd_profiles *p, const struct tgd_config *c, char err[256])
{
    struct tgd_config_profile none = {.name = "nobody", .methods = (char[]){""}};

    *p = (struct tgd_profiles){.nobody = make(&none, err)};
    if (!p->nobody)
        return -1;
    for (size_t i = 0; i < c->n_profiles; i++) {
        char why[256];

        p->list[i] = make(&c->profiles[i], why);
        if (!p->list[i]) {
            snprintf(err, 256, "[profile %.32s] %.200s", c->profiles[i].name, why);
            tgd_profiles_free(p);
            return -1;
        }
        p->n++;
    }
    return 0;
}

void tgd_profiles_free(struct tgd_profiles *p)
{
    for (size_t i = 0; i < p->n; i++)
        rpc_profile_unref(p->list[i]);
    rpc_profile_unref(p->nobody);
    *p = (struct tgd_profiles){.n = 0};
}

struct rpc_profile *tgd_profile_for(const struct tgd_profiles *p, const struct tgd_config *c,
                                    const struct tgd_config_socket *socket, const struct rpc_cred *cred)
{
    struct rpc_profile *first = NULL;
    const char *list = socket->profile;
    char name[33];

    if (!list)
        return NULL;
    while (tgd_config_word(&list, name, sizeof name)) {
        for (size_t i = 0; i < c->n_profiles && i < p->n; i++) {
            if (strcmp(c->profiles[i].name, name) != 0)
                continue;
            if (rpc_profile_admits(p->list[i], cred))
                return p->list[i];
            if (!first)
                first = p->list[i];
        }
    }
    return first ? first : p->nobody;
}
