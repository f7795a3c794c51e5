#include "daemon/config.h"
#include "daemon/config_value.h"

#include <errno.h>
#include <ini.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/crypto/crypto.h"
#include "core/env.h"
#include "daemon/credentials.h"
#include "daemon/paths.h"
#include "tl/nearest.h"

static const char *const source_name[] = {"default", "file", "command line"};

static int set_value(struct tgd_config *c, size_t i, const char *value, int source, char err[256])
{
    int r;

    if (source < c->source[i])
        return 0;
    r = tgd_key_set(c, &tgd_keys[i], value, err);
    if (r == 0)
        c->source[i] = (uint8_t)source;
    return r;
}

/* Rows of [socket] say where the first socket has them; this moves them to another. */
void *tgd_config_base_of_socket(struct tgd_config *c, size_t i)
{
    return (char *)c + i * sizeof c->sockets[0];
}

bool tgd_config_is_socket_key(const struct tgd_key *key)
{
    return strcmp(key->section, "socket") == 0;
}

static void free_string(void *base, const struct tgd_key *key)
{
    if (tgd_key_is_text(key))
        free(*(char **)(void *)((char *)base + key->offset));
}

void tgd_config_free_profiles(struct tgd_config *c)
{
    for (size_t i = 0; i < c->n_profiles; i++)
        for (size_t k = 0; k < tgd_n_profile_keys; k++)
            free_string(&c->profiles[i], &tgd_profile_keys[k]);
    c->n_profiles = 0;
}

void tgd_config_init(struct tgd_config *c)
{
    char err[256];

    memset(c, 0, sizeof *c);
    strcpy(c->sockets[0].name, "main");
    c->n_sockets = 1;
    for (size_t i = 0; i < tgd_n_keys; i++)
        if (tgd_keys[i].fallback)
            (void)set_value(c, i, tgd_keys[i].fallback, 0, err);
}

void tgd_config_fini(struct tgd_config *c)
{
    for (size_t i = 0; i < tgd_n_keys; i++)
        free_string(c, &tgd_keys[i]);
    for (size_t i = 0; i < c->n_accounts; i++) {
        free(c->accounts[i].api_hash);
        free(c->accounts[i].proxy);
    }
    for (size_t i = 1; i < c->n_sockets; i++)
        for (size_t k = 0; k < tgd_n_keys; k++)
            if (tgd_config_is_socket_key(&tgd_keys[k]))
                free_string(tgd_config_base_of_socket(c, i), &tgd_keys[k]);
    tgd_config_free_profiles(c);
    free(c->file);
    mt_wipe(c, sizeof *c);
}

/* --- the file --- */

struct reading {
    struct tgd_config *c;
    char err[256];
};

static const char *nearest_key(const char *section, const char *name)
{
    const char *names[64];
    size_t n = 0;

    for (size_t i = 0; i < tgd_n_profile_keys; i++)
        if (strcmp(tgd_profile_keys[i].section, section) == 0)
            names[n++] = tgd_profile_keys[i].name;

    for (size_t i = 0; i < tgd_n_account_keys; i++)
        if (strcmp(tgd_account_keys[i].section, section) == 0)
            names[n++] = tgd_account_keys[i].name;
    for (size_t i = 0; i < tgd_n_keys; i++)
        if (strcmp(tgd_keys[i].section, section) == 0)
            names[n++] = tgd_keys[i].name;
    return tl_nearest(names, n, name, strlen(name));
}

struct tgd_config_account *tgd_config_account_of(struct tgd_config *c, const char *name)
{
    struct tgd_config_account *a;

    for (size_t i = 0; i < c->n_accounts; i++)
        if (strcmp(c->accounts[i].name, name) == 0)
            return &c->accounts[i];
    if (c->n_accounts == TGD_ACCOUNTS_CONFIGURED || strlen(name) >= sizeof a->name)
        return NULL;
    a = &c->accounts[c->n_accounts++];
    memset(a, 0, sizeof *a);
    strcpy(a->name, name);
    a->journal = true;
    return a;
}

