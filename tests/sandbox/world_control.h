/*
 * The control socket's side of the world. A method has a row: its name, what it takes, what it does.
 * Parameters are checked against the row before it runs, so a handler finds what it asks for.
 */
#pragma once

#include "tests/sandbox/world_acts.h"

struct sb_control {
    struct sb_turn turn;
    const json_t *params;
    char *err; /* 256 bytes */
};

struct sb_command {
    const char *name;
    /* "from:peer to:peer text:string reply_to:int?": name, type and, where it may be left out, a question
     * mark. Types: string, int, bool, list, object, peer (a number, "@name", "+phone", a title). */
    const char *params;
    json_t *(*run)(struct sb_control *c); /* a new reference; NULL after sb_control_fail() */
};
/* ended by a row without a name */
extern const struct sb_command sb_commands[], sb_command_acts[], sb_command_behalf[], sb_command_qts[];

json_t *sb_control_fail(struct sb_control *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *sb_control_text(const struct sb_control *c, const char *name); /* NULL: left out */
int32_t sb_control_int(const struct sb_control *c, const char *name, int32_t missing);
bool sb_control_bool(const struct sb_control *c, const char *name);
/* A peer by what the caller calls it; false after failing. */
bool sb_control_ref(struct sb_control *c, const char *what, const json_t *v, struct sb_peer *peer);
bool sb_control_peer(struct sb_control *c, const char *name, struct sb_peer *peer);
struct sb_user *sb_control_user(struct sb_control *c, const char *name);
/* The number of a chat as the Bot API writes it (-100... for channels), and back. */
int64_t sb_marked(struct sb_peer peer);
struct sb_peer sb_unmarked(int64_t id);
/* A message for people to look at. */
json_t *sb_control_message(struct sb_world *w, const struct sb_msg *m);
