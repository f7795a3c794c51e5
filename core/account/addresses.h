/*
 * Where data centres are. Two sources: what a server of ours said (help.getConfig, updateDcOptions), which is
 * kept in keys.db, and behind it the set that the program was started with, which is for the first contact
 * only. Pure functions of a book; the choice is made anew for every connection.
 *
 *     config ---> learned --+--> mt_book_choose --> up to six, best first --> one CONNECT
 *     --servers, built in --+          ^
 *                    mt_book_failed, mt_book_good (of this run)
 *
 * Order: what failed lately comes last; IPv6 first where the server's config asks to try it; then learned
 * before bootstrap; the one that worked last; `static` ones where a proxy is used (they are meant for it);
 * the option's own port, then 443, 80, 5222 unless it says this_port_only; the family that worked, or, where
 * none is known yet, one of each in turn.
 *
 * media_only options give no updates and are for file connections, tcpo_only ones for obfuscated connections
 * (which any is that goes there), cdn ones for the ids of CDN DCs.
 * Sources: https://core.telegram.org/constructor/dcOption, protocol.md 1.6, 2.1.
 */
#pragma once

#include "core/account/account.h"

#define MT_SCORES_MAX 16

struct mt_score {
    uint32_t key; /* of id, address and port; 0: free */
    uint32_t used;
    uint8_t fails; /* in a row */
    bool good;     /* encrypted traffic was verified on it */
};

struct mt_book {
    const struct mt_servers *boot; /* borrowed */
    struct mt_addresses *learned;  /* borrowed; in what is saved */
    bool try_ipv6; /* config.force_try_ipv6, of this run: IPv6 comes first, where it has not failed */
    struct mt_score scores[MT_SCORES_MAX];
    uint32_t clock;
};

/*
 * What was learned through another bootstrap set is dropped: a file of --servers that says something new is
 * obeyed, and a sandbox that started again on other ports is found.
 */
void mt_book_init(struct mt_book *b, const struct mt_servers *boot, struct mt_addresses *learned);

struct mt_want {
    int32_t dc;
    bool media;   /* a file connection: media_only ones first */
    bool proxied; /* through SOCKS5 or HTTP: static ones first */
};
/* Best first; 0: no address of that DC is known. The port in `out` is the one to connect to. */
size_t mt_book_choose(const struct mt_book *b, const struct mt_want *want,
                      struct mt_server out[MT_CONNECT_MAX]);
/* Some address of it is known that is no CDN's. */
bool mt_book_knows(const struct mt_book *b, int32_t dc);
/* The next DC after `dc` in the order of ids, around the end, that is neither CDN nor `not`; 0: none. */
int32_t mt_book_next(const struct mt_book *b, int32_t dc, int32_t not );

/* Servers of ours name it, on whatever port. */
bool mt_book_has(const struct mt_book *b, const struct mt_server *s);

/* `weight` 2 and more: not for a bad line, the server there is none of ours. */
void mt_book_failed(struct mt_book *b, const struct mt_server *s, unsigned weight);
/* True: its family is news, and is now in b->learned->family. */
bool mt_book_good(struct mt_book *b, const struct mt_server *s);
unsigned mt_book_fails(const struct mt_book *b, const struct mt_server *s); /* in a row, of this run */
bool mt_book_is_good(const struct mt_book *b, const struct mt_server *s);

/*
 * A Vector<DcOption> into the learned set: `whole` replaces all of it, else only the DCs that it names.
 * False: nothing changed, or it names no usable address (which is no reason to forget those that are known).
 */
struct tl_vec;
bool mt_book_learn(struct mt_book *b, struct tl_vec *options, bool whole);
