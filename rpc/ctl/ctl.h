/*
 * tgctl: the command-line client. A plain blocking program over the socket contract: it knows no method by
 * heart but asks `help` for the types of parameters, so it fits any daemon of the same major version.
 *
 *     main.c    options, which command           conn.c    finding the socket, requests and answers
 *     params.c  key=value words to JSON          print.c   answers to stdout, -r paths
 *     table.c   -H: tables                       page.c    help for people
 *     login.c   the dialogue of a login          listen.c  events; exec.c: a program for each of them
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum ctl_exit {
    CTL_OK = 0,
    CTL_ERROR = 1,
    CTL_NO_DAEMON = 2,
    CTL_USAGE = 3,
    CTL_NOT_LOGGED_IN = 4,
    CTL_FLOOD_WAIT = 5,
    CTL_TIMEOUT = 6,
};

struct ctl {
    /* options */
    const char *socket;
    const char *account;
    const char *timeout;
    const char *path; /* -r */
    const char *dedup;
    const char *exec; /* listen --exec */
    int jobs;
    bool skip_failed; /* --on-fail skip */
    bool all, queue, table;
    /* the connection */
    int fd;
    char *buf; /* bytes read and not yet used */
    size_t have, cap;
    long last_id;
};

/* Ends the program: message on stderr, then exit. */
void ctl_die(enum ctl_exit code, const char *fmt, ...) __attribute__((noreturn, format(printf, 2, 3)));

/* --- conn.c --- */

/* --socket, $TGD_SOCKET, else the first that exists of the usual paths; dies naming every path tried. */
void ctl_connect(struct ctl *c);
/* Sends a request with the options account and timeout; takes params (NULL = none). Its id. */
long ctl_send(struct ctl *c, const char *method, json_t *params);
/* The next value from the daemon, or NULL when it closed the connection. New reference. */
json_t *ctl_receive(struct ctl *c);
/* Whether a whole line waits in the buffer. */
bool ctl_has_line(const struct ctl *c);
/* Waits for the answer to id; notes on stderr what comes in between. New reference to `result`; an error
 * answer ends the program with its exit code. */
json_t *ctl_wait(struct ctl *c, long id);
json_t *ctl_call(struct ctl *c, const char *method, json_t *params);
/* The exit code and message of an error answer. Does not return. */
void ctl_fail(const json_t *error) __attribute__((noreturn));

/* --- params.c --- */

/*
 * Words `key=value`, `key:=json`, `key=@FILE`, `key=@-` into params, typed by what `help METHOD` says. A word
 * without = is a usage error. Secrets are refused on the command line. Dies where something is wrong.
 */
json_t *ctl_params(struct ctl *c, const char *method, char **words, int n);
/* All of stdin, or a file, without the last newline where `text`. */
char *ctl_slurp(const char *path, size_t *n);

/* --- print.c --- */

/* One value by the options: a JSON line, or what -r picks, bare, or a table. false: -r found nothing. */
bool ctl_print(const struct ctl *c, json_t *value);
/* The same for one of a stream of items (events, --all): a row without a header. */
bool ctl_print_item(const struct ctl *c, json_t *item);

/* --- table.c: for people; text of others never reaches the terminal as control characters --- */

void ctl_human(json_t *value);
void ctl_human_row(json_t *value);
/* Objects as rows, with the columns that fit what they are; `head`: names of the columns above. */
void ctl_table(json_t *items, bool head);

/* --- page.c --- */

/* `help [METHOD]`: methods, or one of them, as a page for people. */
int ctl_help_page(struct ctl *c, const char *method);

/* --- commands --- */

int ctl_login(struct ctl *c, char **words, int n);
int ctl_listen(struct ctl *c, char **words, int n);

/* exec.c: runs c->exec for each event of the subscription, acks what is done. Returns an exit code. */
int ctl_exec(struct ctl *c, const char *name);
