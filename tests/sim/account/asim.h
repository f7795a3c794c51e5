/*
 * One run of the whole engine: accounts (core/account) with a model of their storage, against the sandbox
 * with its world, over a bad network, in one process, under one virtual clock. Everything random comes from
 * the seed, so a run can be told again.
 *
 *     plot.c      what happens: people talk, links break, the server misbehaves, power fails
 *     truth.c     what must hold in the end: our view of each chat is the server's
 *        |
 *     owner.c     one process of an account: turns, effects, what waits for commit and sync, its death
 *     asks.c      sends and calls of its clients, and what they were told
 *     disk.c      what survives: a log with two marks, committed and synced
 *     view.c      the journal told again: each happening once, in order per box
 *        |
 *     keys.c      authorisation keys, permanent and temporary, as both sides have them
 *     logins.c    logins that the server takes away, and the way back in
 *     wires.c     links: late, in pieces, cut at any byte, silent (../net.h)  ---  the sandbox
 *
 * Permanent keys are given to both sides, and most temporary ones, so that few runs need a key exchange (only
 * for temporary keys that are renewed or that the server forgot); ../ has more of those.
 */
#pragma once

#include "core/account/account.h"
#include "tests/sandbox/server.h"
#include "tests/sim/net.h"

enum asim_class {
    ASIM_CLEAN,  /* delays only */
    ASIM_CUTS,   /* links break */
    ASIM_FAULTS, /* the server misbehaves, clocks jump */
    ASIM_DEATHS, /* the daemon is killed between two effects, power fails, the server restarts */
    ASIM_GAPS,   /* all that, long absences, small slices, "too long" */
    ASIM_CLASSES,
};

#define OWNERS      3
#define WIRES       12
#define LETTERS     64
#define ASKED       400
#define BOX_IDS     600 /* message ids in a box */
#define TEXT_MAX    24
#define SECRETS     80 /* that anybody is sent in a run */
#define DISK_BLOCKS 20000
#define KEYS_DCS    4 /* by number of the DC */

struct asim;
struct owner;

/* --- view.c: what the journal says --- */

enum box { BOX_COMMON, BOX_FAMILY, BOX_NEWS, BOXES };

struct happening {
    enum { HAP_NEW, HAP_EDIT, HAP_DELETE, HAP_HOLE, HAP_AFRESH, HAP_SECRET } kind;
    enum box box;
    mt_chat_id chat;
    int32_t id;  /* HOLE: what is up to here may be missing; AFRESH: all boxes, up to where they are heard of
                    again */
    int32_t pts; /* of the update, 0: has none */
    int64_t secret;
    char text[TEXT_MAX];
};
struct said {
    mt_chat_id chat;
    bool known, present;
    char text[TEXT_MAX];
};
struct view {
    struct said said[BOXES][BOX_IDS];
    int32_t last_id[BOXES], last_pts[BOXES], hole[BOXES];
    bool afresh[BOXES];
    int64_t secrets[SECRETS]; /* as they came */
    unsigned n_secrets;
    bool fewer_secrets; /* a login was lost: what came before the next is not heard of any more */
};
void view_init(struct view *v, const int32_t first[BOXES]);
/* False: this cannot follow what was journaled before; why[] says it. */
bool view_tell(struct view *v, const struct happening *h, char why[160]);
/* What an Update object says, as happenings; how many (at most `max`). */
size_t view_read(const void *p, size_t n, struct happening *out, size_t max);
enum box view_box(mt_chat_id chat);

/* --- disk.c --- */

struct disk_block;
struct disk {
    struct store_ops ops;
    struct disk_block *blocks[DISK_BLOCKS]; /* the log */
    size_t n, committed, synced;
    /* what the log amounts to */
    struct mt_update_state state;
    struct mt_peer peers[32];
    size_t n_peers;
    struct mt_channel_row channels[8];
    size_t n_channels;
    const struct mt_outbox_row *rows[LETTERS * 6];
    size_t n_rows;
    struct view view;
    /* written at once and synced, as keys.db is; emptied with the commit of what forgets the login */
    struct mt_saved saved;
    bool forgets;
};
void disk_init(struct disk *d, struct owner *o);
/* What storage does with an effect; nothing where it does nothing. */
void disk_write(struct owner *o, const struct mt_fx *fx);
/* The login is gone: keys, state, peers, rows, in one commit that is safe from power cuts. */
void disk_forget(struct owner *o);
void disk_committed(struct owner *o);
/* The process died (keep = committed) or the power failed (keep = synced). */
void disk_die(struct owner *o, size_t keep);
void disk_fini(struct disk *d);

