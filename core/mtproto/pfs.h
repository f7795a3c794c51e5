/*
 * The key slots of a data centre with perfect forward secrecy, private to dc.c and dc_link.c.
 *
 *     permanent --proves, by a bind--> temporary (dc->conn) --an hour before its end--> next (dc->next)
 *         |                                 ^                                              |
 *         +-- dc->check: still known? ------+------- takes over; answers still come to ----+ dc->old
 *
 * The exchange for `next` and its bind run over the same link, beside the traffic, which never stops. What
 * the server does not know is found out in this order, each step on a fresh connection:
 *
 *     -404 once            again                          (a server that hiccups)
 *     -404 twice           the temporary key is dropped, another made and bound
 *     bind: ENCRYPTED_MESSAGE_INVALID    a ping under the permanent key itself, unless that is younger than a
 *                          minute (then it is only not everywhere yet)
 *     a query: AUTH_KEY_PERM_EMPTY       bound again; the fourth time as a bind that is refused so
 *     -404 twice to that   MT_DC_KEY_LOST: only then is a permanent key lost
 *
 * Other refusals of a bind cost the temporary key, errors of the server (500, 420) only the link.
 * Source: https://core.telegram.org/api/pfs
 */
#pragma once

#include "core/mtproto/dc_link.h"

/* The temporary key can be used for a while yet. */
bool mt_pfs_is_usable(const struct mt_dc *dc, struct mt_now now);
/* Its lifetime for a new key exchange. */
int32_t mt_pfs_lifetime(const struct mt_dc *dc);
/* The temporary key is of no use: forgotten, and the owner is told. */
void mt_pfs_drop(struct mt_dc *dc);
/* An exchange made one: it is used at once, or where traffic flows it is made ready beside it. MT_E_NOMEM. */
int mt_pfs_made(struct mt_dc *dc, struct mt_now now, const struct mt_keyx_event *ev);
/* After a packet: what became of binds. MT_OK, or why the link is to be closed. */
int mt_pfs_look(struct mt_dc *dc, struct mt_now now, const char **where);
/* The link is gone: what is made ready is not, answers to the key before will not come. */
void mt_pfs_link_down(struct mt_dc *dc, struct mt_now now);
/* Renewal and the end of what was replaced. MT_OK, or why the link is to be closed. */
int mt_pfs_tick(struct mt_dc *dc, struct mt_now now, const char **where);
int64_t mt_pfs_deadline(const struct mt_dc *dc);
/* A renewal that failed costs no link: it is tried again later. */
void mt_pfs_renewal_failed(struct mt_dc *dc, struct mt_now now, const char *why);
void mt_pfs_free(struct mt_dc *dc);
