/*
 * Configuration: one INI file, one table of keys (config.c) that the parser, --check-config, getConfig and
 * the man page share. The command line is stronger than the file, the file stronger than the default.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_t;

#define TGD_ACCOUNTS_CONFIGURED 64
#define TGD_SOCKETS_CONFIGURED  16
#define TGD_PROFILES_CONFIGURED 32

struct tgd_config_account {
    char name[33];
    int32_t api_id;
    char *api_hash;
    char *proxy;  /* NULL: that of [daemon] */
    bool journal; /* whether its events are kept */
};

/* [socket], [socket NAME] */
struct tgd_config_socket {
    char name[33]; /* "main" for the first */
    char *path;
    int32_t mode;
    char *group;
    char *profile; /* a list; NULL: the default rule */
};

/* [profile NAME]: lists as they stand in the file */
struct tgd_config_profile {
    char name[33];
    char *users, *groups, *accounts, *methods, *chats;
};

struct tgd_config {
    char *file; /* the file that was read; NULL = none */
    /* [daemon] */
    char *state_dir;
    char *servers; /* JSON file; NULL = built in */
    int32_t api_id;
    char *api_hash;
    char *default_account;
    int32_t log_level; /* enum mt_log_level */
    bool power_safe;   /* durability = power: an answer waits for the disk, not just for the commit */
    int32_t journal_days, journal_events, journal_mib; /* bounds of each account's journal */
    bool journal_raw;                                  /* the TL of updates is kept beside their events */
    char *proxy;                                       /* of accounts that say nothing else; NULL: none */
    bool seal_keys;                                    /* keys.db is sealed where there is a key for it */
    bool has_keys_key;
    uint8_t keys_key[32]; /* made of the credential `keys` */
    char *transport;      /* abridged, intermediate, padded, obfuscated, full */
    bool pfs;             /* traffic under temporary keys */
    struct tgd_config_socket
        sockets[TGD_SOCKETS_CONFIGURED]; /* the first is [socket], which is always there */
    size_t n_sockets;
    struct tgd_config_profile profiles[TGD_PROFILES_CONFIGURED];
    size_t n_profiles;
    /* [account NAME] */
    struct tgd_config_account accounts[TGD_ACCOUNTS_CONFIGURED];
    size_t n_accounts;
    /* where each value came from, in the order of the table */
    uint8_t source[32]; /* 0 default, 1 file, 2 command line or environment */
};

void tgd_config_init(struct tgd_config *c);
void tgd_config_fini(struct tgd_config *c);
/*
 * Reads a file. `path` NULL: the usual places (tgd.conf(5)), none of which need exist. 0, or -1 and in err[]
 * "FILE:LINE: what is wrong", with the nearest key for one that is unknown.
 */
int tgd_config_read(struct tgd_config *c, const char *path, char err[256]);
/* A value from the command line. `key` is a key of [daemon] or "socket". */
int tgd_config_set(struct tgd_config *c, const char *key, const char *value, char err[256]);
/* Fills in what follows from the environment: state folder, socket path, credential. */
int tgd_config_finish(struct tgd_config *c, char err[256]);
/* The section [account NAME], or NULL. */
const struct tgd_config_account *tgd_config_account(const struct tgd_config *c, const char *name);
/* NULL: there is none of that name. */
struct tgd_config_profile *tgd_config_profile(struct tgd_config *c, const char *name);
/* The next word of a list (NULL: an empty one), cut to fit; false: there is none. */
bool tgd_config_word(const char **list, char *word, size_t cap);
/* {key: {value, source, default, unit?}}; secrets are shown as "set" or "not set". New reference. */
struct json_t *tgd_config_json(const struct tgd_config *c);
/* One line per key for --help-config and the man page. */
void tgd_config_print(void);
/*
 * Takes over from `next` what may change while running (log level, api ids, default account). Names the keys
 * that differ and cannot into kept[] ("socket, state_dir"), "" = none.
 */
void tgd_config_apply(struct tgd_config *c, const struct tgd_config *next, char kept[256]);
