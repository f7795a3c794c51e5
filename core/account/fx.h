/*
 * The effects of a turn: a queue of struct mt_fx, each with its own copy of everything that it points at.
 *
 * All machines of an account write into one queue, so their effects keep the order in which things happened:
 * a peer before the update that names it, an update before the state that counts it.
 *
 * Memory runs out: the effect is lost and `lost` is set. From then on no STATE and no CHANNEL is taken, so
 * what is saved never runs ahead of what was delivered; the next start repeats rather than loses.
 */
#pragma once

#include "core/account/account.h"

struct mt_fx_item;

struct mt_fxq {
    struct mt_fx_item *head, *tail;
    struct mt_fx_item *shown; /* what mt_fxq_next() gave out last */
    bool lost;
};

void mt_fxq_init(struct mt_fxq *q);
/* Drops what was not pulled; jobs in it are freed. */
void mt_fxq_fini(struct mt_fxq *q);
/* Copies `fx` and all that it points at; `job` is taken as it is. MT_E_NOMEM: the job is
 * freed. */
int mt_fxq_push(struct mt_fxq *q, const struct mt_fx *fx);
/* The oldest; borrowed until the next call. False, and kind NONE: empty. */
bool mt_fxq_next(struct mt_fxq *q, struct mt_fx *fx);
bool mt_fxq_is_empty(const struct mt_fxq *q);
/* Calls `visit` for what is queued, oldest first, until it returns false. */
void mt_fxq_each(const struct mt_fxq *q, bool (*visit)(void *arg, const struct mt_fx *fx), void *arg);
