/*
 * The process: the one place that has descriptors, clocks, threads and files, and moves bytes between them
 * and the machines of core/, storage/ and rpc/.
 *
 *      link.c  TCP to Telegram            listener.c, client.c  Unix sockets of local programs
 *          \                                   /
 *           +--> pump.c: one turn <-----------+
 *                |  effects -> storage, views -> COMMIT -> what waited for it leaves
 *                +--> worker.c: a thread that syncs, a thread that computes
 *
 * Everything here runs on the loop thread but the two bodies in worker.c. libevent callbacks only feed a
 * machine; the work of a turn is done in tgd_pump(), once per round of the loop.
 */
#pragma once

#include <event2/event.h>

#include "core/account/account.h"
#include "daemon/config.h"
#include "daemon/profiles.h"
#include "daemon/turns.h"
#include "rpc/rpc.h"
#include "rpc/timer.h"
#include "storage/storage.h"

struct tgd_account;
struct tgd_worker;
struct tgd_listener;
struct tgd_hangup;
struct tgd_network;
struct tgd_wake;
struct tgd_client;
struct tgd_link;
struct tgd_resolver;
struct tgd_proxy_test;

struct tgd {
    struct tgd_config config;
    struct tgd_profiles profiles;
    struct mt_env env;
    struct mt_servers *servers;
    struct store *store;
    struct rpc *rpc;
    struct rpc_host host;
    struct event_base *base;
    struct event *timer; /* the nearest deadline of any machine */
    struct event *signals[4];
    struct tgd_worker *worker;
    struct tgd_hangup *hangup;
    struct tgd_network *network; /* NULL: it cannot be watched */
    struct tgd_wake *wake;       /* NULL: nobody tells of resumes; turns find out */
    struct tgd_resolver *resolver;
    bool small_hello;                   /* the greeting that the MTProxy dialled last took */
    char *proxy_all;                    /* what setProxy set for all accounts; NULL: nothing */
    struct tgd_proxy_test *proxy_tests; /* list */
    uint64_t n_proxy_tests;
    struct tgd_listener *listeners; /* list */
    struct tgd_client *clients;     /* list */
    size_t loud_reads;              /* of clients that pipeline, in this turn */
    struct tgd_account **accounts;  /* by id, which only grows */
    size_t n_accounts;
    struct tgd_account *removed; /* list, until the end of the turn */
    struct tgd_account *dirty;   /* list of those that may have effects to pull, in the order of touching */
    struct tgd_account **dirty_end;
    bool opening;              /* some accounts have no machine yet */
    int32_t opened_to;         /* those up to this id were opened, while opening */
    struct rpc_timers due;     /* deadlines of the accounts */
    struct tgd_closed *closed; /* accounts that could not be opened */
    size_t n_closed;
    struct tgd_backup *backup; /* while one is made */
    struct tgd_pump *pump;
    struct tgd_turns turns;
    bool draining; /* stopping: no new clients, accounts are closing */
    bool stop;
    int exit_code;
};

/* --- accounts.c: the accounts of this process; machine.c: the machine of one --- */

struct tgd_account {
    struct tgd *tgd;
    struct tgd_account *next_removed;
    struct store_account row;
    struct mt_account *core; /* NULL: not opened yet */
    const struct store_ops *ops;
    char api_hash[64];      /* lent to core: the configuration may change under it */
    bool no_journal;        /* journal = off */
    bool stored;            /* while the list is compared with what is stored */
    struct tgd_link *links; /* list */
    char *proxy;            /* what setProxy set for it; NULL: nothing */
    bool moved;             /* its keys were last used on another machine */
    char system[64];        /* system_version of its initConnection */
    bool dirty;             /* in the list of the dirty */
    bool gone;              /* removed: freed at the end of the turn */
    bool wants_sync;        /* mt_account_synced() is due when turn sync_turn (0: that under way) is synced */
    uint64_t sync_turn;
    struct tgd_account *next_dirty;
    struct rpc_timer due; /* deadline of core, as of the last time it was dirty */
};

/* An account that cannot be opened: its keys are damaged, sealed, of other servers or of a newer version. */
struct tgd_closed {
    int32_t id;
    char name[33];
    char why[200];
};

