/* One key of the configuration: its type, and how its value is read, shown, compared and moved. Private to
 * config.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_t;

enum tgd_value_type { T_STRING, T_INT, T_BOOL, T_MODE, T_LEVEL, T_CHOICE, T_PROXY };

struct tgd_key {
    const char *section;
    const char *name;
    enum tgd_value_type type;
    size_t offset;        /* in the struct that the section fills */
    const char *fallback; /* as it would stand in the file; NULL = unset */
    long min, max;        /* T_INT */
    const char *choices;  /* T_CHOICE: "a|b|c" */
    bool secret;
    bool live; /* may change while running */
    const char *text;
};

/* Its value is a string that is owned. */
bool tgd_key_is_text(const struct tgd_key *key);
/* `base` is the struct that holds the value. -1: it does not fit, and err[] says how. */
int tgd_key_set(void *base, const struct tgd_key *key, const char *value, char err[256]);
/* A new reference; NULL: unset. A secret is "set" or "not set". */
struct json_t *tgd_key_json(const void *base, const struct tgd_key *key);
bool tgd_key_same(const void *a, const void *b, const struct tgd_key *key);
void tgd_key_move(void *to, const void *from, const struct tgd_key *key);

/* config_table.c */
extern const struct tgd_key tgd_keys[], tgd_account_keys[], tgd_profile_keys[];
extern const size_t tgd_n_keys, tgd_n_account_keys, tgd_n_profile_keys;

/* config.c, for config_reload.c. Rows of [socket] say where the first socket has them: the base for socket i.
 */
struct tgd_config;
void *tgd_config_base_of_socket(struct tgd_config *c, size_t i);
bool tgd_config_is_socket_key(const struct tgd_key *key);
void tgd_config_free_profiles(struct tgd_config *c);
/* Makes it where it is not there; NULL: no room. */
struct tgd_config_account *tgd_config_account_of(struct tgd_config *c, const char *name);
