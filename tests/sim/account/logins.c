/* Logins that the server takes away, and the way back in. */
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/peer.h"
#include "tests/sim/account/asim.h"

#define PATIENCE (90 * MT_US_PER_S) /* with one step of a login: then it is tried again */

/* --- the server --- */

static void forget_keys_of(struct asim *s, uint64_t perm_id)
{
    for (size_t i = 0; i < SB_KEY_BUCKETS; i++)
        for (struct sb_key *k = s->server->keys[i], *next; k; k = next) {
            next = k->next;
            if (k->auth.id == perm_id || k->perm_id == perm_id)
                sb_key_remove(s->server, k);
        }
}

void login_take(struct owner *o)
{
    struct asim *s = o->s;
    uint64_t id = 0;

    for (size_t i = 0; i < o->disk.saved.n_dcs; i++)
        if (o->disk.saved.dcs[i].dc_id == o->disk.saved.main_dc && o->disk.saved.dcs[i].has_key)
            id = o->disk.saved.dcs[i].key.id;
    if (!id || !o->disk.saved.user_id || o->taken)
        return;
    o->taken = true;
    o->losses++;
    for (size_t i = 0; i < WIRES; i++)
        if (s->wires[i].owner == o->index)
            wires_cut(s, &s->wires[i]);
    sb_world_forget_key(s->world, id);
    if (asim_random(s, 2)) {
        asim_trace(s, "the server ends the session of %s", o->name);
    } else {
        asim_trace(s, "the server forgets the key of %s", o->name);
        forget_keys_of(s, id);
    }
}

/* --- the client --- */

void login_forgotten(struct owner *o)
{
    if (!o->taken)
        asim_fail(o->s, "%s forgets its login, and the server never took it", o->name);
    for (unsigned i = 0; i < o->n_letters; i++) /* what was queued goes with the login */
        o->letters[i].promised = false;
    for (size_t i = 0; i < o->n_told; i++) /* and what its queue is told only now, with the next sync */
        if (o->told[i].for_sync && o->asked[o->told[i].token].letter >= 0)
            o->letters[o->asked[o->told[i].token].letter].forgotten = true;
}

void login_changed(struct owner *o)
{
    const struct mt_login *l = mt_account_login(o->a);

    asim_trace(o->s, "  login of %s: step %d %s", o->name, (int)l->step, l->reason);
    switch (l->step) {
    case MT_LOGIN_LOGGED_OUT:
        if (!o->taken)
            asim_fail(o->s, "%s is logged out (%s), and the server did not do it", o->name, l->reason);
        o->login_at = o->s->t + (int64_t)asim_random(o->s, 60) * MT_US_PER_S;
        return;
    case MT_LOGIN_NONE:
    case MT_LOGIN_CODE:
        o->login_at = o->s->t + MT_US_PER_S;
        return;
    case MT_LOGIN_READY:
        o->login_at = MT_NEVER;
        o->taken = false;
        return;
    case MT_LOGIN_PASSWORD:
    case MT_LOGIN_UNSUPPORTED:
        asim_fail(o->s, "%s is asked for what it has not", o->name);
        return;
    }
}

void login_started(struct owner *o)
{
    o->login_at = o->disk.saved.user_id ? MT_NEVER : o->s->t + MT_US_PER_S;
}

void login_step(struct owner *o)
{
    struct mt_now now = owner_now(o);
    uint64_t token = LOGIN_TOKEN + o->login_asked++;

    o->login_at = o->s->t + PATIENCE;
    if (mt_account_login(o->a)->step == MT_LOGIN_CODE)
        mt_login_code(o->a, now, token, "22222"); /* of everybody on DC 2 */
    else if (o->bot)
        mt_login_bot(o->a, now, token, "6000000001:sandbox-token-of-echo-bot");
    else
        mt_login_phone(o->a, now, token, o->index ? "9996620002" : "9996620001");
}
