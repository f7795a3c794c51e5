/* What a reload takes over from the file, and what it names as kept. */
#include "daemon/config.h"
#include "daemon/config_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Without memory for the new one the old one stays: no proxy would be worse than another. */
static void apply_proxy(struct tgd_config_account *a, const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    if (text && !copy)
        return;
    free(a->proxy);
    a->proxy = copy;
}

static void apply_accounts(struct tgd_config *c, const struct tgd_config *next)
{
    const struct tgd_config_account *said;

    for (size_t i = 0; i < next->n_accounts; i++)
        (void)tgd_config_account_of(c, next->accounts[i].name);
    for (size_t i = 0; i < c->n_accounts; i++) {
        said = tgd_config_account(next, c->accounts[i].name);
        c->accounts[i].journal = !said || said->journal;
        apply_proxy(&c->accounts[i], said ? said->proxy : NULL);
    }
}

static char *copy_of(const char *s)
{
    return s ? strdup(s) : NULL;
}

/* Profiles are taken over whole: they count for who connects from now on. */
static void apply_profiles(struct tgd_config *c, const struct tgd_config *next)
{
    tgd_config_free_profiles(c);
    for (size_t i = 0; i < next->n_profiles; i++) {
        struct tgd_config_profile *p = &c->profiles[i];

        *p = next->profiles[i];
        for (size_t k = 0; k < tgd_n_profile_keys; k++) {
            char **slot = (char **)(void *)((char *)p + tgd_profile_keys[k].offset);

            *slot = copy_of(*slot);
        }
        c->n_profiles++;
    }
}

/* Of a socket that is there its profiles change; anything else about sockets needs a restart. */
static bool apply_sockets(struct tgd_config *c, const struct tgd_config *next)
{
    bool same = c->n_sockets == next->n_sockets;

    for (size_t i = 1; i < c->n_sockets && i < next->n_sockets; i++) {
        for (size_t k = 0; k < tgd_n_keys; k++) {
            const char *other = (const char *)next + i * sizeof next->sockets[0];

            if (!tgd_config_is_socket_key(&tgd_keys[k]))
                continue;
            if (tgd_keys[k].live && strcmp(c->sockets[i].name, next->sockets[i].name) == 0)
                tgd_key_move(tgd_config_base_of_socket(c, i), other, &tgd_keys[k]);
            else
                same = same && tgd_key_same(tgd_config_base_of_socket(c, i), other, &tgd_keys[k]);
        }
        same = same && strcmp(c->sockets[i].name, next->sockets[i].name) == 0;
    }
    return same;
}

void tgd_config_apply(struct tgd_config *c, const struct tgd_config *next, char kept[256])
{
    kept[0] = 0;
    apply_accounts(c, next);
    apply_profiles(c, next);
    if (!apply_sockets(c, next))
        snprintf(kept, 256, "[socket NAME]");
    for (size_t i = 0; i < tgd_n_keys; i++) {
        const struct tgd_key *key = &tgd_keys[i];
        size_t len = strlen(kept);

        if (tgd_key_same(c, next, key) || (c->source[i] == 2 && next->source[i] != 2))
            continue; /* what the command line says, no file takes back */
        if (key->live) {
            tgd_key_move(c, next, key);
            c->source[i] = next->source[i];
        } else {
            snprintf(kept + len, 256 - len, "%s%s.%s", len ? ", " : "", key->section, key->name);
        }
    }
}