static int unknown_key(struct reading *r, const char *section, const char *name)
{
    const char *near = nearest_key(section, name);

    snprintf(r->err, sizeof r->err, "unknown key '%.40s' in [%s]%s%s%s", name, section,
             near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return -1;
}

static int read_account(struct reading *r, const char *account, const char *name, const char *value)
{
    struct tgd_config_account *a = tgd_config_account_of(r->c, account);

    if (!a) {
        snprintf(r->err, sizeof r->err, "[account %.40s]: name too long, or too many accounts", account);
        return -1;
    }
    for (size_t i = 0; i < tgd_n_account_keys; i++)
        if (strcmp(tgd_account_keys[i].name, name) == 0)
            return tgd_key_set(a, &tgd_account_keys[i], value, r->err);
    return unknown_key(r, "account", name);
}

static int read_profile(struct reading *r, const char *profile, const char *name, const char *value)
{
    struct tgd_config_profile *p = tgd_config_profile(r->c, profile);

    if (!p && r->c->n_profiles < TGD_PROFILES_CONFIGURED && strlen(profile) < sizeof p->name) {
        p = &r->c->profiles[r->c->n_profiles++];
        memset(p, 0, sizeof *p);
        strcpy(p->name, profile);
    }
    if (!p) {
        snprintf(r->err, sizeof r->err, "[profile %.40s]: name too long, or too many profiles", profile);
        return -1;
    }
    for (size_t i = 0; i < tgd_n_profile_keys; i++)
        if (strcmp(tgd_profile_keys[i].name, name) == 0)
            return tgd_key_set(p, &tgd_profile_keys[i], value, r->err);
    return unknown_key(r, "profile", name);
}

static int read_socket(struct reading *r, const char *socket, const char *name, const char *value)
{
    struct tgd_config *c = r->c;
    size_t i = 1;

    while (i < c->n_sockets && strcmp(c->sockets[i].name, socket) != 0)
        i++;
    if (i == TGD_SOCKETS_CONFIGURED || strlen(socket) >= sizeof c->sockets[0].name) {
        snprintf(r->err, sizeof r->err, "[socket %.40s]: name too long, or too many sockets", socket);
        return -1;
    }
    if (i == c->n_sockets) {
        c->sockets[c->n_sockets++] = (struct tgd_config_socket){.mode = 0600};
        strcpy(c->sockets[i].name, socket);
    }
    for (size_t k = 0; k < tgd_n_keys; k++)
        if (tgd_config_is_socket_key(&tgd_keys[k]) && strcmp(tgd_keys[k].name, name) == 0)
            return tgd_key_set(tgd_config_base_of_socket(c, i), &tgd_keys[k], value, r->err);
    return unknown_key(r, "socket", name);
}

static int read_key(struct reading *r, const char *section, const char *name, const char *value)
{
    for (size_t i = 0; i < tgd_n_keys; i++)
        if (strcmp(tgd_keys[i].section, section) == 0 && strcmp(tgd_keys[i].name, name) == 0)
            return set_value(r->c, i, value, 1, r->err);
    return unknown_key(r, section, name);
}

static int on_line(void *user, const char *section, const char *name, const char *value)
{
    struct reading *r = user;

    if (r->err[0])
        return 0;
    if (strcmp(section, "daemon") == 0)
        return read_key(r, "daemon", name, value) == 0;
    if (strcmp(section, "socket") == 0 || strcmp(section, "socket main") == 0)
        return read_key(r, "socket", name, value) == 0;
    if (strncmp(section, "socket ", 7) == 0 && section[7])
        return read_socket(r, section + 7, name, value) == 0;
    if (strncmp(section, "account ", 8) == 0 && section[8])
        return read_account(r, section + 8, name, value) == 0;
    if (strncmp(section, "profile ", 8) == 0 && section[8])
        return read_profile(r, section + 8, name, value) == 0;
    snprintf(r->err, sizeof r->err,
             "unknown section [%.40s]; known are [daemon], [socket], [socket NAME], [account NAME], [profile "
             "NAME]",
             section);
    return 0;
}

static int read_file(struct tgd_config *c, const char *path, char err[256])
{
    struct reading r = {.c = c};
    FILE *f = fopen(path, "re");
    int line;

    if (!f) {
        snprintf(err, 256, "%s: %s", path, strerror(errno));
        return -1;
    }
    line = ini_parse_file(f, on_line, &r);
    fclose(f);
    if (line != 0) {
        snprintf(err, 256, "%.80s:%d: %.150s", path, line > 0 ? line : 0,
                 r.err[0] ? r.err : "no KEY = VALUE line");
        return -1;
    }
    c->file = strdup(path);
    return c->file ? 0 : -1;
}

bool tgd_config_word(const char **list, char *word, size_t cap)
{
    static const char between[] = ", \t";
    size_t n;

    if (!*list)
        return false;
    *list += strspn(*list, between);
    n = strcspn(*list, between);
    if (n == 0)
        return false;
    snprintf(word, cap, "%.*s", (int)n, *list);
    *list += n;
    return true;
}

const struct tgd_config_account *tgd_config_account(const struct tgd_config *c, const char *name)
{
    for (size_t i = 0; i < c->n_accounts; i++)
        if (strcmp(c->accounts[i].name, name) == 0)
            return &c->accounts[i];
    return NULL;
}

struct tgd_config_profile *tgd_config_profile(struct tgd_config *c, const char *name)
{
    for (size_t i = 0; i < c->n_profiles; i++)
        if (strcmp(c->profiles[i].name, name) == 0)
            return &c->profiles[i];
    return NULL;
}

int tgd_config_read(struct tgd_config *c, const char *path, char err[256])
{
    char found[TGD_PATH_MAX];

    if (path)
        return read_file(c, path, err);
    if (!tgd_path_config(found, sizeof found))
        return 0;
    return read_file(c, found, err);
}

int tgd_config_set(struct tgd_config *c, const char *key, const char *value, char err[256])
{
    for (size_t i = 0; i < tgd_n_keys; i++) {
        if (tgd_config_is_socket_key(&tgd_keys[i])
                ? strcmp(key, "socket") == 0 && strcmp(tgd_keys[i].name, "path") == 0
                : strcmp(tgd_keys[i].name, key) == 0)
            return set_value(c, i, value, 2, err);
    }
    snprintf(err, 256, "no such setting: %s", key);
    return -1;
}

/* Every socket has a path of its own, and profiles that there are. */
static int check_sockets(struct tgd_config *c, char err[256])
{
    for (size_t i = 0; i < c->n_sockets; i++) {
        const struct tgd_config_socket *s = &c->sockets[i];
        char name[33];

        if (!s->path) {
            snprintf(err, 256, "[socket %s]: has no path", s->name);
            return -1;
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(s->path, c->sockets[k].path) == 0) {
                snprintf(err, 256, "[socket %s]: has the path of [socket %s]", s->name, c->sockets[k].name);
                return -1;
            }
        }
        for (const char *p = s->profile; tgd_config_word(&p, name, sizeof name);) {
            if (!tgd_config_profile(c, name)) {
                snprintf(err, 256, "[socket %s]: there is no [profile %s]", s->name, name);
                return -1;
            }
        }
    }
    return 0;
}

