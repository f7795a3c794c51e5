/*
 * The inside of struct mt_dc: dc.c has its verbs and states, dc_link.c what passes over one TCP connection.
 *
 *     IDLE --work or keep--> CONNECTING --link_up--> KEYX --key--> KEY_WAIT --saved--> (KEYX, temporary ->)
 * UP ^                         |    \------------ with a key ------------------------^ | | v     \-- CHECK:
 * is the permanent key still known? --> KEYX
 *      +--nothing to do-- WAITING <----------------- link lost, any failure -------------+
 *
 *     LOST: the server does not know the key; DEAD: closed. Neither connects again.
 */
#pragma once

#include "core/mtproto/backoff.h"
#include "core/mtproto/conn.h"
#include "core/mtproto/keyx.h"

enum mt_dc_state {
    MT_DCS_IDLE,
    MT_DCS_CONNECTING,
    MT_DCS_KEYX,
    MT_DCS_KEY_WAIT, /* the new key is not saved yet: nothing is sent under it */
    MT_DCS_CHECK,    /* a ping under the permanent key (pfs.h) */
    MT_DCS_UP,
    MT_DCS_WAITING,
    MT_DCS_LOST,
    MT_DCS_DEAD,
};

struct mt_dc {
    struct mt_dc_cfg cfg;
    struct mt_events events;
    struct mt_conn *conn;
    struct mt_conn *next, *old, *check; /* pfs.h */
    struct mt_frame *frame;             /* of the present TCP connection */
    struct mt_keyx *keyx;               /* before UP: traffic waits for it; in UP: a renewal */
    bool making_temp;                   /* what keyx makes */
    enum mt_dc_state state;
    int64_t until;        /* mono: end of the back-off, or of the patience with connecting */
    int64_t up_at;        /* mono: encrypted traffic may flow since */
    int64_t idle_at;      /* mono: nothing to do since; MT_NEVER: there is */
    unsigned failures;    /* in a row, for the back-off */
    unsigned least;       /* what the server said counts as at least so many, however long the link lasted */
    unsigned attempt;     /* CONNECTs since the last verified packet */
    unsigned unknown_key; /* connections in a row on which our key was answered by -404 */
    struct mt_auth_key perm;
    bool has_perm;
    bool doubt;        /* the server may not know it: CHECK comes before anything else */
    int64_t perm_made; /* mono, in this run; 0: it was saved */
    bool temp_told;    /* the owner knows the temporary key */
    int64_t old_until; /* mono */
    uint64_t left_key; /* the temporary key before, when nothing of it is waited for any more; 0: none */
    int64_t renew_at;  /* mono: not before */
    unsigned renewals_failed; /* in a row */
    uint32_t exchanges;       /* key exchanges begun: each has its own job serials */
    bool key_waiting;         /* new_key is being saved */
    struct mt_auth_key new_key;
    int64_t new_salt, new_offset_us;
};

/* --- dc_link.c --- */

/* Encrypted traffic begins. */
void mt_link_go_up(struct mt_dc *dc, struct mt_now now);
/* A key exchange begins on the link. False: no memory. */
bool mt_link_exchange(struct mt_dc *dc, struct mt_now now, bool temporary);

/* The key exchange or the encrypted connection begins on a fresh TCP connection. False: no memory. */
bool mt_link_start(struct mt_dc *dc, struct mt_now now);
/* Forgets the TCP connection without a word to the owner. */
void mt_link_stop(struct mt_dc *dc, struct mt_now now);
/* MT_OK, or why the TCP connection is to be closed, `*where` saying at what. */
int mt_link_feed(struct mt_dc *dc, struct mt_now now, const void *p, size_t n, const char **where);
int mt_link_fill(struct mt_dc *dc, struct mt_now now, const char **where);
/* Events of the key exchange. */
int mt_link_keyx(struct mt_dc *dc, struct mt_now now, const char **where);