/*
 * At the start: lists the accounts of the state folder and opens none, so that the socket answers at once
 * whatever their number. They are opened a few a turn, in the order of ids, and before that whoever is asked
 * for; of those that cannot be opened getHealth tells.
 */
int tgd_accounts_list(struct tgd *d);
void tgd_accounts_open_some(struct tgd *d);
/* Opens it where it is not; false: it cannot be opened, and is not in the list any more. */
bool tgd_account_open(struct tgd_account *a);
/* What is stored, anew: opens what is not open, forgets what is not there any more. */
int tgd_accounts_refresh(struct tgd *d);
void tgd_accounts_close(struct tgd *d);
/* The configuration was read: what of it each account goes by, and the bounds of the journals. */
void tgd_accounts_configure(struct tgd *d);
int tgd_account_add(struct tgd *d, const char *name, int32_t api_id, const char *api_hash, int32_t *id,
                    char err[256]);
int tgd_account_remove(struct tgd *d, int32_t id, char err[256]);
/* Frees what was removed since the last call. */
void tgd_accounts_reap(struct tgd *d);
int tgd_account_pause(struct tgd *d, int32_t id, bool paused, char err[256]);
/* Something may have changed that concerns them all: clock jump, network. */
void tgd_accounts_kick(struct tgd *d, struct mt_now now);
struct tgd_account *tgd_account_by_id(struct tgd *d, int32_t id);
/* Its machine was given something: the pump looks at it in this turn. A turn costs what was touched. */
void tgd_account_touch(struct tgd_account *a);
/* After a failed commit: ends the machine's requests, of which nothing can be written, and closes its links.
 */
void tgd_account_halt(struct tgd_account *a, struct mt_now now);
/*
 * Throws all machines away and makes them anew from what is stored; their pending requests end first. Not
 * MT_OK: the disk does not work yet. An account whose keys are no good any more is closed.
 */
int tgd_accounts_restart(struct tgd *d, struct mt_now now);

/* Loads what is stored and makes the machine of it; a->core is replaced only where all of it works. */
int tgd_machine_make(struct tgd_account *a, struct mt_now now);

/* A REPLY of a machine of which nothing is written any more: it promises nothing. */
void tgd_account_last_reply(struct tgd_account *a, struct mt_now now, const struct mt_fx *fx);

/* --- link.c: one TCP connection of an account --- */

struct tgd_link;
/* Starts to connect; ends in mt_account_link_up or _down, never inside this call. */
void tgd_link_open(struct tgd_account *a, const struct mt_fx *connect);
void tgd_link_close(struct tgd_account *a, uint32_t number);
void tgd_links_close(struct tgd_account *a);
/* Writes what the account has for its links. */
void tgd_links_flush(struct tgd_account *a, struct mt_now now);

/* proxy_test.c */
void tgd_proxy_tests_close(struct tgd *d);

/* --- listener.c, client.c: local programs --- */

/* Takes LISTEN_FDS or binds the configured path. 0, or -1 with the reason in err[]. */
int tgd_listen(struct tgd *d, char err[256]);
void tgd_unlisten(struct tgd *d);
void tgd_client_open(struct tgd *d, size_t socket, int fd); /* socket: of the configuration */
/* The configuration was read again: who is not served as before is hung up on. */
void tgd_clients_recheck(struct tgd *d);
/* Writes what rpc has for its clients, closes those that are done. */
void tgd_clients_flush(struct tgd *d, struct mt_now now);
void tgd_clients_close(struct tgd *d);

/* What the hangup watcher calls: the client is gone altogether. */
void tgd_client_gone(void *client);

/* --- pump.c --- */

struct tgd_pump;
struct tgd_pump *tgd_pump_new(struct tgd *d); /* NULL: no memory */
void tgd_pump_free(struct tgd_pump *p);
/* Does all that is ready: ticks, effects, one commit per round, output. Arms the timer. */
void tgd_pump(struct tgd_pump *p);
void tgd_pump_synced(struct tgd_pump *p, struct mt_now now); /* a sync has ended, well or not */
/* True: the last commit failed, and accounts are stopped until one works. */
bool tgd_pump_is_halted(const struct tgd_pump *p);

/* --- main.c --- */

/* Reads the configuration again; -1 with words in err[], also where something could not change. */
int tgd_reload(struct tgd *d, char err[256]);

/* --- host.c: what rpc is lent --- */
void tgd_host_init(struct tgd *d);