int tgd_config_finish(struct tgd_config *c, char err[256])
{
    char path[TGD_PATH_MAX];

    if (tgd_credentials_read(c, err))
        return -1;
    if (!c->state_dir) {
        if (!tgd_path_state(path, sizeof path)) {
            snprintf(err, 256,
                     "no place for the state folder: none of --state-dir, $STATE_DIRECTORY, "
                     "$XDG_STATE_HOME, $HOME is given");
            return -1;
        }
        c->state_dir = strdup(path);
    }
    if (!c->sockets[0].path) {
        if (!tgd_path_socket(c->state_dir, path, sizeof path)) {
            snprintf(err, 256, "no place for the socket; give --socket");
            return -1;
        }
        c->sockets[0].path = strdup(path);
    }
    if (!c->state_dir || !c->sockets[0].path) {
        snprintf(err, 256, "out of memory");
        return -1;
    }
    return check_sockets(c, err);
}

/* --- to look at --- */

/* A key of a section that has a name: only where it is said. */
static void add_named(json_t *all, const char *section, const char *name, const void *base,
                      const struct tgd_key *key)
{
    json_t *value = tgd_key_json(base, key);
    char full[80];

    if (!value)
        return;
    snprintf(full, sizeof full, "%s %s.%s", section, name, key->name);
    json_object_set_new(
        all, full, json_pack("{s:s, s:s, s:o}", "source", source_name[1], "text", key->text, "value", value));
}

struct json_t *tgd_config_json(const struct tgd_config *c)
{
    json_t *all = json_object();

    for (size_t i = 0; all && i < tgd_n_keys; i++) {
        char name[64];
        json_t *value = tgd_key_json(c, &tgd_keys[i]);
        json_t *row = json_pack("{s:s, s:s}", "source", source_name[c->source[i]], "text", tgd_keys[i].text);

        snprintf(name, sizeof name, "%s.%s", tgd_keys[i].section, tgd_keys[i].name);
        if (value)
            json_object_set_new(row, "value", value);
        if (tgd_keys[i].fallback)
            json_object_set_new(row, "default", json_string(tgd_keys[i].fallback));
        json_object_set_new(all, name, row);
    }
    for (size_t i = 1; all && i < c->n_sockets; i++)
        for (size_t k = 0; k < tgd_n_keys; k++)
            if (tgd_config_is_socket_key(&tgd_keys[k]))
                add_named(all, "socket", c->sockets[i].name, (const char *)c + i * sizeof c->sockets[0],
                          &tgd_keys[k]);
    for (size_t i = 0; all && i < c->n_profiles; i++)
        for (size_t k = 0; k < tgd_n_profile_keys; k++)
            add_named(all, "profile", c->profiles[i].name, &c->profiles[i], &tgd_profile_keys[k]);
    if (all && c->file)
        json_object_set_new(all, "file",
                            json_pack("{s:s, s:s}", "value", c->file, "text", "the file that was read"));
    return all;
}

static void print_key(const char *section, const struct tgd_key *k)
{
    printf("[%s] %s%s%s%s%s%s\n    %s\n", section, k->name, k->fallback ? " = " : "",
           k->fallback ? k->fallback : "", k->choices ? "   (" : "", k->choices ? k->choices : "",
           k->choices ? ")" : "", k->text);
}

void tgd_config_print(void)
{
    for (size_t i = 0; i < tgd_n_keys; i++)
        print_key(tgd_keys[i].section, &tgd_keys[i]);
    for (size_t i = 0; i < tgd_n_account_keys; i++)
        print_key("account NAME", &tgd_account_keys[i]);
    for (size_t i = 0; i < tgd_n_profile_keys; i++)
        print_key("profile NAME", &tgd_profile_keys[i]);
}