/* --- asks.c --- */

struct letter {
    char text[TEXT_MAX];
    mt_chat_id to;
    bool queue, dedup;
    bool promised;     /* its `queue` was answered */
    bool forgotten;    /* the login went before that answer was told */
    bool answered;     /* with its message */
    bool refused;      /* by the last answer nothing went out, and nothing will */
    size_t refused_at; /* mark of the log under that answer */
    unsigned open;     /* submissions without an answer in this life */
};
struct asked {
    int letter; /* -1: a call */
    unsigned life, ends;
    bool abandoned;
};
/* An answer that waits: for its commit, or for its sync. */
struct told {
    uint64_t token;
    enum mt_reply_kind kind;
    enum mt_sent sent;
    bool for_sync;
    size_t mark; /* of the log */
};

struct owner {
    struct asim *s;
    unsigned index;
    const char *name; /* @username */
    int64_t user_id;
    bool bot;
    struct mt_account *a; /* NULL: not running */
    struct mt_env env;
    uint64_t rng;
    int64_t skew; /* its wall - true wall */
    unsigned life;
    long die_after; /* effects and commits until it is killed; < 0: never */
    bool dies_of_power;
    int64_t start_at; /* while it is not running */
    int64_t sync_at;
    bool taken;       /* the server took its login */
    unsigned losses;  /* how often */
    int64_t login_at; /* the next step of a login */
    unsigned login_asked;
    bool wants_sync;      /* the account waits for it */
    int32_t first[BOXES]; /* the newest message in each box when the run began */
    struct disk disk;
    struct mt_temp_key older[KEYS_DCS]; /* which was replaced last; ends 0: none */
    struct letter letters[LETTERS];
    unsigned n_letters;
    struct asked asked[ASKED + 1]; /* by token, from 1 */
    unsigned n_asked;
    int64_t secrets[SECRETS]; /* that were sent to it */
    unsigned n_secrets;
    struct told told[ASKED];
    size_t n_told;
};

struct wire {
    bool used, client, server; /* that end is open */
    unsigned owner, life;
    uint32_t link, conn;
    int32_t dc;
    int64_t open_at;
    bool refused;
    int64_t delay;
    size_t piece;
    struct net_pipe up, down;
};

struct asim {
    uint64_t seed, rng;
    enum asim_class class;
    bool verbose;
    int64_t t;
    char failure[256];
    struct mt_env server_env;
    uint64_t server_rng;
    struct sb_world *world;
    struct sb_server *server;
    struct mt_servers servers;
    struct mt_rsa *rsa; /* of the servers; for owners with temporary keys */
    struct mt_server list[3];
    enum mt_framing framing;
    bool pfs;                  /* temporary keys */
    unsigned forgets, deaths;  /* how often the server forgot all temporary keys; processes that died */
    bool doubted;              /* the server denied one call for want of a login that is there */
    bool obfuscated, disowned; /* disowned: the server said once that it does not know a key */
    struct owner owners[OWNERS];
    struct wire wires[WIRES];
    int64_t alice, bob, carol, bot;
    mt_chat_id family, news, team;
    unsigned words; /* of messages that people of the world said */
};

struct asim_totals {
    unsigned runs, failed;
    uint64_t happenings, sends, delivered, promised, calls, deaths, links, holes, exchanges, logins;
};

static inline struct mt_now asim_now(const struct asim *s)
{
    return (struct mt_now){.mono = s->t, .wall = INT64_C(1750000000) * MT_US_PER_S + s->t};
}
static inline struct mt_now owner_now(const struct owner *o)
{
    struct mt_now now = asim_now(o->s);

    now.wall += o->skew;
    return now;
}
uint64_t asim_random(struct asim *s, uint64_t n); /* 0 .. n-1 */
void asim_fill(void *ctx, void *buf, size_t n);
void asim_trace(struct asim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void asim_fail(struct asim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* plot.c: runs one seed; true: all held. */
bool asim_run(uint64_t seed, bool verbose, char failure[256], struct asim_totals *totals);
/* Its parts, for who wants another plot: then truth_setup(), owner_start(). */
void asim_prepare(struct asim *s, uint64_t seed, bool verbose);
void asim_advance(struct asim *s, int64_t until); /* event by event */
void asim_say(struct asim *s, int64_t from, mt_chat_id to);
void asim_fini(struct asim *s);
/* A method of the sandbox's control socket; its result, or NULL after a failure. */
json_t *asim_control(struct asim *s, const char *method, json_t *params);

/* --- owner.c --- */

void owner_start(struct owner *o);
/* At once, in the middle of whatever it does. */
void owner_die(struct owner *o, bool power);
/* SIGTERM, and a start later. */
void owner_stop(struct owner *o);
bool owner_step(struct owner *o);
int64_t owner_deadline(const struct owner *o);
void owner_fini(struct owner *o);

/* --- asks.c --- */

void ask_send(struct owner *o);
void ask_again(struct owner *o); /* a send with a dedup key, once more */
void ask_call(struct owner *o);
/* Calls with "_", and the chat where they do something; NULL: there is nothing to do it to. */
json_t *ask_edit(struct owner *o, mt_chat_id *chat);
json_t *ask_take_back(struct owner *o, mt_chat_id *chat);
json_t *ask_peer(const struct owner *o, mt_chat_id chat); /* the InputPeer as this account must name it */
unsigned ask_token(struct owner *o, int letter);          /* 0: there were too many */
/* writes.c: edits, deletions, read marks through the outbox */
void ask_write(struct owner *o);
void ask_cancel(struct owner *o);
/* A REPLY effect: kept until what it promises is so. */
void ask_take(struct owner *o, const struct mt_fx *fx);
void ask_committed(struct owner *o);
void ask_synced(struct owner *o);
void ask_died(struct owner *o, bool power);

/* --- secrets.c: what has a qts, and is forgotten by the server once it was named --- */

void secret_send(struct owner *o);
void secret_race(struct owner *o);
/* False: this cannot follow what was journaled before. */
bool secret_tell(struct view *v, const struct happening *h, char why[160]);
void secret_check(struct owner *o);
/* Its number, out of an updateNewEncryptedMessage; 0: it is none. */
int64_t secret_of(const struct tl_view *update);

/* --- wires.c --- */

void wires_open(struct owner *o, const struct mt_fx *fx);
void wires_close(struct owner *o, uint32_t link); /* 0: all of them */
/* Client's ends of an owner; server's ends of all. True: something moved. */
bool wires_step_owner(struct owner *o);
bool wires_step_server(struct asim *s);
int64_t wires_deadline(const struct asim *s);
void wires_cut(struct asim *s, struct wire *w);
void wires_fini(struct asim *s);
struct wires_count {
    uint64_t links, bad_msg, bad_salt, resent, exchanges;
};
struct wires_count wires_counted(const struct asim *s);

/* --- logins.c --- */

#define LOGIN_TOKEN (UINT64_C(1) << 32) /* from here on */
/* The server ends the session, or forgets the key itself. */
void login_take(struct owner *o);
void login_forgotten(struct owner *o); /* the account forgets it */
void login_changed(struct owner *o);
void login_started(struct owner *o); /* the process did */
void login_step(struct owner *o);    /* at login_at */

/* --- keys.c --- */

/* A permanent key on both sides, and where there are temporary ones mostly one of those. Its id. */
uint64_t keys_give(struct owner *o, int32_t dc, bool authorised);
/* The server forgets all temporary keys: -404 to who uses one. */
void keys_forget(struct asim *s);
/* Before `dc` replaces what is saved. */
void keys_saved(struct owner *o, const struct mt_saved_dc *dc);
/* Temporary keys of the disk may be gone, or those before them back. */
void keys_power_failed(struct owner *o);
void keys_check(struct owner *o);

/* --- truth.c --- */

bool truth_setup(struct asim *s); /* people, keys, what is on the disks */
void truth_check(struct asim *s, struct asim_totals *totals);
/* What getDialogs would tell of the people and chats. */
void truth_know(struct owner *o);
/* The highest message id in a box of an owner. */
int32_t truth_top(const struct asim *s, unsigned owner, enum box box);
